package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrUnseenLimit tells that more unseen documents came than may be built in a second.
var ErrUnseenLimit = errors.New("planner: too many unseen documents")

// ErrNoDocument tells that a request has no document.
var ErrNoDocument = errors.New("planner: the request has no document")

// CacheConfig says how many plans are kept and how fast new ones may be built. Zero values stand for the defaults given.
type CacheConfig struct {
	Schema  *Schema // nil: plans without a schema
	Options Options
	// MaxPlans bounds the plans kept (10,000), MaxBytes the memory they are estimated to take (64 MiB).
	MaxPlans int
	MaxBytes int64
	// UnseenPerSecond documents that are not in the cache may be built (200), after a burst of UnseenBurst (400). A negative rate
	// means no limit.
	UnseenPerSecond, UnseenBurst int
}

func (c CacheConfig) withDefaults() CacheConfig {
	if c.MaxPlans <= 0 {
		c.MaxPlans = 10000
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 64 << 20
	}
	if c.UnseenPerSecond == 0 {
		c.UnseenPerSecond = 200
	}
	if c.UnseenBurst <= 0 {
		c.UnseenBurst = 2 * max(c.UnseenPerSecond, 1)
	}
	return c
}

// Cache keeps the plans of documents it has seen. It is safe for concurrent use: a look-up that finds its plan takes no lock and does
// not allocate. When full it lets go of plans that were not asked for lately.
//
// A plan belongs to a document's text and an operation name. It can be found by the bytes of a request, escaped as they came (several
// spellings of one document lead to one plan), or by the SHA-256 of the text.
type Cache struct {
	cfg  CacheConfig
	seed uint64

	byRaw    table
	byDigest table
	counters counters

	mu       sync.Mutex // guards all below, and writing to the tables
	ring     ring
	building map[flightKey]*flight
	bucket   bucket
}

// CacheStats are counts since the start, and gauges.
type CacheStats struct {
	Plans     int   // kept now
	Bytes     int64 // estimate of the memory they take
	MaxPlans  int
	MaxBytes  int64
	Misses    uint64 // requests that Lookup did not find when Plan looked again
	Built     uint64
	Shared    uint64 // requests that waited for another one's build
	Respelled uint64 // known documents that came in a new spelling
	Refused   uint64 // unseen documents over the limit
	Evicted   uint64
	TooBig    uint64 // plans that were not kept for their size
	Failed    uint64 // documents whose plan could not be built; they count as not understood
}

type counters struct{ misses, built, shared, respelled, refused, evicted, tooBig, failed atomic.Uint64 }

// record is a plan in the cache. Several entries of byRaw, one for each spelling, and one of byDigest lead to it.
type record struct {
	plan      *Plan
	digest    [32]byte // SHA-256 of the document's text
	name      string   // operation name asked for
	bytes     int64
	used      mark // since the hand came by
	spellings []*entry
	byDigest  *entry
}

// maxSpellings bounds the spellings kept for one plan.
const maxSpellings = 8

// NewCache makes an empty cache.
func NewCache(cfg CacheConfig) *Cache {
	cfg = cfg.withDefaults()
	c := &Cache{cfg: cfg, seed: rand.Uint64(), building: map[flightKey]*flight{}}
	c.byRaw.init(cfg.MaxPlans)
	c.byDigest.init(cfg.MaxPlans)
	c.bucket = bucket{rate: float64(cfg.UnseenPerSecond), burst: float64(cfg.UnseenBurst), level: float64(cfg.UnseenBurst)}
	return c
}

// Schema returns the schema that plans are made with, nil when there is none.
func (c *Cache) Schema() *Schema { return c.cfg.Schema }

// Lookup returns the plan of a request whose document has been seen in just this spelling, nil for any other. It does not allocate.
func (c *Cache) Lookup(r *Request) *Plan {
	if e := c.byRaw.find(c.rawHash(r), r.Query, r.OperationName, r.Escaped); e != nil {
		e.used.set()
		return e.record.touch()
	}
	return nil
}

func (r *record) touch() *Plan {
	r.used.set()
	return r.plan
}

// mark tells that something was used. Setting it again writes nothing, so that cores do not fight over its cache line.
type mark struct{ atomic.Bool }

func (m *mark) set() {
	if !m.Load() {
		m.Store(true)
	}
}

// LookupHash returns the plan in the cache whose document has this SHA-256, given in 64 lower-case hexadecimal digits; nil when there is
// none. It does not allocate.
func (c *Cache) LookupHash(sha256Hex, operationName []byte) *Plan {
	var digest [32]byte
	if !decodeHex(&digest, sha256Hex) {
		return nil
	}
	if e := c.byDigest.find(digestHash(&digest), digest[:], operationName, false); e != nil {
		return e.record.touch()
	}
	return nil
}

// decodeHex reads 64 lower-case digits: the hash is compared as text by servers, and other spellings are no match there.
func decodeHex(dst *[32]byte, b []byte) bool {
	if len(b) != 2*len(dst) {
		return false
	}
	for _, c := range b {
		if c-'0' > 9 && c-'a' > 5 {
			return false
		}
	}
	_, err := hex.Decode(dst[:], b)
	return err == nil
}

// Plan returns the plan of a request, and builds it when its document has not been seen; one document is built once, however many ask
// for it at the same time. now, in nanoseconds, moves the limit on unseen documents, whose excess gives ErrUnseenLimit.
func (c *Cache) Plan(r *Request, now int64) (*Plan, error) {
	if len(r.Query) == 0 {
		return nil, ErrNoDocument
	}
	if p := c.Lookup(r); p != nil {
		return p, nil
	}
	c.counters.misses.Add(1)
	document := r.AppendDocument(nil)
	name := string(r.AppendOperationName(nil))
	key := flightKey{sha256.Sum256(document), name}

	c.mu.Lock()
	if e := c.known(key); e != nil {
		c.counters.respelled.Add(1)
		c.respell(e.record, r)
		c.mu.Unlock()
		return e.record.touch(), nil
	}
	if f := c.building[key]; f != nil {
		c.mu.Unlock()
		c.counters.shared.Add(1)
		<-f.done
		return f.plan, nil
	}
	if !c.bucket.take(now) {
		c.mu.Unlock()
		c.counters.refused.Add(1)
		return nil, ErrUnseenLimit
	}
	f := &flight{done: make(chan struct{})}
	c.building[key] = f
	c.mu.Unlock()

	f.plan = Build(c.cfg.Schema, string(document), name, c.cfg.Options)
	c.counters.built.Add(1)
	if f.plan.failed {
		c.counters.failed.Add(1)
	}

	c.mu.Lock()
	delete(c.building, key)
	f.plan = c.keep(key, r, f.plan)
	c.mu.Unlock()
	close(f.done)
	return f.plan, nil
}

type flightKey struct {
	digest [32]byte
	name   string
}

type flight struct {
	done chan struct{}
	plan *Plan
}

// Range calls f for every plan that is in the cache now, until f returns false.
func (c *Cache) Range(f func(p *Plan) bool) {
	for _, r := range c.records() {
		if !f(r.plan) {
			return
		}
	}
}

func (c *Cache) records() []*record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ring.records)
}

// Warm builds the plans of what another cache holds, plans in use first, so that a new schema or new limits do not begin with nothing. It
// ends when the cache is full, or after limit plans (0: no limit), and returns how many it built. Unseen documents are not counted. It is
// work of some 100 µs for each plan, meant to be done before the cache is put to use.
func (c *Cache) Warm(from *Cache, limit int) int {
	list := from.records()
	slices.SortStableFunc(list, func(a, b *record) int { return order(b.used.Load()) - order(a.used.Load()) })
	n := 0
	for _, rec := range list {
		from.mu.Lock()
		spellings := slices.Clone(rec.spellings)
		from.mu.Unlock()
		if len(spellings) == 0 || limit > 0 && n >= limit {
			continue
		}
		first := spellings[0].request()
		key := flightKey{rec.digest, rec.name}
		c.mu.Lock()
		full := len(c.ring.records) >= c.cfg.MaxPlans || c.ring.bytes >= c.cfg.MaxBytes*7/8
		known := c.known(key) != nil
		c.mu.Unlock()
		if full {
			break
		}
		if known {
			continue
		}
		p := Build(c.cfg.Schema, string(first.AppendDocument(nil)), rec.name, c.cfg.Options)
		p.warm(rec.plan)
		c.mu.Lock()
		c.keep(key, first, p)
		if e := c.known(key); e != nil {
			for _, s := range spellings[1:] {
				c.respell(e.record, s.request())
			}
		}
		c.mu.Unlock()
		n++
	}
	return n
}

func order(used bool) int {
	if used {
		return 1
	}
	return 0
}

// Stats returns the counts.
func (c *Cache) Stats() CacheStats {
	c.mu.Lock()
	plans, bytes := len(c.ring.records), c.ring.bytes
	c.mu.Unlock()
	n := &c.counters
	return CacheStats{
		Plans: plans, Bytes: bytes, MaxPlans: c.cfg.MaxPlans, MaxBytes: c.cfg.MaxBytes,
		Misses: n.misses.Load(), Built: n.built.Load(), Shared: n.shared.Load(), Respelled: n.respelled.Load(),
		Refused: n.refused.Load(), Evicted: n.evicted.Load(), TooBig: n.tooBig.Load(), Failed: n.failed.Load(),
	}
}
