package proxy

import (
	"maps"
	"slices"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/telemetry"
)

// collect gives what was counted of each subgraph.
func (g *subgraphs) collect(set telemetry.Set) {
	set.Counter("weir_supergraph_joined_total", "Queries that joined an identical one under way and were not executed (supergraph.dedup_inbound).", float64(g.executor.Joined()))
	for i, c := range g.clients {
		if c == nil {
			continue
		}
		st, name := c.Stats(), g.names[i]
		collectProduct(set, name, &g.products[i], &st)
		set.Counter("weir_subgraph_fetches_total", "Fetches that were sent to a subgraph, hedges included and retries left aside.", float64(st.Calls), "subgraph", name)
		set.Counter("weir_subgraph_shared_total", "Fetches that were not sent, because the answer to an identical one was under way.", float64(st.Shared), "subgraph", name)
		set.Counter("weir_subgraph_retries_total", "Fetches that were sent again.", float64(st.Retries), "subgraph", name)
		set.Counter("weir_subgraph_hedges_total", "Fetches that were sent a second time because no answer had begun (hedging).", float64(st.Hedges), "subgraph", name)
		set.Counter("weir_subgraph_hedges_won_total", "Hedges whose answer was the first good one.", float64(st.Won), "subgraph", name)
		for _, why := range slices.Sorted(maps.Keys(st.Unsent)) {
			set.Counter("weir_subgraph_hedges_unsent_total", "Hedges that were due and not sent: no budget, no place (concurrency), or the breaker is not closed.", float64(st.Unsent[why]), "subgraph", name, "reason", why)
		}
		set.Counter("weir_subgraph_refused_total", "Fetches that were not sent because the subgraph's breaker is open (mode enforce).", float64(st.Refused), "subgraph", name)
		for _, why := range slices.Sorted(maps.Keys(st.Failed)) {
			set.Counter("weir_subgraph_failures_total", "Fetches without a usable answer, and those with the status 502, 503 or 504.", float64(st.Failed[why]), "subgraph", name, "reason", why)
		}
		set.Counter("weir_subgraph_answers_with_errors_total", "Answers of a subgraph that had errors in them.", float64(st.Partial), "subgraph", name)
		set.Counter("weir_subgraph_cached_total", "Entities, and steps of root fields, that the cache had in place of a subgraph.", float64(st.Cached), "subgraph", name)
		set.Counter("weir_subgraph_uncached_total", "Entities, and steps of root fields, that were looked for in the cache, and the subgraph was asked for.", float64(st.Misses), "subgraph", name)
		set.Counter("weir_subgraph_bytes_total", "Content of requests and answers, retries left aside.", float64(st.BytesSent), "subgraph", name, "direction", "sent")
		set.Counter("weir_subgraph_bytes_total", "Content of requests and answers, retries left aside.", float64(st.BytesReceived), "subgraph", name, "direction", "received")
		set.Counter("weir_subgraph_over_budget_total", "Operations that would cost more at the subgraph than its budget, refused or only counted.", float64(st.OverBudget), "subgraph", name)
		set.Histogram("weir_subgraph_seconds", "Time of a fetch, waiting for a place and retries included, until its answer was read.", subgraph.Bounds, st.UpTo, st.Lasted, "subgraph", name)
		set.Gauge("weir_subgraph_breaker", "Breaker of the subgraph: 0 closed, 1 open, 2 half open.", float64(st.Breaker), "subgraph", name)
	}
}

// collectProduct gives what the owner of a subgraph promises, and the fetches that broke it. All fetches are weir_subgraph_seconds_count.
func collectProduct(set telemetry.Set, name string, p *config.Product, st *subgraph.Stats) {
	set.Gauge("weir_subgraph_info", "Who owns a subgraph and by which contract.", 1, "subgraph", name, "owner", p.Owner, "contract", p.Contract)
	promised := func(objective string, ratio float64, broken uint64) {
		set.Gauge("weir_subgraph_slo_ratio", "Part of the fetches that should meet the objective.", ratio, "subgraph", name, "owner", p.Owner, "objective", objective)
		set.Counter("weir_subgraph_slo_broken_total", "Fetches that broke the objective: took longer, or had no usable answer.", float64(broken),
			"subgraph", name, "owner", p.Owner, "objective", objective)
	}
	if p.Latency > 0 {
		set.Gauge("weir_subgraph_slo_latency_seconds", "Up to which a fetch is fast enough.", p.Latency.Seconds(), "subgraph", name, "owner", p.Owner)
		promised("latency", p.LatencyRatio, st.Slow)
	}
	if p.Availability > 0 {
		failed := uint64(0)
		for _, n := range st.Failed {
			failed += n
		}
		promised("availability", p.Availability, failed)
	}
}
