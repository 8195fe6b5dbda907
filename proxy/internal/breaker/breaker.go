package breaker

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// State is what a breaker lets through.
type State uint8

// States.
const (
	Closed   State = iota // everything
	Open                  // nothing
	HalfOpen              // a probe
	states
)

var stateNames = [states]string{"closed", "open", "half_open"}

// String returns the name used in metrics.
func (s State) String() string { return stateNames[s] }

// Rules say when a breaker opens and for how long.
type Rules struct {
	Window   time.Duration // in which requests are counted
	Requests int           // fewer than so many in the window never open
	Ratio    float64       // of these, so many failed, 0 to 1
	Open     time.Duration // until a probe goes, give or take a fifth
}

// Breaker is the breaker of one destination. It is safe for concurrent use; a nil one is always closed.
type Breaker struct {
	current atomic.Pointer[period]
	entered [states]atomic.Uint64 // how often each state began
}

// period is a time in one state. A result counts only in the period whose request it is of: what comes later is of another time.
type period struct {
	state  State
	until  atomic.Int64 // unix ns: no request goes before. Open: at all; half open: another one
	window window       // closed
}

// Ticket stands for one request to the upstream, whose end is told once. The zero Ticket takes results and does nothing with them.
type Ticket struct {
	b *Breaker
	p *period
}

// New returns a closed breaker.
func New() *Breaker {
	b := &Breaker{}
	b.current.Store(&period{})
	return b
}

// State returns the state of now.
func (b *Breaker) State() State {
	if b == nil {
		return Closed
	}
	return b.current.Load().state
}

// Admit reports whether a request may go at unix ns now, and returns the ticket of one that may. After the time of an open breaker the first
// to ask is the probe. A probe that takes longer than r.Open is joined by another one.
func (b *Breaker) Admit(now int64, r *Rules) (Ticket, bool) {
	if b == nil {
		return Ticket{}, true
	}
	p := b.current.Load()
	if p.state == Closed {
		return Ticket{b, p}, true
	}
	return b.probe(p, now, r)
}

func (b *Breaker) probe(p *period, now int64, r *Rules) (Ticket, bool) {
	until := p.until.Load()
	if now < until {
		return Ticket{}, false
	}
	next := now + int64(r.Open)
	if p.state == HalfOpen {
		if !p.until.CompareAndSwap(until, next) {
			return Ticket{}, false
		}
		return Ticket{b, p}, true
	}
	half := &period{state: HalfOpen}
	half.until.Store(next)
	if !b.enter(p, half) {
		return Ticket{}, false
	}
	return Ticket{b, half}, true
}

// Blocks reports whether Admit would let nothing go. A request that is not to be the probe asks this.
func (b *Breaker) Blocks(now int64) bool { return b.Wait(now) > 0 }

// Wait is how long nothing goes, as far as it is known.
func (b *Breaker) Wait(now int64) time.Duration {
	if b == nil {
		return 0
	}
	p := b.current.Load()
	if p.state == Closed {
		return 0
	}
	return time.Duration(max(0, p.until.Load()-now))
}

// Succeeded says that the upstream answered. It reports whether that closed the breaker. now is unix ns.
func (t Ticket) Succeeded(now int64, r *Rules) (closed bool) {
	if t.b == nil {
		return false
	}
	if t.p.state == HalfOpen {
		return t.b.enter(t.p, &period{})
	}
	t.p.window.add(now, r.Window, false)
	return false
}

// Failed says that the upstream did not answer, or that it cannot at the moment. It reports whether that opened the breaker.
func (t Ticket) Failed(now int64, r *Rules) (opened bool) {
	if t.b == nil {
		return false
	}
	if t.p.state == Closed {
		t.p.window.add(now, r.Window, true)
		requests, failures := t.p.window.sum(now, r.Window)
		if failures == 0 || requests < r.Requests || float64(failures) < r.Ratio*float64(requests) {
			return false
		}
	}
	open := &period{state: Open}
	open.until.Store(now + jittered(r.Open))
	return t.b.enter(t.p, open)
}

// Dropped says that nothing is known of the upstream by this request: its client left, for instance. Another probe may go at once.
func (t Ticket) Dropped() {
	if t.b != nil && t.p.state == HalfOpen {
		t.p.until.Store(0)
	}
}

// enter begins a period in place of the one that is over; one of several that try does.
func (b *Breaker) enter(over, next *period) bool {
	if !b.current.CompareAndSwap(over, next) {
		return false
	}
	b.entered[next.state].Add(1)
	return true
}

func jittered(d time.Duration) int64 { return int64(float64(d) * (0.8 + 0.4*rand.Float64())) }
