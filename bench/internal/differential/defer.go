package differential

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/weirproxy/weir/planner"
)

// inParts executes a query with @defer here and there, in both formats, and puts the parts together: that is the answer without @defer, but for what
// a null takes with it, which is less, and for parts that failed, which are not there.
func (w *world) inParts(ctx context.Context, op operation, body []byte) *difference {
	text := op.Query
	if !strings.Contains(text, "@defer") {
		text = deferred(text)
	}
	if text == "" {
		return nil
	}
	p := planner.Build(w.supergraph.Schema(), text, "", planner.Options{})
	var v planner.Values
	if p.Kind() != planner.KindQuery || len(p.Errors()) > 0 || len(p.Coerce([]byte(op.Variables), &v)) > 0 {
		return nil
	}
	d := &difference{op: operation{text, op.Variables}, kind: "parts", want: string(body)}
	plan, err := p.FetchesInParts(&v, nil)
	if err != nil {
		d.got = err.Error()
		return d
	}
	if d.plan = plan.String(); plan.Parts == nil {
		return nil
	}
	var want answer
	if json.Unmarshal(body, &want) != nil {
		return nil
	}
	for _, legacy := range []bool{false, true} {
		for tries := 1; ; tries++ {
			var list [][]byte
			f := w.federation
			if legacy {
				f = w.keeping
			}
			f.ExecuteInParts(ctx, plan, &v, legacy, func(payload []byte, _ bool) { list = append(list, bytes.Clone(payload)) })
			all := bytes.Join(list, []byte("\n"))
			if d.got = string(all); bytes.Contains(all, late) && ctx.Err() == nil {
				if w.late.Add(1); tries < patience {
					continue
				}
				d.kind = "late"
				return d
			}
			data, failed, err := together(list, legacy)
			if err == nil {
				var whole any
				_ = json.Unmarshal(want.Data, &whole)
				failed = failed || len(want.Errors) > 0
				err = covers(whole, data, failed)
			}
			if err != nil && ctx.Err() == nil {
				d.got = err.Error() + "\n" + d.got
				return d
			}
			w.parts.Add(1)
			break
		}
	}
	return nil
}

// deferred puts @defer into a query, the same each time; empty when there is no place for it.
func deferred(query string) string {
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return ""
	}
	h := fnv.New64()
	_, _ = h.Write([]byte(query))
	b := deferrer{r: rand.New(rand.NewPCG(h.Sum64(), 7))}
	for _, o := range doc.Operations {
		if o.Operation != ast.Query {
			return ""
		}
		b.set(o.SelectionSet)
	}
	for _, f := range doc.Fragments {
		b.set(f.SelectionSet)
	}
	if b.count == 0 {
		return ""
	}
	var out bytes.Buffer
	formatter.NewFormatter(&out, formatter.WithIndent(" ")).FormatQueryDocument(doc)
	return out.String()
}

type deferrer struct {
	r     *rand.Rand
	count int
}

func (b *deferrer) directive() *ast.Directive {
	b.count++
	d := &ast.Directive{Name: "defer"}
	if b.r.IntN(2) == 0 {
		d.Arguments = ast.ArgumentList{{Name: "label", Value: &ast.Value{Kind: ast.StringValue, Raw: fmt.Sprintf("d%d", b.count)}}}
	}
	return d
}

func (b *deferrer) set(set ast.SelectionSet) {
	for i, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			b.set(s.SelectionSet)
			if b.r.IntN(5) == 0 {
				set[i] = &ast.InlineFragment{Directives: ast.DirectiveList{b.directive()}, SelectionSet: ast.SelectionSet{s}}
			}
		case *ast.InlineFragment:
			b.set(s.SelectionSet)
			if b.r.IntN(2) == 0 {
				s.Directives = append(s.Directives, b.directive())
			}
		case *ast.FragmentSpread:
			if b.r.IntN(2) == 0 {
				s.Directives = append(s.Directives, b.directive())
			}
		}
	}
}

// payload is one of an answer in parts, in either format.
type payload struct {
	Data    json.RawMessage
	Errors  []any
	HasNext *bool
	Pending []struct {
		ID    string
		Path  []any
		Label *string
	}
	Incremental []struct {
		ID      string
		Data    any
		Path    []any
		SubPath []any
		Errors  []any
	}
	Completed []struct {
		ID     string
		Errors []any
	}
}

// together puts the parts of an answer together, as a client does. failed: some part was null, or had errors.
func together(list [][]byte, legacy bool) (data any, failed bool, err error) {
	pending, known := map[string][]any{}, map[string]bool{}
	for n, text := range list {
		var p payload
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, false, err
		}
		if p.HasNext == nil || *p.HasNext != (n < len(list)-1) {
			return nil, false, fmt.Errorf("hasNext of payload %d of %d", n, len(list))
		}
		if n == 0 {
			if err := json.Unmarshal(p.Data, &data); err != nil {
				return nil, false, err
			}
		}
		failed = failed || len(p.Errors) > 0
		for _, i := range p.Incremental {
			path := append(append([]any{}, pending[i.ID]...), i.SubPath...)
			if legacy {
				path = i.Path
			} else if _, ok := pending[i.ID]; !ok {
				return nil, false, fmt.Errorf("id %q is not pending", i.ID)
			}
			failed = failed || len(i.Errors) > 0
			if i.Data == nil {
				if len(i.Errors) == 0 {
					return nil, false, fmt.Errorf("null without an error at %v", path)
				}
				continue
			}
			if data, err = into(data, path, i.Data, legacy); err != nil {
				return nil, false, err
			}
		}
		for _, c := range p.Completed {
			if _, ok := pending[c.ID]; !ok {
				return nil, false, fmt.Errorf("id %q is completed and not pending", c.ID)
			}
			delete(pending, c.ID)
			failed = failed || len(c.Errors) > 0
		}
		for _, i := range p.Pending {
			if known[i.ID] || legacy {
				return nil, false, fmt.Errorf("id %q is pending twice", i.ID)
			}
			known[i.ID], pending[i.ID] = true, i.Path
		}
	}
	if len(pending) > 0 {
		return nil, false, fmt.Errorf("%v is not completed", pending)
	}
	return data, failed, nil
}

// into merges what came into the data at a path. What is new must not be there before, but in the legacy format.
func into(data any, path []any, more any, legacy bool) (any, error) {
	if len(path) == 0 {
		return merged(data, more, legacy)
	}
	var err error
	switch x := data.(type) {
	case map[string]any:
		key, _ := path[0].(string)
		x[key], err = into(x[key], path[1:], more, legacy)
		return x, err
	case []any:
		if i, ok := path[0].(float64); ok && int(i) < len(x) {
			x[int(i)], err = into(x[int(i)], path[1:], more, legacy)
			return x, err
		}
	}
	return nil, fmt.Errorf("nothing is at %v", path)
}

func merged(data, more any, legacy bool) (any, error) {
	x, ok := data.(map[string]any)
	y, also := more.(map[string]any)
	switch {
	case ok && also:
		for k, v := range y {
			old, had := x[k]
			if !had || old == nil {
				x[k] = v
				continue
			}
			if !legacy {
				return nil, fmt.Errorf("%q is told twice", k)
			}
			var err error
			if x[k], err = merged(old, v, legacy); err != nil {
				return nil, err
			}
		}
		return x, nil
	case !legacy:
		return nil, fmt.Errorf("there is no object to merge into")
	}
	a, ok := data.([]any)
	b, also := more.([]any)
	if ok && also && len(a) == len(b) {
		for i := range a {
			var err error
			if a[i], err = merged(a[i], b[i], legacy); err != nil {
				return nil, err
			}
		}
		return a, nil
	}
	if data == nil {
		return more, nil
	}
	return data, nil
}

// covers tells that parts put together are the whole; when something failed, that they have nothing else than the whole has, where that is not null.
func covers(whole, parts any, failed bool) error {
	if whole == nil && failed || parts == nil && failed {
		return nil
	}
	switch x := whole.(type) {
	case map[string]any:
		y, ok := parts.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is no object", parts)
		}
		for k := range y {
			if _, ok := x[k]; !ok {
				return fmt.Errorf("%q does not belong there", k)
			}
		}
		for k := range x {
			v, ok := y[k]
			if !ok && failed {
				continue
			}
			if !ok {
				return fmt.Errorf("%q is missing", k)
			}
			if err := covers(x[k], v, failed); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
		return nil
	case []any:
		y, ok := parts.([]any)
		if !ok || len(x) != len(y) {
			return fmt.Errorf("%v is not the list %v", parts, whole)
		}
		for i := range x {
			if err := covers(x[i], y[i], failed); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
		return nil
	}
	if whole != parts {
		return fmt.Errorf("%v is not %v", parts, whole)
	}
	return nil
}
