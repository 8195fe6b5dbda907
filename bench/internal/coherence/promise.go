package coherence

import (
	"bytes"
	"strconv"
	"sync"
	"time"
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

// entities is what is known of each one; it is sharded, for every answer asks.
const shards = 64

// memory of single acknowledgements; it exceeds every outage.
const memory = 90 * time.Second

// Promise knows which version of an entity a read must show at least. It is safe for concurrent use.
type Promise struct {
	shard [shards]struct {
		sync.Mutex
		entities map[string]*entity
	}
	mu      sync.RWMutex
	outages []outage
	grace   time.Duration // Grace, or more on a machine that is busier than any pod
	extra   time.Duration // by which the origin's replicas may let every term be late
}

type entity struct {
	floor  int64
	recent []ack
}

type ack struct {
	target  int
	version int64
	at      time.Time
	logged  bool // its answer did not say that the log lacks it
}

// outage is a time in which some sidecars have no log.
type outage struct {
	from, to time.Time // to zero: not over
	cut      []bool    // by sidecar
}

func newPromise() *Promise { return &Promise{grace: Grace} }

func (p *Promise) lock(id []byte) (*sync.Mutex, map[string]*entity) {
	h := uint32(2166136261)
	for _, b := range id {
		h = (h ^ uint32(b)) * 16777619
	}
	s := &p.shard[h%shards]
	s.Lock()
	if s.entities == nil {
		s.entities = map[string]*entity{}
	}
	return &s.Mutex, s.entities
}

// acknowledged notes a mutation's answer; logged, when it did not say that the log does not have it yet.
func (p *Promise) acknowledged(target int, id []byte, version int64, at time.Time, logged bool) {
	mu, all := p.lock(id)
	defer mu.Unlock()
	e := all[string(id)]
	if e == nil {
		e = &entity{}
		all[string(id)] = e
	}
	kept := e.recent[:0]
	for _, a := range e.recent {
		if at.Sub(a.at) < memory {
			kept = append(kept, a)
		} else {
			e.floor = max(e.floor, a.version)
		}
	}
	e.recent = append(kept, ack{target, version, at, logged})
}

// required is the lowest version that a read may show, which of the acknowledged ones it misses, and the highest that it may miss for an outage.
func (p *Promise) required(target int, id []byte, sent time.Time) (need int64, since time.Time, excused int64) {
	mu, all := p.lock(id)
	defer mu.Unlock()
	e := all[string(id)]
	if e == nil {
		return 0, since, 0
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	need = e.floor
	for _, a := range e.recent {
		switch {
		case sent.Before(p.due(a, target)):
			if sent.Sub(a.at) > p.grace || a.target == target && !sent.Before(a.at) {
				excused = max(excused, a.version)
			}
		case a.version > need:
			need, since = a.version, a.at
		}
	}
	return need, since, excused
}

// due is when a read through a sidecar must show what was acknowledged through another, or the same. The lock is held.
func (p *Promise) due(a ack, target int) time.Time {
	if a.target == target {
		return a.at.Add(p.extra)
	}
	due := a.at.Add(p.grace)
	if !a.logged {
		due = a.at.Add(CutOff)
	}
	for i := range p.outages {
		o := &p.outages[i]
		if !o.cut[a.target] && !o.cut[target] || o.from.After(due) || !o.to.IsZero() && o.to.Before(a.at) {
			continue
		}
		end := a.at.Add(memory)
		if !o.to.IsZero() {
			end = o.to.Add(p.grace)
		}
		if last := latest(a.at, o.from).Add(CutOff); o.cut[target] && last.Before(end) {
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

// versions finds each `"id":"X","revision":N` of an answer; the origin writes no white space and a sidecar changes no body.
func versions(body []byte, f func(id []byte, version int64)) {
	const idKey, revisionKey = `"id":"`, `","revision":`
	for {
		i := bytes.Index(body, []byte(idKey))
		if i < 0 {
			return
		}
		body = body[i+len(idKey):]
		end := bytes.IndexByte(body, '"')
		if end < 0 {
			return
		}
		rest, ok := bytes.CutPrefix(body[end:], []byte(revisionKey))
		if !ok {
			body = body[end:]
			continue
		}
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		if n, err := strconv.ParseInt(string(rest[:digits]), 10, 64); err == nil {
			f(body[:end], n)
		}
		body = rest[digits:]
	}
}
