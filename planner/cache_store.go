package planner

import "slices"

// maxShare: a plan that takes more than this part of the cache is not kept.
const maxShare = 16

// keep stores a new plan, makes room for it, and returns the plan that the cache now has for the key. The lock is held.
func (c *Cache) keep(key flightKey, r *Request, p *Plan) *Plan {
	if e := c.known(key); e != nil {
		c.respell(e.record, r)
		return e.record.plan
	}
	size := p.size() + int64(len(r.Query))
	if size > c.cfg.MaxBytes/maxShare {
		c.counters.tooBig.Add(1)
		return p
	}
	for len(c.ring.records) > 0 && (len(c.ring.records) >= c.cfg.MaxPlans || c.ring.bytes+size > c.cfg.MaxBytes) {
		c.drop(c.ring.victim())
		c.counters.evicted.Add(1)
	}
	rec := &record{plan: p, digest: key.digest, name: key.name}
	rec.byDigest = &entry{record: rec, hash: digestHash(&rec.digest), query: rec.digest[:], name: []byte(key.name)}
	rec.bytes = size - int64(len(r.Query))
	c.byDigest.insert(rec.byDigest)
	c.ring.add(rec)
	c.respell(rec, r)
	return p
}

func (c *Cache) known(key flightKey) *entry {
	return c.byDigest.find(digestHash(&key.digest), key.digest[:], []byte(key.name), false)
}

// respell stores one more spelling of a known document. The lock is held.
func (c *Cache) respell(rec *record, r *Request) {
	hash := c.rawHash(r)
	if c.byRaw.find(hash, r.Query, r.OperationName, r.Escaped) != nil {
		return
	}
	if int64(len(r.Query)) > c.cfg.MaxBytes/maxShare {
		return
	}
	if len(rec.spellings) == maxSpellings {
		i := rec.leastUsed()
		if i < 0 {
			return
		}
		c.forget(rec, rec.spellings[i])
		rec.spellings = slices.Delete(rec.spellings, i, i+1)
	}
	raw := make([]byte, 0, len(r.Query)+len(r.OperationName))
	raw = append(append(raw, r.Query...), r.OperationName...)
	e := &entry{record: rec, hash: hash, query: raw[:len(r.Query)], name: raw[len(r.Query):], escaped: r.Escaped}
	rec.spellings = append(rec.spellings, e)
	rec.bytes += int64(len(raw))
	c.ring.bytes += int64(len(raw))
	c.byRaw.insert(e)
}

// leastUsed returns the index of the oldest spelling that was not used lately. When all were it returns -1, and the next time some will not
// have been.
func (r *record) leastUsed() int {
	for i, e := range r.spellings {
		if !e.used.Load() {
			return i
		}
	}
	for _, e := range r.spellings {
		e.used.Store(false)
	}
	return -1
}

func (c *Cache) forget(rec *record, e *entry) {
	c.byRaw.remove(e)
	size := int64(len(e.query) + len(e.name))
	rec.bytes -= size
	c.ring.bytes -= size
}

func (c *Cache) drop(rec *record) {
	c.byDigest.remove(rec.byDigest)
	for _, e := range rec.spellings {
		c.byRaw.remove(e)
	}
}

// ring holds the records for eviction by second chance: the hand passes over records used since it came by last, and takes the first
// that was not.
type ring struct {
	records []*record
	hand    int
	bytes   int64
}

func (g *ring) add(r *record) {
	g.records = append(g.records, r)
	g.bytes += r.bytes
}

// victim removes and returns the record to let go of. The last record takes its place.
func (g *ring) victim() *record {
	for passed := 0; ; passed++ {
		if g.hand >= len(g.records) {
			g.hand = 0
		}
		r := g.records[g.hand]
		if passed < 2*len(g.records) && r.used.Load() {
			r.used.Store(false)
			g.hand++
			continue
		}
		last := len(g.records) - 1
		g.records[g.hand] = g.records[last]
		g.records[last] = nil
		g.records = g.records[:last]
		g.hand++
		g.bytes -= r.bytes
		return r
	}
}

// bucket is a token bucket over the caller's clock.
type bucket struct {
	rate, burst, level float64
	last               int64
}

// take takes one token and tells whether there was one. A clock that goes back adds nothing.
func (b *bucket) take(now int64) bool {
	if b.rate < 0 {
		return true
	}
	if now > b.last {
		if b.last != 0 {
			b.level = min(b.burst, b.level+float64(now-b.last)*b.rate/1e9)
		}
		b.last = now
	}
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}

// size estimates the memory that a plan takes, in bytes.
func (p *Plan) size() int64 {
	if !p.analysed {
		return 2048 + int64(len(p.canonical))
	}
	return 6144 + 24*int64(len(p.canonical))
}
