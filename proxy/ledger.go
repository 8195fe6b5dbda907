package proxy

import (
	"github.com/weirproxy/weir/proxy/internal/ledger"
	"github.com/weirproxy/weir/telemetry"
)

// collectLedger gives what the cache did by operation and by tenant; the totals are their sums.
func collectLedger(set telemetry.Set, s *ledger.Snapshot) {
	for i := range s.Operations {
		c := &s.Operations[i]
		for o := ledger.HitL1; o.Kind() != ""; o++ {
			if n := c.Of(o); n > 0 {
				set.Counter("weir_cache_outcomes_total", "What the cache did about operations: hits by tier and kind, misses and bypasses by reason.",
					float64(n), "operation", c.Name, "outcome", o.Kind(), "reason", o.Reason())
			}
		}
		set.Counter("weir_cache_hit_bytes_total", "Bytes of answers from the cache.", float64(c.HitBytes), "operation", c.Name)
		set.Counter("weir_cache_saved_seconds_total", "Time of the fetches that hits spared.", c.SavedSeconds, "operation", c.Name)
		set.Counter("weir_cache_saved_usd_total", "Money that hits spared, USD; an estimate that is not part of cost.", c.SavedUSD, "operation", c.Name)
	}
	for i := range s.Tenants {
		c := &s.Tenants[i]
		for kind, counts := range map[string]map[string]uint64{"hit": c.Hits, "miss": c.Misses, "bypass": c.Bypassed} {
			n := uint64(0)
			for _, v := range counts {
				n += v
			}
			set.Counter("weir_cache_tenant_outcomes_total", "What the cache did about operations of a tenant, which is named by a keyed hash.",
				float64(n), "tenant", c.Name, "outcome", kind)
		}
		set.Counter("weir_cache_tenant_hit_bytes_total", "Bytes of a tenant's answers from the cache.", float64(c.HitBytes), "tenant", c.Name)
		set.Counter("weir_cache_tenant_saved_seconds_total", "Time of the fetches that a tenant's hits spared.", c.SavedSeconds, "tenant", c.Name)
		set.Counter("weir_cache_tenant_saved_usd_total", "Money that a tenant's hits spared, USD.", c.SavedUSD, "tenant", c.Name)
	}
}
