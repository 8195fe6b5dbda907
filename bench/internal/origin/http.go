package origin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/gql"
	"github.com/weirproxy/weir/bench/internal/origin/burn"
	"github.com/weirproxy/weir/bench/internal/origin/fault"
	"github.com/weirproxy/weir/bench/internal/origin/stream"
)

const (
	maxBody      = 16 << 20
	maxBatch     = 50
	maxPersisted = 5000
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
)

// serveGraphQL takes one HTTP request through the conditions in force.
func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	c, fail := s.faults.next()
	if !pause(r.Context(), time.Duration(c.given.DelayMS)*time.Millisecond) {
		return
	}
	if c.given.Down {
		s.truth.fault("down", "")
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	if fail {
		s.truth.fault("error_rate", "")
		http.Error(w, "injected failure", http.StatusInternalServerError)
		return
	}
	if stream.Upgrade(r) {
		s.serveWebSocket(w, r)
		return
	}
	items, batch, err := read(w, r)
	if err != nil {
		s.truth.add(&tally{label: "refused"})
		s.finish(w, r, nil, refusal(negotiate(r), err), "refused")
		return
	}
	if !batch && stream.Wanted(r) {
		s.serveEventStream(w, r, &items[0])
		return
	}
	o := s.identify(&items[0], batch)
	wait, stalled := c.wait(&o, arrived)
	rule, delay := c.plan.Decide(&o, arrived)
	if !s.wait(r.Context(), wait+delay, stalled) {
		return
	}
	if rule != nil && rule.Kind != fault.Partial { // which is counted where it finds its field
		s.truth.fault(rule.Name(), o.Label)
	}
	if rule != nil && !rule.Executes() {
		s.truth.add(&tally{label: o.Label})
		s.finish(w, r, rule, nil, o.Label)
		return
	}
	x := exchange{s: s, ctx: viewerOf(r), rule: rule, media: negotiate(r), readOnly: r.Method == http.MethodGet || r.Method == http.MethodHead}
	if batch {
		s.finish(w, r, rule, x.batch(items), "")
		return
	}
	s.finish(w, r, rule, x.one(&items[0]), o.Label)
}

// wait holds a request back; false when its client left first.
func (s *Server) wait(ctx context.Context, d time.Duration, stalled bool) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	begin := time.Now()
	whole := pause(ctx, d)
	s.truth.waited(d, time.Since(begin), stalled)
	return whole
}

// identify names the operation of a request, or of the first of a batch.
func (s *Server) identify(e *envelope, batch bool) fault.Operation {
	query, err := s.persist.document(e)
	if err != nil {
		return fault.Operation{Label: "refused", Batch: batch}
	}
	o := s.engine.Identify(e.request(query))
	if o.Label == "" {
		o.Label = "refused"
	}
	return fault.Operation{Kind: o.Kind, Name: o.Name, Label: o.Label, Batch: batch}
}

// finish sends the answer, by the fault when there is one. The bytes go to the operation unless its label is empty.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, rule *fault.Rule, a *fault.Answer, label string) {
	switch {
	case rule == nil || rule.Kind == fault.Partial:
		s.truth.sent(int64(len(a.Body)), label) // before it is sent, so that whoever has the answer finds it counted
		send(w, a)
	default:
		if rule.Kind == fault.Big {
			a.Body = pad(a.Body, rule.Size, s.spec.Seed)
		}
		s.truth.sent(s.player.Play(w, r, rule, a), label)
	}
}

// exchange is what the operations of one HTTP request share.
type exchange struct {
	s        *Server
	ctx      context.Context
	rule     *fault.Rule // nil or one under which the request is executed
	media    string
	readOnly bool
	partial  string // TYPE.FIELD that failed by the rule; only the first does
}

// one answers a single request.
func (x *exchange) one(e *envelope) *fault.Answer {
	query, err := x.s.persist.document(e)
	if err != nil {
		x.s.truth.add(&tally{label: "refused"})
		return refusal(x.media, err)
	}
	res, t := x.execute(e, query)
	a := &fault.Answer{Status: http.StatusOK, Header: header(x.media, narrow(gql.Policy{Hint: gql.Hint{MaxAge: 1 << 30}}, res))}
	switch {
	case res.WrongMethod:
		a.Header.Set("Allow", "POST")
		a.Status = http.StatusMethodNotAllowed
	case res.Refused && x.media == mediaGraphQL:
		a.Status = http.StatusBadRequest
	}
	a.Body = x.s.sized(res.AppendJSON(nil), e, query)
	x.s.truth.add(&t)
	return a
}

// batch answers the requests of a batch in order; what goes wrong in one is in its own result.
func (x *exchange) batch(items []envelope) *fault.Answer {
	body := []byte{'['}
	policy := gql.Policy{Hint: gql.Hint{MaxAge: 1 << 30}}
	for i := range items {
		if i > 0 {
			body = append(body, ',')
		}
		query, err := x.s.persist.document(&items[i])
		var res *gql.Response
		t := tally{label: "refused"}
		var bad *badRequest
		if errors.As(err, &bad) {
			res = &gql.Response{Refused: true, Errors: []gql.Error{{Message: bad.message, Code: bad.code}}}
		} else {
			res, t = x.execute(&items[i], query)
		}
		item := x.s.sized(res.AppendJSON(nil), &items[i], query)
		t.bytes = int64(len(item))
		x.s.truth.add(&t)
		body = append(body, item...)
		policy = narrow(policy, res)
	}
	return &fault.Answer{Status: http.StatusOK, Header: header(mediaJSON, policy), Body: append(body, ']')}
}

func (x *exchange) execute(e *envelope, query string) (*gql.Response, tally) {
	t := tally{}
	req := e.request(query)
	req.ReadOnly, req.Probe = x.readOnly, x.probe(&t)
	res := x.s.engine.Execute(x.ctx, req)
	t.label = res.Operation
	if t.executed = !res.Refused; !t.executed {
		t.label = x.s.engine.Identify(req).Label
	}
	t.errors = t.executed && len(res.Errors) > 0
	return res, t
}

// probe burns, and makes one field fail when the rule says so. It is nil when neither is asked.
func (x *exchange) probe(t *tally) func(f *gql.Field) error {
	partial := x.rule != nil && x.rule.Kind == fault.Partial
	if !partial && x.s.burn.None() {
		return nil
	}
	return func(f *gql.Field) error {
		if partial && x.partial == "" && (x.rule.Text == f.Type+"."+f.Name || x.rule.Text == "" && f.Nullable) {
			x.partial = f.Type + "." + f.Name
			t.partial = x.partial
			return errInjected
		}
		if x.s.burn.None() {
			return nil
		}
		if t.fields == nil {
			t.fields = map[string]FieldTruth{}
		}
		name := f.Type + "." + f.Name
		sum := t.fields[name]
		sum.Resolved++
		sum.burnt += burn.Spend(x.s.burn.Of(name))
		t.fields[name] = sum
		return nil
	}
}

// injected is the error of a field that fails because a rule says so.
type injected struct{}

var errInjected = injected{}

func (injected) Error() string { return "injected failure" }
func (injected) Code() string  { return "INJECTED" }

// request is the envelope as the engine takes it.
func (e *envelope) request(query string) *gql.Request {
	r := &gql.Request{Query: query, Variables: e.Variables}
	if e.OperationName != nil {
		r.OperationName = *e.OperationName
	}
	return r
}

// viewerOf carries the bearer token to the resolvers.
func viewerOf(r *http.Request) context.Context {
	if name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return context.WithValue(r.Context(), viewerKey{}, name)
	}
	return r.Context()
}

// narrow folds a result into the policy of the whole answer: errors and mutations are never stored.
func narrow(p gql.Policy, res *gql.Response) gql.Policy {
	if len(res.Errors) > 0 || res.Mutation || !res.Policy.Cacheable() {
		p.MaxAge = 0
	} else {
		p.MaxAge = min(p.MaxAge, res.Policy.MaxAge)
	}
	p.Private = p.Private || res.Policy.Private
	return p
}

func header(media string, p gql.Policy) http.Header {
	h := http.Header{"Content-Type": {media + "; charset=utf-8"}, "Vary": {"Accept"}}
	switch {
	case !p.Cacheable():
		h.Set("Cache-Control", "no-store")
	case p.Private:
		h.Set("Cache-Control", fmt.Sprintf("max-age=%d, private", p.MaxAge))
	default:
		h.Set("Cache-Control", fmt.Sprintf("max-age=%d, public", p.MaxAge))
	}
	return h
}

func send(w http.ResponseWriter, a *fault.Answer) {
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client is gone: nobody is left to tell
}

func refusal(media string, err error) *fault.Answer {
	bad := &badRequest{http.StatusBadRequest, err.Error(), "BAD_REQUEST"}
	errors.As(err, &bad)
	res := gql.Response{Refused: true, Errors: []gql.Error{{Message: bad.message, Code: bad.code}}}
	return &fault.Answer{Status: bad.status, Header: header(media, gql.Policy{}), Body: res.AppendJSON(nil)}
}
