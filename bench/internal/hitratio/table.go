package hitratio

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/weirproxy/weir/bench/internal/keytrace"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/cache"
)

// Config is what is asked of a trace.
type Config struct {
	Memory []int64         // bytes
	TTL    []time.Duration // 0: the trace's own
	// Untold is the time to live of uses whose trace does not tell it, with a TTL of 0.
	Untold time.Duration
	Jitter float64                          // as cache.Config has it
	Alone  bool                             // leave out what Weir is compared with
	Told   func(format string, args ...any) // progress; nil: nobody
}

const (
	mib  = 1 << 20
	pico = 1e12
)

// Columns of the tables, for those who read them.
const (
	ColumnMemory = iota
	ColumnWeir
	ColumnLRU
	ColumnClairvoyant
	ColumnBound
	columnHits
	columnAbsent
	columnExpired
	columnRefreshes
	columnEvicted
	columnTooBig
	columnSeconds
	columnUSD
)

// Tables plays the trace once for each setting: one table for each time to live, one row for each size.
func Tables(ctx context.Context, t *keytrace.Trace, cfg Config) ([]result.Table, error) {
	if cfg.Told == nil {
		cfg.Told = func(string, ...any) {}
	}
	// The store notes accesses in a goroutine of its own and gives up what that has no time for. When serving it has; here it gets its turn for sure
	// only when all goroutines share one processor.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var tables []result.Table
	for _, ttl := range cfg.TTL {
		table, err := tableOf(ctx, t, &cfg, ttl)
		if err != nil {
			return tables, err
		}
		tables = append(tables, table)
	}
	return tables, nil
}

func tableOf(ctx context.Context, t *keytrace.Trace, cfg *Config, ttl time.Duration) (result.Table, error) {
	name := ttl.String()
	if ttl == 0 {
		name = "recorded"
	}
	table := result.Table{
		Name: "cache-" + name, Title: "Hit ratio of the cache in the process, time to live " + name, Text: text(t),
		Columns: []result.Column{
			{Name: "memory", Unit: "MiB"},
			{Name: "weir", Unit: "%"},
			{Name: "LRU", Unit: "%"},
			{Name: "clairvoyant", Unit: "%"},
			{Name: "bound", Unit: "%"},
			{Name: "hits"},
			{Name: "missed: not there"},
			{Name: "missed: expired"},
			{Name: "renewed early"},
			{Name: "evicted"},
			{Name: "too big"},
			{Name: "fetch time saved", Unit: "s"},
			{Name: "saved", Unit: "USD"},
		},
		Plot: &result.Plot{X: ColumnMemory, Y: []int{ColumnWeir, ColumnLRU, ColumnClairvoyant, ColumnBound}, LogX: true},
	}
	uses := slices.AppendSeq(make([]cache.Use, 0, len(t.Uses)), t.WithTTL(ttl, cfg.Untold))
	var ahead *future
	var limit *bounds
	if !cfg.Alone {
		ahead = lookAhead(uses, t.Keys)
		limit = ahead.bounds()
	}
	for _, memory := range cfg.Memory {
		cfg.Told("%s, %g MiB, time to live %s", t.Name, float64(memory)/mib, name)
		s, err := cache.Simulate(ctx, cache.Config{MaxBytes: memory, Jitter: cfg.Jitter}, slices.Values(uses))
		if err != nil {
			return table, fmt.Errorf("%s, %d bytes: %w", t.Name, memory, err)
		}
		share := func(hits uint64) float64 { return 100 * float64(hits) / float64(max(1, s.Uses)) }
		row := []float64{
			float64(memory) / mib, share(s.Hits), math.NaN(), math.NaN(), math.NaN(), float64(s.Hits), float64(s.Absent), float64(s.Expired),
			float64(s.Refreshes), float64(s.Evicted), float64(s.TooBig), float64(s.SavedMicros) / 1e6, float64(s.SavedPico) / pico,
		}
		if !cfg.Alone {
			row[ColumnLRU] = share(LRU(slices.Values(uses), t.Keys, memory))
			row[ColumnClairvoyant] = share(ahead.clairvoyant(memory))
			row[ColumnBound] = share(limit.hits(memory))
		}
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}

func text(t *keytrace.Trace) string {
	s := fmt.Sprintf("%s: %d uses of %d keys in %s. Weir is the store that serves, under the trace's clock, its bookkeeping within the memory; a fetch takes no time, nothing is "+
		"invalidated. LRU and the clairvoyant cache have no bookkeeping. The clairvoyant lets go of what is needed last, which with entries of different sizes is only nearly the best; "+
		"no cache goes beyond the bound, and with a full memory none need reach it.", t.Name, len(t.Uses), t.Keys, t.Duration().Round(time.Millisecond))
	if t.Guessed > 0 {
		s += fmt.Sprintf(" %d uses are events without a key: keys were guessed from operation, tenant and size of the answer, so there are too few of them and the ratios are too good; "+
			"record with policy.cache.trace: true.", t.Guessed)
	}
	return s
}
