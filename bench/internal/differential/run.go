package differential

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
	"github.com/weirproxy/weir/bench/internal/subgraphs"
	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy"
)

// world is a federated schema with its tables, its subgraphs under way, and its monolith.
type world struct {
	seed   uint64
	place  string // of its subgraphs on the server
	schema *federated.Schema
	clean  map[string]bool
	client *ast.Schema // what operations are made for
	server *subgraphs.Server

	data       *subgraphs.Data // of the subgraphs
	subgraphs  []*subgraphs.Subgraph
	text       string // of the supergraph
	supergraph *planner.Supergraph
	federation *proxy.Federation
	keeping    *proxy.Federation // the same with a cache
	kept       *cache.Store
	parts      atomic.Int64 // answers in parts that were put together
	told       atomic.Int64 // events of subscriptions
	late       atomic.Int64 // executions that were done again because a subgraph did not answer in time
}

// newWorld makes a world from a seed, and open starts it.
func newWorld(seed uint64, b breadth, server *subgraphs.Server) (*world, error) {
	w := &world{seed: seed, server: server}
	w.schema, w.clean = makeSchema(seed, b)
	return w, w.open()
}

func (w *world) open() (err error) {
	w.place = strconv.FormatInt(places.Add(1), 10)
	if w.client, err = load(w.schema, federated.Client); err != nil {
		return err
	}
	whole, err := load(w.schema, federated.Whole)
	if err != nil {
		return err
	}
	w.data = makeTables(w.seed, w.schema, whole, w.clean)
	urls := make([]string, len(w.schema.Graphs))
	for g, name := range w.schema.Graphs {
		s, err := subgraphs.New(subgraphs.Config{Name: name, SDL: w.schema.Subgraph(g), Data: w.data, Overridden: w.schema.Overridden(g)})
		if err != nil {
			return err
		}
		urls[g] = w.server.Put(w.path(g), s)
		w.subgraphs = append(w.subgraphs, s)
	}
	w.text = w.schema.Supergraph(urls)
	if w.supergraph, err = planner.LoadSupergraph("supergraph", w.text, labelOn); err != nil {
		return err
	}
	if w.federation, err = proxy.NewFederation(w.supergraph, nil, 0); err != nil {
		return err
	}
	if w.kept, err = cache.Open(cache.Config{MaxBytes: 4 << 20}); err != nil {
		return err
	}
	w.keeping, err = proxy.NewFederation(w.supergraph, w.kept, time.Hour)
	return err
}

func (w *world) path(g int) string { return w.place + "/" + w.schema.Graphs[g] }

// places numbers the worlds of a process.
var places atomic.Int64

func (w *world) close() {
	for g := range w.schema.Graphs {
		w.server.Put(w.path(g), nil)
	}
	for _, f := range []*proxy.Federation{w.federation, w.keeping} {
		if f != nil {
			f.Close()
		}
	}
	if w.kept != nil {
		_ = w.kept.Close()
	}
}

func load(s *federated.Schema, v federated.View) (*ast.Schema, error) {
	out, err := gqlparser.LoadSchema(&ast.Source{Name: "single", Input: s.Single(v)})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// answer is what is compared.
type answer struct {
	Data   json.RawMessage
	Errors []struct {
		Message string
		Path    []any
	}
}

func (a *answer) String() string {
	out := string(a.Data)
	for _, e := range a.Errors {
		out += fmt.Sprintf("\n       %s %v", e.Message, e.Path)
	}
	return out
}

// difference is a case that failed.
type difference struct {
	op        operation
	kind      string // data, errors, plan, answer, kept, parts or late
	want, got string
	plan      string
}

// compare executes an operation both ways. valid is false when the operation is not.
func (w *world) compare(ctx context.Context, op operation) (d *difference, valid bool) {
	p := planner.Build(w.supergraph.Schema(), op.Query, "", planner.Options{})
	var v planner.Values
	if len(p.Errors()) > 0 || len(p.Coerce([]byte(op.Variables), &v)) > 0 {
		return nil, false
	}
	plan, err := p.Fetches(&v)
	if err != nil {
		return &difference{op: op, kind: "plan", got: err.Error()}, true
	}
	if p.Kind() == planner.KindSubscription {
		return w.events(ctx, op, plan, &v)
	}
	mutation := p.Kind() == planner.KindMutation
	if mutation {
		w.reset(ctx)
	}
	want, err := w.monolith(ctx, op)
	if err != nil {
		return nil, false
	}
	var got answer
	body := w.execute(ctx, w.federation, plan, &v, mutation)
	if bytes.Contains(body, late) && ctx.Err() == nil {
		return &difference{op: op, kind: "late", got: string(body), plan: plan.String()}, true
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return &difference{op: op, kind: "answer", got: err.Error(), plan: plan.String()}, true
	}
	if d := w.again(ctx, plan, &v, body, mutation); d != nil {
		d.op = op
		return d, true
	}
	if ctx.Err() != nil {
		return nil, false
	}
	d = &difference{op: op, want: want.String(), got: got.String(), plan: plan.String()}
	switch {
	case !sameJSON(want.Data, got.Data):
		d.kind = "data"
	case !sameErrors(want, &got):
		d.kind = "errors"
	default:
		d = w.inParts(ctx, op, body)
	}
	return d, true
}

// patience is how often an operation is executed in which a subgraph, which is here and never slow, did not answer in time: a machine that stops the
// process for so long says nothing of the plan. One that hangs by itself does so each time, and is a difference.
const patience = 3

var late = []byte(`"code":"subgraph.timeout"`)

// execute executes an operation over the subgraphs, a mutation on tables that none has changed yet.
func (w *world) execute(ctx context.Context, f *proxy.Federation, plan *planner.FetchPlan, v *planner.Values, mutation bool) (body []byte) {
	for range patience {
		if mutation {
			w.reset(ctx)
		}
		if body = f.Execute(ctx, plan, v, nil); !bytes.Contains(body, late) {
			break
		}
		w.late.Add(1)
	}
	return body
}

// reset takes back what mutations changed, and forget what the cache has of before a change.
func (w *world) reset(ctx context.Context) {
	w.data.Reset()
	w.forget(ctx)
}

func (w *world) forget(ctx context.Context) {
	_, _ = w.kept.Invalidate(ctx, cache.Invalidation{All: true}, time.Now().UnixNano())
}

// again executes a query twice more, with what earlier ones of the same world left in the cache, and with all that it can find there. The data must
// not change by that; what changed it is forgotten.
func (w *world) again(ctx context.Context, plan *planner.FetchPlan, v *planner.Values, body []byte, mutation bool) *difference {
	if mutation {
		w.forget(ctx)
		return nil
	}
	for range 2 {
		got := w.execute(ctx, w.keeping, plan, v, false)
		if ctx.Err() == nil && !bytes.Equal(inOrder(got), inOrder(body)) {
			return &difference{kind: "kept", want: string(body), got: string(got), plan: plan.String()}
		}
	}
	return nil
}

// inOrder is an answer with its errors in order: steps that do not wait for each other may tell theirs in any.
func inOrder(body []byte) []byte {
	var a struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	if json.Unmarshal(body, &a) != nil {
		return body
	}
	slices.SortFunc(a.Errors, func(x, y json.RawMessage) int { return bytes.Compare(x, y) })
	out, _ := json.Marshal(a)
	return out
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return exactly(a, &x) == nil && exactly(b, &y) == nil && reflect.DeepEqual(x, y)
}

// exactly decodes JSON with its numbers as they are written.
func exactly(text json.RawMessage, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}

// sameErrors compares where errors are; it is not defined how many there are at one place, nor which of those below a null. An error at a key that the answer
// does not have is let pass: an interface object is asked before its type is known, and may fail where the type turns out to want nothing of it.
func sameErrors(want, got *answer) bool {
	var data any
	if json.Unmarshal(want.Data, &data) != nil {
		return false
	}
	some := false
	for _, e := range got.Errors {
		null, there := nullOn(data, e.Path)
		if there && !null {
			return false
		}
		some = some || there
	}
	return some == (len(want.Errors) > 0)
}

// nullOn tells that there is a null on a path, where an error may be, and that the answer has the keys of the path up to there.
func nullOn(v any, path []any) (null, there bool) {
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			key, _ := p.(string)
			if v, there = x[key]; !there {
				return false, false
			}
		case []any:
			i, ok := p.(float64)
			if !ok || int(i) >= len(x) {
				return false, false
			}
			v = x[int(i)]
		}
		if v == nil {
			return true, true
		}
	}
	return v == nil, true
}

func (w *world) monolith(ctx context.Context, op operation) (*answer, error) {
	m, err := w.whole()
	if err != nil {
		return nil, err
	}
	var out answer
	if err := json.Unmarshal(m.Answer(ctx, op.body()), &out); err != nil {
		return nil, err
	}
	if out.Data == nil {
		return nil, fmt.Errorf("not executed: %s", &out)
	}
	return &out, nil
}

func (w *world) whole() (*subgraphs.Subgraph, error) {
	return subgraphs.New(subgraphs.Config{Name: "monolith", SDL: w.schema.Single(federated.Monolith), Data: w.data, Monolith: true})
}

// body is a request for the operation.
func (op operation) body() []byte {
	out, err := json.Marshal(map[string]any{"query": op.Query, "variables": json.RawMessage(op.Variables)})
	if err != nil {
		panic("BUG: an operation is no JSON: " + err.Error())
	}
	return out
}
