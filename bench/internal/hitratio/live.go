package hitratio

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

// counts are what a sidecar tells of one name at /cache/stats.
type counts struct {
	Name         string            `json:"name"`
	Requests     float64           `json:"requests"`
	HitRatio     float64           `json:"hit_ratio"`
	Hits         map[string]uint64 `json:"hits"`
	Misses       map[string]uint64 `json:"misses"`
	Bypassed     map[string]uint64 `json:"bypassed"`
	HitBytes     float64           `json:"hit_bytes"`
	SavedSeconds float64           `json:"saved_seconds"`
	SavedUSD     float64           `json:"saved_usd"`
}

// Live reads what a running sidecar has counted, from its admin address: a table by operation, and one by tenant where tenants are known. The
// first row of each is the total.
func Live(ctx context.Context, admin string) ([]result.Table, error) {
	text, err := scrape.Body(ctx, strings.TrimSuffix(admin, "/")+"/cache/stats")
	if err != nil {
		return nil, err
	}
	var stats struct {
		Totals     *counts  `json:"totals"`
		Operations []counts `json:"operations"`
		Tenants    []counts `json:"tenants"`
	}
	if err := json.Unmarshal(text, &stats); err != nil {
		return nil, fmt.Errorf("%s/cache/stats: %w", admin, err)
	}
	if stats.Totals == nil {
		return nil, fmt.Errorf("%s/cache/stats tells no totals: the cache is off, or this is no admin address of weir", admin)
	}
	tables := []result.Table{liveTable("operation", stats.Totals, stats.Operations)}
	if len(stats.Tenants) > 0 {
		tables = append(tables, liveTable("tenant", nil, stats.Tenants))
	}
	return tables, nil
}

func liveTable(by string, total *counts, list []counts) result.Table {
	t := result.Table{
		Name: "cache-by-" + by, Title: "What the cache did, by " + by, Text: "As the sidecar counts it since its start: hits and misses of what the cache was asked for, what bypassed it, and what hits spared.",
		Columns: []result.Column{
			{Name: "requests"},
			{Name: "hits", Unit: "%"},
			{Name: "from L1"},
			{Name: "from L2"},
			{Name: "stale"},
			{Name: "collapsed"},
			{Name: "negative"},
			{Name: "missed"},
			{Name: "bypassed"},
			{Name: "bytes", Unit: "MiB"},
			{Name: "fetch time saved", Unit: "s"},
			{Name: "saved", Unit: "USD"},
		},
	}
	slices.SortStableFunc(list, func(a, b counts) int {
		return cmp.Or(cmp.Compare(b.SavedUSD, a.SavedUSD), cmp.Compare(b.Requests, a.Requests))
	})
	if total != nil {
		total.Name = "all"
		list = append([]counts{*total}, list...)
	}
	for i := range list {
		c := &list[i]
		t.Labels = append(t.Labels, c.Name)
		t.Rows = append(t.Rows, []float64{
			c.Requests, 100 * c.HitRatio, float64(c.Hits["l1"]), float64(c.Hits["l2"]), float64(c.Hits["stale"] + c.Hits["on_error"]),
			float64(c.Hits["collapsed"]), float64(c.Hits["negative"]), sum(c.Misses), sum(c.Bypassed), c.HitBytes / mib, c.SavedSeconds, c.SavedUSD,
		})
	}
	return t
}

func sum(m map[string]uint64) (n float64) {
	for _, v := range m {
		n += float64(v)
	}
	return n
}
