package cache

import (
	"context"
	"slices"
	"time"

	"github.com/weirproxy/weir/cache/internal/flight"
)

// waiting is a caller's context. While the caller waits, other steps happen; then it goes on when what it waited for has come, else it gives up.
type waiting struct {
	context.Context
	p       *modelProcess
	key     int   // whose fill it waits for; negative: for no fill
	x       *told // that waits for the log; nil: none does
	patient bool  // it leaves only when its own time is over
	timer   chan time.Time
	due     int64
}

var gone = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (c *waiting) Done() <-chan struct{} {
	under, store := c.p.under(c.key), c.p.store
	if c.x != nil {
		c.x.number = store.journal.Last()
	}
	c.p.w.meanwhile()
	if under == nil || c.p.store != store {
		return gone
	}
	if !slices.Contains(c.p.fills, under) {
		return nil
	}
	if c.patient && c.timer != nil {
		c.p.w.now = max(c.p.w.now, c.due)
	}
	if c.timer == nil || c.p.w.now < c.due {
		return gone
	}
	c.timer <- time.Time{}
	return nil
}

// modelPace is virtual time for one run of a process.
type modelPace struct {
	p     *modelProcess
	store *Store
}

func (m modelPace) Now() int64 { return m.p.w.now }

// Timer is of a caller that waits for a fill.
func (m modelPace) Timer(ctx context.Context, d time.Duration) *time.Timer {
	t, c := time.NewTimer(time.Hour), ctx.(*waiting)
	c.timer, c.due = make(chan time.Time, 1), m.p.w.now+int64(d)
	t.C = c.timer
	return t
}

// Sleep is of a caller that waits for the one who has the lease.
func (m modelPace) Sleep(_ context.Context, d time.Duration) bool {
	w, c := m.p.w, m.p.calls[len(m.p.calls)-1]
	if c.slept += d; d <= 0 || c.slept > c.limit {
		w.fail("%s waits for who fetches %s for %v, and may for %v", m.p.name, modelKeys[c.key].name, c.slept, c.limit)
	}
	end := w.now + int64(d)
	w.meanwhile()
	w.now = max(w.now, end)
	return m.p.store == m.store
}

// modelLease is the right of one process to fetch a key.
type modelLease struct {
	server *modelServer
	until  int64 // true time
	ended  bool  // by the value of one who had it, or had had it before
}

// Lease is SET NX PX.
func (o *port) Lease(_ context.Context, k *Key, d time.Duration) bool {
	w, s, c := o.w, o.server, o.p.calls[len(o.p.calls)-1]
	c.won, c.lost, c.free, c.slept, c.limit = nil, false, o.down || o.noReply, 0, d/2
	if o.down {
		return true
	}
	l := s.leases[*k]
	won := l == nil || l.until <= w.now
	if won {
		l = &modelLease{server: s, until: w.now + int64(d)}
		s.leases[*k] = l
	}
	w.meanwhile()
	if c.free {
		return true
	}
	c.since = w.now
	if c.lost = !won; won {
		c.won = l
	}
	return won
}

// modelCall is one call of Lookup.
type modelCall struct {
	key   int
	now   int64 // by the process
	won   *modelLease
	lost  bool          // another process has the lease
	free  bool          // Redis could not say so
	since int64         // true time it lost it
	slept time.Duration // since then
	limit time.Duration
}

// under is the fill of a key that others would wait for: the one that began last.
func (p *modelProcess) under(key int) *modelFill {
	for _, f := range slices.Backward(p.fills) {
		if f.key == key {
			return f
		}
	}
	return nil
}

// lags is how old what the origin says may be.
var lags = []time.Duration{0, 50 * time.Millisecond, time.Second, modelHold}

// look asks for a key as a sidecar does, and reports whether it got the right to fill it.
func (p *modelProcess) look(a uint8, wait bool) bool {
	key, a := int(a)%len(modelKeys), a/uint8(len(modelKeys))
	k, store := modelKeys[key].key, p.store
	known := p.moment() // a caller may get what was true when it came
	if e, state := store.Get(k, p.local()); state != Miss {
		p.served(&known, key, e, state)
		if state == Fresh {
			return false
		}
	}
	ctx := context.Background()
	wt := Wait{Lease: true}
	if wait && p.under(key) != nil && p.looking[key] == 0 {
		ctx, wt.Collapse = &waiting{Context: ctx, p: p, key: key, patient: a/4%2 > 0}, 5*time.Second
	}
	c := &modelCall{key: key, now: p.local()}
	p.calls = append(p.calls, c)
	p.looking[key]++
	r := store.Lookup(ctx, k, c.now, wt)
	p.looking[key]--
	p.calls = p.calls[:len(p.calls)-1]
	if store != p.store { // it ended while this caller waited
		return false
	}
	p.served(&known, key, r.Entry, r.State)
	p.leads(c, &r)
	if r.Fill == nil {
		p.unstuck(key)
		return false
	}
	f := &modelFill{fill: r.Fill, key: key, tick: p.w.tick, from: p.local(), held: c.won, free: c.free}
	if p.w.lags {
		f.old = p.unaware(key, lags[a%4])
	}
	p.fills = append(p.fills, f)
	return true
}

// unaware returns an invalidation that the process obeys, and of which the origin does not know yet that is asked now and lags.
func (p *modelProcess) unaware(key int, lag time.Duration) *told {
	w := p.w
	if p.jumped > w.now-int64(modelHold+softSlack) { // it does not know how long ago that was
		return nil
	}
	x := later(p.seen.hard[key], p.seen.soft[key])
	if x == nil || x.when <= w.now-int64(lag) || w.trimmed > x.tick {
		return nil
	}
	return x
}

// leads is the oracle for who fetches: one process has a lease at a time, and who has none answers with what it may, or with what the other one brings, or goes to
// the origin when it has waited for as long as a fetch takes.
func (p *modelProcess) leads(c *modelCall, r *Result) {
	w, name := p.w, modelKeys[c.key].name
	letting := r.State == Stale && c.now-StaleFrom(r.Entry) <= int64(modelLetting)
	switch {
	case r.Elsewhere:
		w.counts.elsewhere++
		if !c.lost || r.Fill != nil || r.State != Fresh && !letting {
			w.fail("%s answers %s %v while another process fetches: %+v, %+v", p.name, name, r.State, c, r)
		}
	case c.lost && r.Fill != nil && (r.Fill.leased || letting || w.now-c.since < int64(c.limit)):
		w.fail("%s fetches %s beside who has the lease: %+v, %+v", p.name, name, c, r)
	case c.lost && r.Fill == nil && r.State != Fresh && !r.Bypass:
		w.fail("%s has lost the lease of %s and neither answers nor fetches: %+v, %+v", p.name, name, c, r)
	}
	if r.Fill == nil || !r.Fill.leased {
		return
	}
	if c.won == nil && !c.free {
		w.fail("%s fetches %s for the fleet and has no lease: %+v", p.name, name, c)
	}
	if c.won == nil || c.won.until <= w.now { // it may have run out before its answer came
		return
	}
	for _, q := range w.processes {
		for _, f := range q.fills {
			if l := f.held; f.key == c.key && l != nil && l != c.won && !l.ended && l.until > w.now && l.server == c.won.server {
				w.fail("%s and %s have the lease of %s", p.name, q.name, name)
			}
		}
	}
}

// unstuck checks that nobody would wait for a fetch that nobody makes.
func (p *modelProcess) unstuck(key int) {
	if p.looking[key] > 0 || p.under(key) != nil {
		return
	}
	k, mine := modelKeys[key].key, &flight.Flight{}
	if p.store.flights.Join(k, p.local(), mine) != mine {
		p.w.fail("%s: whoever asks for %s waits for nobody", p.name, modelKeys[key].name)
	}
	p.store.flights.End(mine, nil, 0)
}
