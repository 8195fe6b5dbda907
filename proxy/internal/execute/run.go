package execute

import (
	"context"
	"errors"
	"math/bits"
	"net/http"
	"slices"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// run is one execution.
type run struct {
	e        *Executor
	ctx      context.Context
	q        *Request
	leash    *subgraph.Leash
	values   *planner.Values
	deadline time.Time
	stats    Stats
	lines    []lines // of the requests' heads, by class

	tree
	calls   []*fetchCall // by step
	memo    memo
	charged []bool   // by step: its points were
	faulty  []bool   // by step: there was something wrong with its answer
	waits   []int    // by step: how many others it waits for
	missing []uint64 // the same as a set, where a plan is small enough for that
	ready   []int
	sent    []int // sent, and nobody reads the answer yet
	readers int   // goroutines that read one
	done    chan int
	errors  []fault
	body    []byte
	indexes []int32 // of a walk under way
	path    []pathElement
	out     []byte
	keeps   bool // the cache is looked into
	shares  bool // answers of fetches under way may be used
	digest  cache.KeyWriter
	tags    planner.Tags
	tagged  table
	scratch []byte
	parts
	fresh fresh
}

// lines are written when the first request of their class is sent.
type lines struct {
	text  []byte
	own   int // of text what an answer may depend on: all but trace context
	known bool
}

// fetchCall is a step that was sent.
type fetchCall struct {
	call    subgraph.Call
	asked   asked
	status  int
	size    int // of the content sent
	content []byte
	err     error
	step    int
	done    chan<- int
	tell    func() // reads the answer and tells that it is there
	// sought is what was looked for in the cache and has to be asked for: by the number of the representation in the request, or the root fields.
	sought   []sought
	recalled []byte // from the cache
	sentAt   int64  // unix ns
	// apart: a goroutine of its own sends the request, too; ask is what it sends.
	apart bool
	ctx   context.Context
	ask   subgraph.Ask
	to    *subgraph.Client
	body  []byte
}

func newFetchCall() *fetchCall {
	c := new(fetchCall)
	c.tell = func() {
		if c.apart {
			c.send()
		}
		if !c.apart || c.err == nil {
			c.receive()
		}
		c.done <- c.step
	}
	return c
}

func (r *run) begin(e *Executor, ctx context.Context, q *Request, leash *subgraph.Leash) {
	plan := q.Plan
	r.e, r.ctx, r.q, r.values = e, ctx, q, q.Values
	for len(r.lines) < e.cfg.Headers.Classes() {
		r.lines = append(r.lines, lines{})
	}
	for i := range r.lines {
		r.lines[i].known = false
	}
	if r.leash = leash; plan.Mutates() { // half of it would be done
		r.leash = nil
	}
	r.deadline = time.Now().Add(e.cfg.Total)
	if d, ok := ctx.Deadline(); ok && d.Before(r.deadline) {
		r.deadline = d
	}
	r.stats = Stats{}
	r.reset(plan)
	r.shares = !changes(plan)
	r.keeps = e.keeper != nil && r.shares
	r.beginFresh()
	n := len(plan.Steps)
	for len(r.calls) < n {
		r.calls = append(r.calls, newFetchCall())
	}
	if cap(r.done) < n {
		r.done = make(chan int, n)
	}
	r.waits, r.ready, r.sent, r.errors = r.waits[:0], r.ready[:0], r.sent[:0], r.errors[:0]
	r.missing, r.readers = r.missing[:0], 0
	r.faulty = append(r.faulty[:0], make([]bool, n)...)
	r.charged = append(r.charged[:0], make([]bool, n)...)
	r.denied()
	for i := range plan.Steps {
		after := plan.Steps[i].After
		r.waits = append(r.waits, len(after))
		if len(after) == 0 {
			r.ready = append(r.ready, i)
		}
		if n <= 64 {
			r.missing = append(r.missing, setOf(after))
		}
	}
}

// denied reports the fields that the caller may not have.
func (r *run) denied() {
	for i, names := range r.q.Plan.Denied {
		if r.blame = 0; r.q.Plan.Parts != nil {
			r.blame = r.q.Plan.DeniedIn[i]
		}
		var path []byte
		for _, name := range names {
			path = appendName(path, name)
		}
		r.fault(fault{text: codes.Unauthorized.Message(), code: codes.Unauthorized, path: path})
	}
}

// changes tells whether the operation changes something, or goes on after its answer: what is kept is not for it.
func changes(plan *planner.FetchPlan) bool {
	for i := range plan.Steps {
		if k := plan.Steps[i].Kind; k == planner.FetchMutation || k == planner.FetchSubscription {
			return true
		}
	}
	return false
}

func setOf(steps []int) (set uint64) {
	for _, s := range steps {
		set |= 1 << s
	}
	return set
}

// end lets go of everything that is not the run's own.
func (r *run) end() {
	for i := range r.plan.Steps {
		c := r.calls[i]
		c.content, c.err = nil, nil
		c.call.Release()
	}
	clear(r.errors)
	r.endParts()
	r.memo.sources = nil
	r.drop()
	r.e, r.ctx, r.q, r.leash, r.values = nil, nil, nil, nil, nil
}

// fetch runs all steps.
func (r *run) fetch() {
	for {
		for len(r.ready) > 0 {
			s := r.ready[len(r.ready)-1]
			r.ready = r.ready[:len(r.ready)-1]
			if r.send(s) {
				r.sent = append(r.sent, s)
			} else {
				r.finish(s)
			}
		}
		if len(r.sent)+r.readers == 0 {
			return
		}
		s := r.receive()
		r.take(s)
		r.finish(s)
	}
}

// receive waits for an answer and returns its step. It reads the answer itself where there is one to read first whatever the others do;
// otherwise one goroutine for each answer reads.
func (r *run) receive() int {
	if i := r.first(); i >= 0 {
		s := r.sent[i]
		r.sent = slices.Delete(r.sent, i, i+1)
		r.calls[s].receive()
		return s
	}
	for _, s := range r.sent {
		c := r.calls[s]
		c.step, c.done = s, r.done
		r.readers++
		go c.tell()
	}
	r.sent = r.sent[:0]
	r.readers--
	return <-r.done
}

// first returns the index in r.sent of an answer for which to wait: one that every step needs that could be sent before all the answers are
// there. -1: different answers would let different steps begin.
func (r *run) first() int {
	switch {
	case r.readers > 0:
		return -1
	case len(r.sent) == 1:
		return 0
	case len(r.missing) == 0:
		return -1
	}
	sent := setOf(r.sent)
	least, all := sent, sent
	for _, m := range r.missing {
		if m != 0 && m&^sent == 0 {
			all &= m
			if bits.OnesCount64(m) < bits.OnesCount64(least) {
				least = m
			}
		}
	}
	if all != least {
		return -1
	}
	// What was sent itself comes first: its place at the subgraph is free again after that.
	at := slices.Index(r.sent, bits.TrailingZeros64(least))
	for i, s := range r.sent {
		if least>>s&1 != 0 && !r.calls[s].call.Joined() {
			return i
		}
	}
	return at
}

func (c *fetchCall) receive() { c.status, c.content, c.err = c.call.Receive() }

func (r *run) finish(s int) {
	for i := range r.calls[s].sought {
		r.calls[s].sought[i].giveUp()
	}
	for _, n := range r.plan.Steps[s].Next {
		if len(r.missing) > 0 {
			r.missing[n] &^= 1 << s
		}
		if r.waits[n]--; r.waits[n] == 0 {
			r.ready = append(r.ready, n)
		}
	}
}

// send reports whether there is an answer to wait for.
func (r *run) send(s int) bool {
	step, c := &r.plan.Steps[s], r.calls[s]
	c.asked.reset()
	c.sought, c.recalled, c.apart = c.sought[:0], c.recalled[:0], false
	r.blame = step.For
	if step.Kind == planner.FetchSubscription && r.q.Event != nil {
		c.status, c.content = http.StatusOK, r.q.Event
		r.read(step, c)
		return false
	}
	if r.recallRoot(s, step, c) || !r.writeBody(step, c) {
		return false
	}
	client := r.client(step)
	if client == nil {
		r.failed(step, &c.asked, codes.SubgraphConnect)
		return false
	}
	now := time.Now()
	c.sentAt = now.UnixNano()
	deadline := now.Add(client.Timeout())
	if r.deadline.Before(deadline) {
		deadline = r.deadline
	}
	lines := r.linesFor(step.Subgraph)
	c.size = len(r.body)
	ask := subgraph.Ask{
		Body: r.body, Lines: lines.text, Now: now, Deadline: deadline, Once: step.Kind == planner.FetchMutation,
		Rules: r.q.Breaker, Refuse: r.q.Refuse, Leash: r.leash,
		Share: r.shares, Own: lines.own, News: r.e.news(),
	}
	if r.later(step) {
		r.sendApart(s, c, client, &ask)
		return true
	}
	if err := c.call.Send(r.ctx, client, ask); err != nil {
		r.used(step, c, err)
		r.failed(step, &c.asked, codeOf(err))
		return false
	}
	if c.call.Joined() {
		c.sentAt = c.call.Began().UnixNano()
	}
	return true
}

// linesFor returns the lines that the client's request and the configuration give to requests to a subgraph.
func (r *run) linesFor(sub int) *lines {
	h := r.e.cfg.Headers
	class := h.Class(sub)
	l := &r.lines[class]
	if !l.known {
		l.text = h.Append(l.text[:0], class, r.q.Head, r.q.Claims)
		l.own, l.known = len(l.text), true
		l.text = h.AppendTrace(l.text, r.q.Head, r.q.Trace)
	}
	return l
}

func codeOf(err error) codes.Code {
	var e *subgraph.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return codes.SubgraphAnswer
}

// writeBody writes the request to r.body; false when there is nothing to ask.
func (r *run) writeBody(step *planner.FetchStep, c *fetchCall) bool {
	b := append(r.body[:0], step.Prefix...)
	members, some := 0, false
	for l := range step.Lookups {
		if members++; members > 1 {
			b = append(b, ',')
		}
		var any bool
		b, any = r.represent(b, step, l, c)
		some = some || any
	}
	for _, name := range step.Variables {
		v := r.values.Find(name, nil)
		if !v.Present() {
			continue
		}
		if members++; members > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), name...), '"', ':')
		b = v.AppendJSON(b)
	}
	r.body = append(b, step.Suffix...)
	return some || len(step.Lookups) == 0
}
