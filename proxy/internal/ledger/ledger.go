package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// What is told apart.
const (
	maxOperations = 500
	maxTenants    = 200
	// Other is the row of what is not told apart.
	Other = "other"
)

// Ledger is safe for concurrent use. Its zero value is ready.
type Ledger struct {
	operations, tenants table
}

// Entry is one operation that ended.
type Entry struct {
	Operation   string // its name
	Tenant      string // empty: none is known
	Outcome     Outcome
	Bytes       int64  // of the answer
	SavedMicros uint32 // of a hit: how long the fetch took, µs
	SavedPico   int64  // and what it cost, pico-USD
}

// Count adds an operation. It keeps the names for as long as it lives, and copies them.
func (l *Ledger) Count(e *Entry) {
	if e.Outcome == None || e.Outcome >= outcomes {
		return
	}
	l.operations.row(e.Operation, maxOperations).count(e)
	if e.Tenant != "" {
		l.tenants.row(e.Tenant, maxTenants).count(e)
	}
}

// row is the counters of one name.
type row struct {
	counts      [outcomes]atomic.Uint64
	hitBytes    atomic.Uint64
	savedMicros atomic.Uint64
	savedPico   atomic.Int64
}

func (r *row) count(e *Entry) {
	r.counts[e.Outcome].Add(1)
	if !e.Outcome.Hit() {
		return
	}
	r.hitBytes.Add(uint64(max(0, e.Bytes)))
	r.savedMicros.Add(uint64(e.SavedMicros))
	r.savedPico.Add(e.SavedPico)
}

// table is rows by name. Readers see a map that is never written to.
type table struct {
	rows  atomic.Pointer[map[string]*row]
	other row
	mu    sync.Mutex
}

func (t *table) row(name string, limit int) *row {
	if m := t.rows.Load(); m != nil {
		if r := (*m)[name]; r != nil {
			return r
		}
		if len(*m) >= limit {
			return &t.other
		}
	}
	return t.add(name, limit)
}

func (t *table) add(name string, limit int) *row {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := map[string]*row{}
	if m := t.rows.Load(); m != nil {
		old = *m
	}
	switch r := old[name]; {
	case r != nil:
		return r
	case len(old) >= limit || name == Other:
		return &t.other
	}
	next := make(map[string]*row, len(old)+1)
	maps.Copy(next, old)
	r := new(row)
	next[strings.Clone(name)] = r
	t.rows.Store(&next)
	return r
}

// Counts are the numbers of one name, or of all.
type Counts struct {
	Name         string            `json:"name,omitempty"`
	Requests     uint64            `json:"requests"`
	HitRatio     float64           `json:"hit_ratio"` // of hits and misses
	Hits         map[string]uint64 `json:"hits"`      // by tier and kind
	Misses       map[string]uint64 `json:"misses"`    // by reason
	Bypassed     map[string]uint64 `json:"bypassed"`  // by reason
	HitBytes     uint64            `json:"hit_bytes"`
	SavedSeconds float64           `json:"saved_seconds"`
	SavedUSD     float64           `json:"saved_usd"`
	counts       [outcomes]uint64
	savedMicros  uint64
	savedPico    int64
}

// Of returns how many operations had an outcome.
func (c *Counts) Of(o Outcome) uint64 { return c.counts[o] }

func (c *Counts) add(r *row) {
	for o := range c.counts {
		c.counts[o] += r.counts[o].Load()
	}
	c.HitBytes += r.hitBytes.Load()
	c.savedMicros += r.savedMicros.Load()
	c.savedPico += r.savedPico.Load()
}

func (c *Counts) finish() {
	by := map[string]map[string]uint64{"hit": {}, "miss": {}, "bypass": {}}
	sums := map[string]uint64{}
	for o := HitL1; o < outcomes; o++ {
		if n := c.counts[o]; n > 0 {
			by[o.Kind()][o.Reason()] = n
			sums[o.Kind()] += n
			c.Requests += n
		}
	}
	c.Hits, c.Misses, c.Bypassed = by["hit"], by["miss"], by["bypass"]
	if asked := sums["hit"] + sums["miss"]; asked > 0 {
		c.HitRatio = float64(sums["hit"]) / float64(asked)
	}
	c.SavedSeconds, c.SavedUSD = float64(c.savedMicros)/1e6, float64(c.savedPico)/1e12
}

// Snapshot is all numbers of a moment.
type Snapshot struct {
	Totals     Counts   `json:"totals"`
	Operations []Counts `json:"operations"` // by name
	Tenants    []Counts `json:"tenants"`
	Top        []Counts `json:"top_by_saving"` // operations
}

// Snapshot reads the numbers. top is how many operations are listed by what they saved.
func (l *Ledger) Snapshot(top int) *Snapshot {
	s := &Snapshot{Operations: l.operations.read(&Counts{}), Tenants: l.tenants.read(&Counts{})}
	l.operations.read(&s.Totals)
	s.Top = slices.Clone(s.Operations)
	slices.SortStableFunc(s.Top, func(a, b Counts) int {
		return cmp.Or(cmp.Compare(b.savedPico, a.savedPico), cmp.Compare(b.savedMicros, a.savedMicros))
	})
	s.Top = s.Top[:min(max(top, 0), len(s.Top))]
	return s
}

// read returns the rows by name, and adds all up in sum.
func (t *table) read(sum *Counts) []Counts {
	list := []Counts{}
	one := func(name string, r *row) {
		c := Counts{Name: name}
		c.add(r)
		c.finish()
		if sum.add(r); c.Requests > 0 {
			list = append(list, c)
		}
	}
	if m := t.rows.Load(); m != nil {
		for _, name := range slices.Sorted(maps.Keys(*m)) {
			one(name, (*m)[name])
		}
	}
	one(Other, &t.other)
	sum.finish()
	return list
}
