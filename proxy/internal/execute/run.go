package execute

import (
	"context"
	"errors"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// run is one execution.
type run struct {
	e        *Executor
	ctx      context.Context
	plan     *planner.FetchPlan
	values   *planner.Values
	deadline time.Time
	stats    Stats

	tree
	calls   []*fetchCall // by step
	waits   []int
	ready   []int
	sent    []int // sent, and nobody reads the answer yet
	done    chan int
	errors  []fault
	body    []byte
	indexes []int32 // of a walk under way
	path    []pathElement
	out     []byte
}

// fetchCall is a step that was sent.
type fetchCall struct {
	call    subgraph.Call
	asked   asked
	status  int
	content []byte
	err     error
}

func (r *run) begin(e *Executor, ctx context.Context, plan *planner.FetchPlan, values *planner.Values) {
	r.e, r.ctx, r.plan, r.values = e, ctx, plan, values
	r.deadline = time.Now().Add(e.cfg.Total)
	if d, ok := ctx.Deadline(); ok && d.Before(r.deadline) {
		r.deadline = d
	}
	r.stats = Stats{}
	r.tree.reset(plan)
	n := len(plan.Steps)
	for len(r.calls) < n {
		r.calls = append(r.calls, new(fetchCall))
	}
	if cap(r.done) < n {
		r.done = make(chan int, n)
	}
	r.waits, r.ready, r.sent, r.errors = r.waits[:0], r.ready[:0], r.sent[:0], r.errors[:0]
	for i := range plan.Steps {
		r.waits = append(r.waits, len(plan.Steps[i].After))
		if len(plan.Steps[i].After) == 0 {
			r.ready = append(r.ready, i)
		}
	}
}

// end lets go of everything that is not the run's own.
func (r *run) end() {
	for i := range r.plan.Steps {
		r.calls[i].content, r.calls[i].err = nil, nil
	}
	clear(r.errors)
	r.tree.drop()
	r.e, r.ctx, r.plan, r.values = nil, nil, nil, nil
}

// fetch runs all steps.
func (r *run) fetch() {
	awaited := 0
	for {
		for len(r.ready) > 0 {
			s := r.ready[len(r.ready)-1]
			r.ready = r.ready[:len(r.ready)-1]
			if r.send(s) {
				awaited++
				r.sent = append(r.sent, s)
			} else {
				r.finish(s)
			}
		}
		if awaited == 0 {
			return
		}
		var s int
		if awaited == 1 && len(r.sent) == 1 {
			s = r.sent[0]
			r.calls[s].receive()
		} else {
			for _, s := range r.sent {
				go r.calls[s].tell(r.done, s)
			}
			s = <-r.done
		}
		r.sent = r.sent[:0]
		awaited--
		r.take(s)
		r.finish(s)
	}
}

func (c *fetchCall) receive() { c.status, c.content, c.err = c.call.Receive() }

func (c *fetchCall) tell(done chan<- int, s int) {
	c.receive()
	done <- s
}

func (r *run) finish(s int) {
	for _, n := range r.plan.Steps[s].Next {
		if r.waits[n]--; r.waits[n] == 0 {
			r.ready = append(r.ready, n)
		}
	}
}

// send reports whether there is an answer to wait for.
func (r *run) send(s int) bool {
	step, c := &r.plan.Steps[s], r.calls[s]
	c.asked.reset()
	if !r.writeBody(step, &c.asked) {
		return false
	}
	var client *subgraph.Client
	if step.Subgraph < len(r.e.cfg.Clients) {
		client = r.e.cfg.Clients[step.Subgraph]
	}
	if client == nil {
		r.failed(step, &c.asked, codes.SubgraphConnect)
		return false
	}
	deadline := time.Now().Add(r.e.cfg.Fetch)
	if r.deadline.Before(deadline) {
		deadline = r.deadline
	}
	r.stats.Fetches++
	if err := c.call.Send(r.ctx, client, r.body, deadline, step.Kind == planner.FetchMutation); err != nil {
		r.failed(step, &c.asked, codeOf(err))
		return false
	}
	return true
}

func codeOf(err error) codes.Code {
	var e *subgraph.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return codes.SubgraphAnswer
}

// writeBody writes the request to r.body; false when there is nothing to ask.
func (r *run) writeBody(step *planner.FetchStep, a *asked) bool {
	b := append(r.body[:0], step.Prefix...)
	members, some := 0, false
	for l := range step.Lookups {
		if members++; members > 1 {
			b = append(b, ',')
		}
		var any bool
		b, any = r.represent(b, &step.Lookups[l], a)
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
