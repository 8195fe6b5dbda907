package execute

import (
	"bytes"
	"context"
	"slices"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// Format is how the parts of an answer are told apart on the wire.
type Format uint8

// The formats. Legacy is deferSpec=20220824: each part is whole, at its path. Draft is incrementalSpec=v0.2, as the specification's draft has
// it: parts are announced, nothing is told twice, and they are completed.
const (
	Whole Format = iota // one answer
	Legacy
	Draft
)

// Delivery is how an answer in parts leaves.
type Delivery struct {
	Format Format
	// Send takes one payload, JSON that is good until it returns; last: none comes behind it. It reports false when nobody is there to have it.
	Send func(payload []byte, last bool) bool
	// Buffer is memory for payloads, which the execution may replace.
	Buffer []byte
}

// parts is what a run knows of an answer in parts.
type parts struct {
	*Delivery
	blame   planner.FetchParts // whose errors are reported
	left    []int              // by part: how many of its steps are not finished
	waiting []instance         // whose parents were delivered
	found   []instance         // by the walk under way
	nulled  []string           // paths of what is null for what is in it, each once
	isNull  map[string]bool    // the same
	told    map[string]bool    // what several parts have and was delivered
	at      int                // the part that is written
	exact   planner.FetchParts // fields for which parts are written; 0: all of the part's
	began   bool               // was delivered
	ids     int
}

// instance is a part at one of the objects it begins at.
type instance struct {
	part   int
	object int32
	id     int
	depth  int // of the path, in elements
	path   []pathElement
	text   []byte // the path as JSON, without its closing bracket
}

// ExecuteInParts executes a plan with parts and sends each as soon as it is there: those that others wait for first. The errors of a part are in
// its payload. It returns when everything was sent, or nobody is there any more, and no fetch is under way.
func (e *Executor) ExecuteInParts(ctx context.Context, q *Request, d *Delivery) Stats {
	r := e.runs.Get().(*run)
	r.begin(e, ctx, q, q.Leash)
	r.beginParts(d)
	r.fetchParts()
	stats := r.stats
	stats.Errors = len(r.errors)
	r.end()
	e.runs.Put(r)
	return stats
}

func (r *run) beginParts(d *Delivery) {
	n := len(r.plan.Parts)
	r.parts = parts{Delivery: d, left: append(r.left[:0], make([]int, n)...), waiting: r.waiting[:0], found: r.found[:0], nulled: r.nulled[:0]}
	for i := range r.plan.Steps {
		for part := range n {
			if r.plan.Steps[i].For.Has(part) {
				r.left[part]++
			}
		}
	}
}

func (r *run) endParts() {
	if r.Delivery == nil {
		return
	}
	clear(r.waiting[:cap(r.waiting)])
	clear(r.found[:cap(r.found)])
	clear(r.nulled)
	kept := parts{left: r.left[:0], nulled: r.nulled[:0]}
	if cap(r.waiting)+cap(r.found) <= keptInstances {
		kept.waiting, kept.found = r.waiting[:0], r.found[:0]
	}
	r.parts = kept
}

// keptInstances is for how many instances a run keeps memory.
const keptInstances = 2 << 10

// later tells whether a step is for what is not answered at once.
func (r *run) later(step *planner.FetchStep) bool {
	return r.Delivery != nil && step.For&planner.FetchFirst == 0
}

// sendApart sends a request without waiting for a place or a connection: the first part must not wait for them.
func (r *run) sendApart(s int, c *fetchCall, to *subgraph.Client, ask *subgraph.Ask) {
	c.apart, c.ctx, c.ask, c.to, c.step, c.done = true, r.ctx, *ask, to, s, r.done
	c.body = append(c.body[:0], ask.Body...)
	c.ask.Body = c.body
	go c.tell()
}

// keptBody is how much memory for the request of a step a call keeps.
const keptBody = 64 << 10

func (c *fetchCall) send() {
	c.err = c.call.Send(c.ctx, c.to, c.ask)
	if c.err == nil && c.call.Joined() {
		c.sentAt = c.call.Began().UnixNano()
	}
	c.ask, c.to, c.ctx = subgraph.Ask{}, nil, nil
	if cap(c.body) > keptBody {
		c.body = nil
	}
}

// fetchParts runs all steps, and delivers what is there.
func (r *run) fetchParts() {
	gone := false
	for {
		for len(r.ready) > 0 {
			s := r.takeReady()
			switch {
			case gone || !r.send(s):
				r.finishPart(s)
			case r.calls[s].apart:
				r.readers++
			default:
				r.sent = append(r.sent, s)
			}
		}
		if !gone && !r.deliver() {
			gone = true
			if r.leash != nil {
				r.leash.Leave()
			}
		}
		if len(r.sent)+r.readers == 0 {
			return
		}
		s := r.receive()
		r.take(s)
		r.finishPart(s)
	}
}

// takeReady takes a step that may begin: one of the first part before others.
func (r *run) takeReady() int {
	i := max(0, slices.IndexFunc(r.ready, func(s int) bool { return !r.later(&r.plan.Steps[s]) }))
	s := r.ready[i]
	r.ready = slices.Delete(r.ready, i, i+1)
	return s
}

func (r *run) finishPart(s int) {
	r.finish(s)
	for part := range r.left {
		if r.plan.Steps[s].For.Has(part) {
			r.left[part]--
		}
	}
}

// start makes the parts that begin at an object ones to be delivered.
func (r *run) start(o int32, p *planner.Projection) {
	for _, i := range p.Starts {
		part := &r.plan.Parts[i]
		parent := part.Parent
		if r.Format == Draft {
			if parent = part.Above; part.Empty {
				continue
			}
		}
		if parent != r.at || !part.Types.Has(r.objects[o].typ) {
			continue
		}
		r.found = append(r.found, instance{part: i, object: o, depth: len(r.path), path: slices.Clone(r.path), text: r.here()})
	}
}

// divided writes the fields of an object that belong to what is written.
func (r *run) divided(o int32, projection int) (ok, told bool) {
	p, typ := &r.plan.Projections[projection], r.objects[o].typ
	r.out = append(r.out, '{')
	some := false
	for i := range p.Fields {
		f := &p.Fields[i]
		if f.Types != nil && !f.Types.Has(typ) || !r.writes(f) {
			continue
		}
		if some {
			r.out = append(r.out, ',')
		}
		some = true
		r.out = append(r.out, f.Prefix...)
		r.path = append(r.path, pathElement{name: f.Key})
		ok := r.field(o, f)
		r.path = r.path[:len(r.path)-1]
		if !ok {
			return false, true
		}
	}
	r.out = append(r.out, '}')
	if r.at == 0 || r.exact == 0 {
		r.start(o, p)
	}
	return true, false
}

func (r *run) writes(f *planner.ProjectionField) bool {
	if r.exact != 0 {
		return f.For == r.exact
	}
	return f.In.Has(r.at)
}

// nulls notes that the client has null at the path under way.
func (r *run) nulls() {
	here := string(r.here())
	if r.isNull == nil {
		r.isNull = map[string]bool{}
	}
	if !r.isNull[here] {
		r.isNull[here] = true
		r.nulled = append(r.nulled, here)
	}
}

// isNulled tells whether the client has null at the path under way.
func (r *run) isNulled() bool { return len(r.nulled) > 0 && r.isNull[string(r.here())] }

// under tells whether a path is at or below another one.
func under(path, at []byte) bool {
	return len(at) == 0 || bytes.HasPrefix(path, at) && (len(path) == len(at) || path[len(at)] == ',')
}
