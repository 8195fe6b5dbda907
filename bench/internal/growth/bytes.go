package growth

import (
	"context"
	"fmt"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/vitals"
)

const (
	gcGate      = 2.0 // % of weir's processor time
	unseenShare = 0.2
	overhead    = 1 << 10 // allowed for beside the body of an entry, when the bound of the cache is chosen
	fewCycles   = 3       // with so many the span itself gives the collector's share
)

// volume is one point: entries of a size.
type volume struct{ entries, bytes int }

func bytesTable(ctx context.Context, cfg *Config) (t result.Table, err error) {
	t = result.Table{
		Name: "growth-bytes", Title: "Cached entries and bytes",
		Text: "Filled once, then asked for evenly: first only what is there, then with 20 % requests for what is not, each of which fills and pushes another entry out when the bound is reached. " +
			"Bound: cache_memory (64 MiB as shipped), bookkeeping included; here it is chosen to hold all entries. The collector's share counts its pauses, assists and workers in all of Weir's " +
			"processor time; where a span had fewer than three cycles it is the cost of the last cycle times the cycles that the allocated bytes make due.",
		Columns: []result.Column{
			{Name: "entries"},
			{Name: "answer", Unit: "B"},
			{Name: "charged", Unit: "MiB"},
			{Name: "PSS", Unit: "MiB"},
			{Name: "PSS ÷ answers"},
			{Name: "hits", Unit: "1/s"},
			{Name: "CPU per hit", Unit: "µs"},
			{Name: "requests at 20 % misses", Unit: "1/s"},
			{Name: "CPU per request at 20 % misses", Unit: "µs"},
			{Name: "collector's share at 20 % misses", Unit: "%"},
			{Name: "cycles per million requests"},
			{Name: "PSS after misses", Unit: "MiB"},
		},
		Plot: &result.Plot{X: 0, Y: []int{6, 9}, LogX: true},
	}
	if err := pin(); err != nil {
		return t, err
	}
	all := []volume{{1000, 1 << 10}, {10_000, 1 << 10}, {64 << 10, 16 << 10}, {100_000, 1 << 10}, {1_000_000, 1 << 10}}
	points, span := pick(cfg, all, all[:2], 8*time.Second)
	worst := 0.0
	for _, v := range points {
		row, err := cfg.volume(ctx, v, span)
		if err != nil {
			return t, fmt.Errorf("%d entries of %d bytes: %w", v.entries, v.bytes, err)
		}
		t.Rows = append(t.Rows, row)
		worst = max(worst, row[9])
		t.Gates = []result.Row{atMost("growth", "collector's share at 20 % misses, worst point", "%", single(worst), gcGate, gcGate, "")}
	}
	return t, nil
}

// volume measures one point with a weir of its own.
func (cfg *Config) volume(ctx context.Context, v volume, span time.Duration) (row []float64, err error) {
	b, err := newBench(cfg)
	if err != nil {
		return nil, err
	}
	defer b.stop(&err)
	up, err := b.origin()
	if err != nil {
		return nil, err
	}
	bound := max(64<<20, v.entries*(v.bytes+overhead)*5/4)
	s, err := b.weir(ctx, fmt.Sprintf("bytes-%d-%d", v.entries, v.bytes), up, fmt.Sprintf("cache_memory: %dMiB\n", bound>>20))
	if err != nil {
		return nil, err
	}
	follow, err := vitals.Follow(s.LogPath())
	if err != nil {
		return nil, err
	}
	src := newSource(v.entries, true, item(v.bytes))
	began := time.Now()
	if err := b.fill(ctx, s, src); err != nil {
		return nil, err
	}
	filled := time.Since(began)
	charged, err := gauge(ctx, s, "weir_cache_bytes")
	if err != nil {
		return nil, err
	}
	entries, err := gauge(ctx, s, "weir_cache_entries")
	if err != nil {
		return nil, err
	}
	if entries < 0.98*float64(v.entries) {
		return nil, fmt.Errorf("only %.0f entries were kept within %d MiB", entries, bound>>20)
	}
	pss, err := b.pss(ctx, s)
	if err != nil {
		return nil, err
	}
	hits, err := b.drive(ctx, s, plan{source: src.drawn(0), span: span / 2})
	if err != nil {
		return nil, err
	}
	mixed, err := b.drive(ctx, s, plan{source: src.drawn(unseenShare), span: span})
	if err != nil {
		return nil, err
	}
	share, cycles, err := collector(ctx, s, &mixed, follow)
	if err != nil {
		return nil, err
	}
	after, err := b.pss(ctx, s)
	if err != nil {
		return nil, err
	}
	b.say("%8.0f entries of %5d B: filled in %.0f s, PSS %.0f MiB, %.0f hits/s, %.1f µs; at 20 %% misses %.1f µs, collector %.2f %%, %d cycles seen", entries, v.bytes,
		filled.Seconds(), mib(pss), hits.Rate, hits.micros, mixed.micros, 100*share, mixed.collections.Cycles)
	return []float64{
		entries, float64(v.bytes), charged / (1 << 20), mib(pss), float64(pss) / float64(v.entries*v.bytes), hits.Rate, hits.micros, mixed.Rate, mixed.micros, 100 * share,
		cycles * 1e6, mib(after),
	}, nil
}

// collector returns the collector's share of the processor time of a span and the cycles per request.
func collector(ctx context.Context, s *fleet.Sidecar, e *effort, all *vitals.Collector) (share, cycles float64, err error) {
	if _, err := all.Next(); err != nil {
		return 0, 0, err
	}
	if n := e.collections.Cycles; n >= fewCycles {
		return e.gcShare, float64(n) / float64(e.Requests), nil
	}
	last := all.Last()
	if last.Cycles == 0 {
		return 0, 0, nil // none since the start: nothing to pay for yet
	}
	goal, err := gauge(ctx, s, "go_memstats_next_gc_bytes")
	if err != nil {
		return 0, 0, err
	}
	headroom := goal - float64(last.LiveMB<<20)
	if headroom <= 0 {
		return e.gcShare, float64(e.collections.Cycles) / float64(e.Requests), nil
	}
	cycles = e.heapBytes / headroom
	return cycles * float64(last.CPU.Microseconds()) / e.micros, cycles, nil
}
