package coherence

import (
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/acked"
)

// What the product promises for an invalidation, and for a mutation's answer, that arrived at a moment through one sidecar.
const (
	// Grace: until then every other sidecar obeys, as long as Redis can be reached.
	Grace = 200 * time.Millisecond
	// CutOff: a sidecar that cannot reach the log gives an answer no longer than this after it was last known to be valid (its own limit of
	// 10 s, with the time a fetch may take that was under way).
	CutOff = 10*time.Second + 500*time.Millisecond
	// HeldOff: while the origin's replicas lag by up to hold-off, an older answer may be fetched for so long, and is kept for no longer than that again.
	HeldOff = 2*holdOff + 1500*time.Millisecond
)

// holdOff is what the sidecars are told, and replicaLag what hides behind it.
const (
	holdOff    = time.Second
	replicaLag = 900 * time.Millisecond
)

// Terms is the promise in words, as it is checked.
const Terms = `A mutation is acknowledged when its answer has arrived. From then on a read that is sent
  to the sidecar that answered it            shows it: at once, always
  to another sidecar, Redis reachable        shows it: after 200 ms, or 10.5 s when the answer said detail=not-logged
  to another sidecar, Redis away or cut off  shows it: 200 ms after both sidecars have the log again, and
                                             through a sidecar that is cut off 10.5 s after the mutation at the latest
While the origin's replicas lag by less than hold-off (1 s here), all of that is later by twice that and the time of a fetch (3.5 s).
An answer with another user's name, an HTTP status but 200, a GraphQL error and an answer that does not come are failures at any time.`

// memory of single acknowledgements; it exceeds every outage.
const memory = 90 * time.Second

// Promise knows which version of an entity a read must show at least. It is safe for concurrent use.
type Promise struct {
	acks    *acked.Record
	mu      sync.RWMutex
	outages []outage
	grace   time.Duration // Grace, or more on a machine that is busier than any pod
	extra   time.Duration // by which the origin's replicas may let every term be late
}

// outage is a time in which some sidecars have no log.
type outage struct {
	from, to time.Time // to zero: not over
	cut      []bool    // by sidecar
}

func newPromise() *Promise { return &Promise{acks: acked.New(memory), grace: Grace} }

// required is the lowest version that a read may show, since when, and the highest that it may miss for an outage.
func (p *Promise) required(target int, id []byte, sent time.Time) (need int64, since time.Time, excused int64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.acks.Required(id, func(a acked.Ack) acked.Due {
		switch {
		case !sent.Before(p.due(a, target)):
			return acked.Owed
		case sent.Sub(a.At) > p.grace || a.Target == target && !sent.Before(a.At):
			return acked.Excused
		}
		return acked.NotYet
	})
}

// due is when a read through a sidecar must show what was acknowledged through another, or the same. The lock is held.
func (p *Promise) due(a acked.Ack, target int) time.Time {
	if a.Target == target {
		return a.At.Add(p.extra)
	}
	due := a.At.Add(p.grace)
	if !a.Logged {
		due = a.At.Add(CutOff)
	}
	for i := range p.outages {
		o := &p.outages[i]
		if !o.cut[a.Target] && !o.cut[target] || o.from.After(due) || !o.to.IsZero() && o.to.Before(a.At) {
			continue
		}
		end := a.At.Add(memory)
		if !o.to.IsZero() {
			end = o.to.Add(p.grace)
		}
		if last := latest(a.At, o.from).Add(CutOff); o.cut[target] && last.Before(end) {
			end = last
		}
		due = latest(due, end)
	}
	return due.Add(p.extra)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// begin opens an outage of the sidecars; its end closes it.
func (p *Promise) begin(cut []bool) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.outages)
	p.outages = append(p.outages, outage{from: time.Now(), cut: cut})
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.outages[n].to.IsZero() {
			p.outages[n].to = time.Now()
		}
	}
}

// lag says that the origin's replicas may make every term late.
func (p *Promise) lag(extra time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.extra = extra
}
