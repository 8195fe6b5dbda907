package fault

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/origin/draw"
)

// Operation is what rules select requests by.
type Operation struct {
	Kind, Name, Label string
	Batch             bool
}

// Matches tells whether a selector means the operation.
func (o *Operation) Matches(selector string) bool {
	return selector == "" || selector == o.Kind || selector == o.Label || selector == o.Name || selector == "batch" && o.Batch
}

// Plan is a set of rules in force since a moment. It may be used by many goroutines.
type Plan struct {
	rules []ruled
	since time.Time
}

type ruled struct {
	Rule
	stream  uint64
	ordinal atomic.Uint64 // of the next request in the window and of the operation
}

// NewPlan puts rules in force at a moment.
func NewPlan(rules []Rule, seed uint64, since time.Time) *Plan {
	p := &Plan{rules: make([]ruled, len(rules)), since: since}
	for i := range rules {
		p.rules[i].Rule, p.rules[i].stream = rules[i], draw.Stream(seed, fmt.Sprintf("fault %d %s", i, rules[i].text))
	}
	return p
}

// Decide counts one request with each rule that selects it and returns the first that hits it, nil when none does, and the delays of those that delay.
func (p *Plan) Decide(o *Operation, now time.Time) (hit *Rule, delay time.Duration) {
	at := now.Sub(p.since)
	for i := range p.rules {
		r := &p.rules[i]
		if r.Kind == Refuse || !o.Matches(r.Operation) {
			continue
		}
		if open, _ := r.Window.In(at); !open {
			continue
		}
		ordinal := r.ordinal.Add(1) - 1
		switch {
		case !draw.Chosen(r.stream, ordinal, r.Share):
		case r.Kind == Delay:
			delay += time.Duration(r.Rule.Delay.At(r.stream, ordinal))
		case hit == nil:
			hit = &r.Rule
		}
	}
	return hit, delay
}

// Refused tells whether connections are refused now, and when that may change next; false when it never does.
func (p *Plan) Refused(now time.Time) (refused bool, next time.Time, changes bool) {
	at := now.Sub(p.since)
	for i := range p.rules {
		r := &p.rules[i]
		if r.Kind != Refuse {
			continue
		}
		open, _ := r.Window.In(at)
		refused = refused || open
		if n, ok := r.Window.Next(at); ok && (!changes || p.since.Add(n).Before(next)) {
			next, changes = p.since.Add(n), true
		}
	}
	return refused, next, changes
}
