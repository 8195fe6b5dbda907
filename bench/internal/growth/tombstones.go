package growth

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

const (
	tombstoneBound = 1_000_000 // as shipped
	namesPerCall   = 10_000
)

func tombstonesTable(ctx context.Context, cfg *Config) (t result.Table, err error) {
	t = result.Table{
		Name: "growth-tombstones", Title: "Tombstones",
		Text: "So many different names are invalidated (10,000 in a call), none of them of a cached entry; then 1,000 cached items are asked for, first without news, then while 100 invalidations " +
			"a second make every hit look its tags up again. Bound: 1,000,000 names of a sidecar; beyond it old ones are forgotten and the floor rises to them: what was filled before then is fetched again.",
		Columns: []result.Column{
			{Name: "names invalidated"},
			{Name: "tombstones kept"},
			{Name: "PSS", Unit: "MiB"},
			{Name: "PSS per tombstone", Unit: "B"},
			{Name: "names invalidated per second", Unit: "1/s"},
			{Name: "CPU per name", Unit: "µs"},
			{Name: "CPU per hit", Unit: "µs"},
			{Name: "CPU per hit with 100 invalidations/s", Unit: "µs"},
			{Name: "floor raised"},
		},
		Plot: &result.Plot{X: 0, Y: []int{2, 7}, LogX: true},
	}
	if err := pin(); err != nil {
		return t, err
	}
	points, span := pick(cfg, []int{1, 1000, 10_000, 100_000, tombstoneBound - 10_000, tombstoneBound + 50_000}, []int{1, 1000, 10_000}, 3*time.Second)
	b, err := newBench(cfg)
	if err != nil {
		return t, err
	}
	defer b.stop(&err)
	up, err := b.origin()
	if err != nil {
		return t, err
	}
	s, err := b.weir(ctx, "tombstones", up, "")
	if err != nil {
		return t, err
	}
	src := newSource(fewItems, true, item(smallBody))
	if err := b.fill(ctx, s, src); err != nil {
		return t, err
	}
	if _, err := b.drive(ctx, s, plan{source: src.drawn(0), span: span / 4}); err != nil { // connections and pools have their memory before the first reading
		return t, err
	}
	base, err := b.pss(ctx, s)
	if err != nil {
		return t, err
	}
	done := 0
	for _, n := range points {
		row, err := b.buried(ctx, s, src, done, n, base, span)
		if err != nil {
			return t, fmt.Errorf("%d names: %w", n, err)
		}
		done = n
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// buried invalidates names from done up to n and measures.
func (b *bench) buried(ctx context.Context, s *fleet.Sidecar, src *source, done, n int, base int64, span time.Duration) ([]float64, error) {
	rate, micros, err := b.bury(ctx, s, done, n)
	if err != nil {
		return nil, err
	}
	m, err := s.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	kept, _ := m.Sum("weir_cache_tombstones", "kind", "tag")
	raised, _ := m.Sum("weir_cache_floor_raises_total")
	pss, err := b.pss(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := b.fill(ctx, s, src); err != nil { // what a raised floor has made invalid
		return nil, err
	}
	quiet, err := b.drive(ctx, s, plan{source: src.drawn(0), span: span})
	if err != nil {
		return nil, err
	}
	news, err := b.withNews(ctx, s, plan{source: src.drawn(0), span: span})
	if err != nil {
		return nil, err
	}
	per := 0.0
	if kept > 0 {
		per = float64(max(0, pss-base)) / kept
	}
	b.say("%8d names: %8.0f kept, PSS %.1f MiB, %.0f names/s, hit %.1f µs, with news %.1f µs, floor raised %.0f times", n, kept, mib(pss), rate, quiet.micros, news.micros, raised)
	return []float64{float64(n), kept, mib(pss), per, rate, micros, quiet.micros, news.micros, raised}, nil
}

// bury invalidates names, and says how many a second and what one takes.
func (b *bench) bury(ctx context.Context, s *fleet.Sidecar, from, to int) (rate, micros float64, err error) {
	before, err := s.CPUTime()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	var body []byte
	for first := from; first < to; first += namesPerCall {
		body = append(body[:0], `{"tags":[`...)
		for i := first; i < min(to, first+namesPerCall); i++ {
			if i > first {
				body = append(body, ',')
			}
			body = append(strconv.AppendInt(append(body, `"Gone:`...), int64(i), 10), '"')
		}
		if _, err := scrape.Post(ctx, s.AdminURL()+"/cache/invalidate", append(body, `]}`...)); err != nil {
			return 0, 0, err
		}
	}
	took := time.Since(began)
	after, err := s.CPUTime()
	if err != nil {
		return 0, 0, err
	}
	n := float64(to - from)
	return n / took.Seconds(), float64((after - before).Microseconds()) / n, nil
}
