package proxy

import (
	"sort"

	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/telemetry"
)

// collect gives the facts of all rooms to /metrics.
func (s *Sidecar) collect(set telemetry.Set, l *line.Line) {
	s.collectConnections(set)
	s.collectLine(set, l)
	s.collectPolicy(set)
	if s.store != nil {
		s.collectCache(set)
	}
}

func byLabel(set telemetry.Set, name, help, label string, counts map[string]uint64) {
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		set.Counter(name, help, float64(counts[k]), label, k)
	}
}

func (s *Sidecar) collectConnections(set telemetry.Set) {
	st := s.server.Stats()
	set.Gauge("weir_connections", "Client connections that are open.", float64(st.Connections))
	set.Counter("weir_connections_accepted_total", "Client connections.", float64(st.Accepted))
	set.Counter("weir_connections_refused_total", "Client connections answered with 503.", float64(st.RefusedConnections))
	set.Counter("weir_accept_errors_total", "Connections that could not be accepted.", float64(st.AcceptErrors))
	set.Counter("weir_requests_total", "HTTP requests that were read.", float64(st.Requests))
	set.Counter("weir_requests_relayed_total", "HTTP requests sent to the upstream.", float64(st.Relayed))
	set.Counter("weir_requests_hit_total", "HTTP requests answered from the cache.", float64(st.Hits))
	set.Counter("weir_requests_refused_total", "HTTP requests answered with an error of the sidecar.", float64(st.Refused))
	byLabel(set, "weir_spliced_total", "Connections that are copied unread from some point on.", "reason", st.Spliced)
	byLabel(set, "weir_timeouts_total", "Connections that took too long.", "phase", st.Timeouts)
	set.Counter("weir_panics_total", "Defects that were caught.", float64(st.Panics))
	set.Counter("weir_upstream_dial_errors_total", "Failed attempts to connect to the upstream.", float64(st.DialErrors))
	set.Counter("weir_upstream_closed_total", "Answers that the upstream broke off.", float64(st.UpstreamClosed))
	set.Counter("weir_stale_on_error_total", "Requests answered from stale entries because the upstream failed.", float64(st.StaleOnError))
	set.Counter("weir_refreshes_total", "Entries fetched again in the background.", float64(st.Refreshes))
	set.Counter("weir_refreshes_failed_total", "Of these, failed.", float64(st.RefreshesFailed))
	set.Counter("weir_refreshes_dropped_total", "Refreshes given up because too many waited.", float64(st.RefreshesDropped))
	set.Counter("weir_unsolicited_total", "Connections on which the upstream spoke unasked.", float64(st.Unsolicited))
	set.Gauge("weir_memory_pressure", "Step of the memory ladder: 0 none, 3 refusing connections.", float64(st.Pressure))
}

func (s *Sidecar) collectLine(set telemetry.Set, l *line.Line) {
	st := l.Stats()
	byLabel(set, "weir_uninspected_total", "GraphQL requests relayed unread.", "reason", st.Uninspected)
	byLabel(set, "weir_limits_total", "Requests beyond a limit, refused or only counted.", "limit", st.Limits)
	byLabel(set, "weir_not_stored_total", "Answers that were not kept.", "reason", st.NotStored)
	set.Counter("weir_invalid_total", "Requests with errors in document or variables.", float64(st.Invalid))
	set.Counter("weir_unread_mutations_total", "Mutations whose answer could not be read; their types were invalidated.", float64(st.UnreadMutations))
	set.Counter("weir_scope_bypass_total", "Requests with credentials and no scope rule for them.", float64(st.ScopeBypass))
}

func (s *Sidecar) collectPolicy(set telemetry.Set) {
	p := s.policies.load()
	plans := p.Plans.Stats()
	set.Gauge("weir_config_version", "Version of the configuration in force; 0: from the file.", float64(p.Version))
	set.Counter("weir_config_refused_total", "Pushed configurations that were refused.", float64(s.policies.configErrors.Load()))
	set.Counter("weir_commands_applied_total", "Commands that came into force.", float64(s.policies.applied.Load()))
	set.Gauge("weir_plans", "Plans in memory.", float64(plans.Plans))
	set.Gauge("weir_schema_loaded", "1 when requests are planned with a schema.", boolean(p.Plans.Schema() != nil))
	if s.agent == nil {
		return
	}
	st := s.agent.Status()
	set.Gauge("weir_control_connected", "1 while the control plane is connected.", boolean(st.Connected))
	set.Gauge("weir_commands_active", "Commands in force.", float64(st.Commands))
}

func (s *Sidecar) collectCache(set telemetry.Set) {
	st := s.store.Stats()
	set.Counter("weir_cache_hits_total", "Entries served, by tier.", float64(st.HitsL1), "tier", "l1")
	set.Counter("weir_cache_hits_total", "Entries served, by tier.", float64(st.HitsL2), "tier", "l2")
	byLabel(set, "weir_cache_misses_total", "Look-ups without an entry to serve.", "reason", map[string]uint64{
		"absent": st.MissAbsent, "expired": st.MissExpired, "invalid": st.MissInvalid, "disconnected": st.MissDisconnected,
		"clock": st.MissClock, "corrupt": st.MissCorrupt, "bypassed": st.Bypassed,
	})
	set.Counter("weir_cache_stored_total", "Answers stored.", float64(st.Stored))
	set.Counter("weir_cache_evicted_total", "Entries pushed out or not let in.", float64(st.Evicted))
	set.Counter("weir_cache_collapsed_total", "Look-ups answered by another request's fetch.", float64(st.Collapsed))
	set.Gauge("weir_cache_bytes", "Bytes of the cache of this process.", float64(st.Bytes))
	set.Gauge("weir_cache_max_bytes", "Its bound.", float64(st.MaxBytes))
	set.Gauge("weir_cache_entries", "Entries of the cache of this process.", float64(st.Entries))
	set.Gauge("weir_cache_tombstones", "Names remembered as invalidated.", float64(st.Tombstones+st.PrefixTombstones))
	set.Counter("weir_cache_invalidations_total", "Invalidations asked for here.", float64(st.Invalidations))
	set.Counter("weir_cache_applied_total", "Records of the log obeyed here.", float64(st.Applied))
	set.Counter("weir_cache_floor_raises_total", "Times everything older was given up.", float64(st.FloorRaises))
	if !st.Shared {
		return
	}
	set.Gauge("weir_redis_connected", "1 while contact to the invalidation log is fresh.", boolean(st.Connected))
	set.Gauge("weir_redis_log_lag_seconds", "Time since the last contact with the invalidation log.", st.LogLagSeconds)
	set.Counter("weir_redis_reads_total", "Reads of the shared tier.", float64(st.L2Reads))
	set.Counter("weir_redis_writes_total", "Writes to the shared tier.", float64(st.L2Writes))
	set.Counter("weir_redis_dropped_total", "Writes to the shared tier that were given up.", float64(st.L2Dropped))
	set.Counter("weir_redis_errors_total", "Failed reads of the shared tier.", float64(st.L2Errors), "kind", "error")
	set.Counter("weir_redis_errors_total", "Failed reads of the shared tier.", float64(st.L2Timeouts), "kind", "timeout")
	set.Gauge("weir_invalidations_waiting", "Invalidations that are not in the log yet.", float64(st.Queued))
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
