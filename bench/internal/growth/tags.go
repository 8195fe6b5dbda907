package growth

import (
	"context"
	"fmt"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

const (
	tagLists  = 400      // entries of a point
	tagAnswer = 64 << 10 // each answer has the same size: what differs is the tags
)

func tagsTable(ctx context.Context, cfg *Config) (t result.Table, err error) {
	t = result.Table{
		Name: "growth-tags", Title: "Tags of an entry",
		Text: "Lists of so many entities in answers of 64 KiB each, so that only the number of tags differs (beside one tag of the field). Filling is the processor time of a miss, of a hit " +
			"when nothing was invalidated, and of a hit that is the first one after an invalidation of something else and has to look at every tag. Bound: 1,000 entity tags of an entry; beyond it one tag " +
			"stands for all entities of the type.",
		Columns: []result.Column{
			{Name: "entities"},
			{Name: "CPU per fill", Unit: "µs"},
			{Name: "CPU per hit", Unit: "µs"},
			{Name: "CPU per hit with 100 invalidations/s", Unit: "µs"},
			{Name: "charged per entry", Unit: "B"},
			{Name: "invalidate one tag", Unit: "ms"},
			{Name: "fetched again after it"},
		},
		Plot: &result.Plot{X: 0, Y: []int{1, 2, 3}, LogX: true},
	}
	if err := pin(); err != nil {
		return t, err
	}
	points, span := pick(cfg, []int{1, 10, 100, 1000}, []int{1, 100}, 3*time.Second)
	for _, n := range points {
		row, err := cfg.tagged(ctx, n, span)
		if err != nil {
			return t, fmt.Errorf("%d tags: %w", n, err)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// tagged measures one point.
func (cfg *Config) tagged(ctx context.Context, tags int, span time.Duration) (row []float64, err error) {
	b, err := newBench(cfg)
	if err != nil {
		return nil, err
	}
	defer b.stop(&err)
	up, err := b.origin()
	if err != nil {
		return nil, err
	}
	s, err := b.weir(ctx, "tags", up, "cache_memory: 256MiB\n")
	if err != nil {
		return nil, err
	}
	// No two lists share an entity.
	src := newSource(tagLists, true, func(dst []byte, n int) []byte { return listBody(dst, n*tags, tags, tagAnswer) })
	empty, err := gauge(ctx, s, "weir_cache_bytes")
	if err != nil {
		return nil, err
	}
	if err := b.fill(ctx, s, src); err != nil {
		return nil, err
	}
	charged, err := chargedPerEntry(ctx, s, empty)
	if err != nil {
		return nil, err
	}
	misses, err := b.drive(ctx, s, plan{source: src.drawn(1), span: span})
	if err != nil {
		return nil, err
	}
	if err := b.fill(ctx, s, src); err != nil {
		return nil, err
	}
	hits, err := b.drive(ctx, s, plan{source: src.drawn(0), span: span})
	if err != nil {
		return nil, err
	}
	news, err := b.withNews(ctx, s, plan{source: src.drawn(0), span: span})
	if err != nil {
		return nil, err
	}
	took, again, err := b.invalidateOne(ctx, s, src, tags)
	if err != nil {
		return nil, err
	}
	b.say("%5d entities: fill %.0f µs, hit %.1f µs, hit with news %.1f µs, %.0f B charged, one tag invalidated in %.2f ms", tags, misses.micros, hits.micros, news.micros,
		charged, ms(took))
	return []float64{float64(tags), misses.micros, hits.micros, news.micros, charged, ms(took), again}, nil
}

func chargedPerEntry(ctx context.Context, s *fleet.Sidecar, empty float64) (float64, error) {
	m, err := s.Metrics(ctx)
	if err != nil {
		return 0, err
	}
	bytes, _ := m.Sum("weir_cache_bytes")
	entries, _ := m.Sum("weir_cache_entries")
	if entries == 0 {
		return 0, fmt.Errorf("%s: the lists were not cached", s.Name)
	}
	return (bytes - empty) / entries, nil
}

// withNews drives while something that nobody has is invalidated 100 times a second.
func (b *bench) withNews(ctx context.Context, s *fleet.Sidecar, p plan) (e effort, err error) {
	beside, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.news(beside, s) }()
	e, err = b.drive(ctx, s, p)
	cancel()
	if over := <-ended; over != nil && err == nil {
		err = over
	}
	return e, err
}

func (b *bench) news(ctx context.Context, s *fleet.Sidecar) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := scrape.Post(ctx, s.AdminURL()+"/cache/invalidate", fmt.Appendf(nil, `{"tags":["News:%d"]}`, n%1000)); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// invalidateOne invalidates one entity of one list, and counts how many of all lists are then fetched again: it must be that one alone.
func (b *bench) invalidateOne(ctx context.Context, s *fleet.Sidecar, src *source, tags int) (took time.Duration, again float64, err error) {
	// Misses for whatever reason, for its memory may have been given back already; and from before on, for a request of the last load may still be under way.
	before, err := gauge(ctx, s, "weir_cache_misses_total")
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if _, err := scrape.Post(ctx, s.AdminURL()+"/cache/invalidate", fmt.Appendf(nil, `{"tags":["Item:%d"]}`, 7*tags)); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	if err := b.fill(ctx, s, src); err != nil {
		return 0, 0, err
	}
	after, err := gauge(ctx, s, "weir_cache_misses_total")
	if err == nil && after == before {
		err = fmt.Errorf("%s: no list was fetched again after its entity was invalidated", s.Name)
	}
	return took, after - before, err
}
