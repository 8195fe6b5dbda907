package growth

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	planBound = 10_000 // as shipped
	// manyUnseen lifts the limit of unseen documents, so that what is measured is the bound of the plans.
	manyUnseen = "policy: {unseen: {per_second: 1000000, burst: 1000000}}\n"
)

// operation is the n-th distinct document; all ask for one cached item.
func operation(dst []byte, n int) []byte { return itemBody(dst, "Op"+strconv.Itoa(n), 1, smallBody) }

func operationsTable(ctx context.Context, cfg *Config) (t result.Table, err error) {
	t = result.Table{
		Name: "growth-operations", Title: "Distinct operations",
		Text: "So many different documents, each drawn evenly (the worst case: real traffic follows Zipf), all for one cached item. Bound: policy.unseen.plans (10,000 as shipped) and 64 MiB of plans; " +
			"beyond it plans push each other out. The first columns have no limit on unseen documents, so every miss of the plans is parsed; the last two are as shipped: 200 unseen documents a second " +
			"are planned, the others pass unread to the upstream.",
		Columns: []result.Column{
			{Name: "operations"},
			{Name: "requests", Unit: "1/s"},
			{Name: "CPU per request", Unit: "µs"},
			{Name: "found in the plans", Unit: "%"},
			{Name: "plans kept"},
			{Name: "plans", Unit: "MiB"},
			{Name: "PSS", Unit: "MiB"},
			{Name: "CPU per request as shipped", Unit: "µs"},
			{Name: "relayed unread as shipped", Unit: "%"},
		},
		Plot: &result.Plot{X: 0, Y: []int{2, 7}, LogX: true, LogY: true},
	}
	if err := pin(); err != nil {
		return t, err
	}
	points, span := pick(cfg, []int{1, 10, 100, 1000, planBound, 30_000, 100_000}, []int{1, 100, 1000}, 4*time.Second)
	for _, n := range points {
		row, err := cfg.distinct(ctx, n, span)
		if err != nil {
			return t, fmt.Errorf("%d operations: %w", n, err)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// distinct measures one point: with the limit of unseen documents lifted, and as shipped where that differs.
func (cfg *Config) distinct(ctx context.Context, n int, span time.Duration) (row []float64, err error) {
	b, err := newBench(cfg)
	if err != nil {
		return nil, err
	}
	defer b.stop(&err)
	up, err := b.origin()
	if err != nil {
		return nil, err
	}
	s, err := b.weir(ctx, "operations", up, manyUnseen)
	if err != nil {
		return nil, err
	}
	src := newSource(n, true, operation)
	if err := b.fill(ctx, s, src); err != nil {
		return nil, err
	}
	e, missed, err := b.counted(ctx, s, src, span, "weir_plan_misses_total")
	if err != nil {
		return nil, err
	}
	m, err := s.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	plans, _ := m.Sum("weir_plans")
	planBytes, _ := m.Sum("weir_plan_bytes")
	pss, err := b.pss(ctx, s)
	if err != nil {
		return nil, err
	}
	shipped, unread := e, 0.0
	if n > planBound {
		if err := s.Stop(); err != nil {
			return nil, err
		}
		if s, err = b.weir(ctx, "operations-shipped", up, ""); err != nil {
			return nil, err
		}
		if shipped, unread, err = b.counted(ctx, s, src, span, "weir_uninspected_total"); err != nil {
			return nil, err
		}
	}
	b.say("%6d operations: %8.0f/s, %5.1f µs, %.1f %% found in %.0f plans of %.1f MiB; as shipped %.1f µs, %.1f %% unread", n, e.Rate, e.micros, 100*(1-missed), plans,
		planBytes/(1<<20), shipped.micros, 100*unread)
	return []float64{
		float64(n), e.Rate, e.micros, 100 * max(0, 1-missed), plans, planBytes / (1 << 20), mib(pss), shipped.micros, 100 * unread,
	}, nil
}

// counted drives a span and says how much a counter of weir rose for each request of the run, warm-up included.
func (b *bench) counted(ctx context.Context, s *fleet.Sidecar, src *source, span time.Duration, counter string) (e effort, each float64, err error) {
	read := func() (v [2]float64, err error) {
		for i, name := range []string{counter, "weir_requests_total"} {
			if v[i], err = gauge(ctx, s, name); err != nil {
				return v, err
			}
		}
		return v, nil
	}
	before, err := read()
	if err != nil {
		return e, 0, err
	}
	if e, err = b.drive(ctx, s, plan{source: src.drawn(0), span: span}); err != nil {
		return e, 0, err
	}
	after, err := read()
	if err != nil {
		return e, 0, err
	}
	if after[1] > before[1] {
		each = (after[0] - before[0]) / (after[1] - before[1])
	}
	return e, each, nil
}
