package proxy

import (
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/serve"
	"github.com/weirproxy/weir/telemetry"
)

// collect gives the facts of all rooms to /metrics.
func (s *Sidecar) collect(set telemetry.Set, l *line.Line) {
	collectConnections(set, s.server.Stats())
	collectLine(set, l.Stats())
	s.collectPolicy(set)
	if s.cfg.LogDropped != nil {
		set.Counter("weir_log_dropped_total", "Log lines that were lost: whoever reads the log did not keep up, or has gone.", float64(s.cfg.LogDropped()))
	}
	if s.agent != nil {
		collectAgent(set, s.agent.Status())
	}
	if s.supergraphs != nil {
		s.supergraphs.collect(set)
		collectSubscriptions(set, l.SubscriptionStats(), s.supergraphs.now.Load().hub.Stats())
		collectSockets(set, s.server.SocketStats())
	}
	if s.usage != nil {
		s.usage.collect(set)
	}
	if s.feed != nil {
		s.feed.collect(set)
	}
	if s.store != nil {
		collectCache(set, s.store.Stats())
		collectLedger(set, l.Ledger().Snapshot(0))
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

func collectConnections(set telemetry.Set, st serve.Stats) {
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
	set.Counter("weir_clients_left_total", "Clients that left while their answer was fetched from subgraphs; the fetches of queries ended with that.", float64(st.Left))
	set.Counter("weir_upstream_dial_errors_total", "Failed attempts to connect to the upstream.", float64(st.DialErrors))
	set.Counter("weir_upstream_closed_total", "Answers that the upstream broke off.", float64(st.UpstreamClosed))
	set.Counter("weir_stale_on_error_total", "Requests answered from stale entries because the upstream failed.", float64(st.StaleOnError))
	set.Counter("weir_stale_breaker_total", "Requests answered from stale entries because the breaker of the upstream is open.", float64(st.StaleUnasked))
	set.Counter("weir_breaker_refused_total", "Requests refused because the breaker is open (mode enforce).", float64(st.OpenRefused))
	set.Counter("weir_breaker_passed_total", "Requests sent to the upstream although the breaker is open (mode observe).", float64(st.OpenPassed))
	for _, state := range slices.Sorted(maps.Keys(st.Breakers)) {
		set.Gauge("weir_breakers", "Upstream destinations by the state of their breaker.", float64(st.Breakers[state]), "state", state)
	}
	byLabel(set, "weir_breaker_changes_total", "Breakers that came into a state.", "state", st.BreakerChanges)
	set.Counter("weir_refreshes_held_total", "Refreshes that were left out because the breaker is open.", float64(st.RefreshesHeld))
	set.Counter("weir_refreshes_total", "Entries fetched again in the background.", float64(st.Refreshes))
	set.Counter("weir_refreshes_failed_total", "Of these, failed.", float64(st.RefreshesFailed))
	set.Counter("weir_refreshes_dropped_total", "Refreshes given up because too many waited.", float64(st.RefreshesDropped))
	set.Counter("weir_unsolicited_total", "Connections on which the upstream spoke unasked.", float64(st.Unsolicited))
	set.Gauge("weir_memory_pressure", "Step of the memory ladder: 0 none, 3 refusing connections.", float64(st.Pressure))
}

func collectLine(set telemetry.Set, st line.Stats) {
	byLabel(set, "weir_uninspected_total", "GraphQL requests relayed unread.", "reason", st.Uninspected)
	byLabel(set, "weir_limits_total", "Requests beyond a limit, refused or only counted.", "limit", st.Limits)
	byLabel(set, "weir_not_stored_total", "Answers that were not kept.", "reason", st.NotStored)
	set.Counter("weir_plan_exhausted_total", "Plans over subgraphs that are the best found when the search ran out of work: they answer everything, with more fetches than might do.", float64(st.Exhausted))
	set.Counter("weir_invalid_total", "Requests with errors in document or variables.", float64(st.Invalid))
	set.Counter("weir_unread_mutations_total", "Mutations whose answer could not be read; their types were invalidated.", float64(st.UnreadMutations))
	set.Counter("weir_unnamed_mutations_total", "Requests that changed, or may have changed, nobody knows what; policy.cache.unread_mutations says what goes.", float64(st.Unnamed))
	byLabel(set, "weir_injected_total", "Fetches that also asked for keys (policy.cache.inject_keys); all but those used are relayed again as they came.", "result", st.Injected)
	byLabel(set, "weir_injected_skipped_total", "Requests that could have asked for keys and were sent as they came.", "reason", st.Uninjected)
	set.Counter("weir_group_invalidations_total", "Answers whose Cache-Group-Invalidation was obeyed.", float64(st.Groups))
	byLabel(set, "weir_adaptive_ttl_total", "Lifetimes that became shorter by demand or changes (mode on), or would have (mode observe).", "outcome",
		map[string]uint64{"shortened": st.Shortened, "observed": st.WouldShorten})
	byLabel(set, "weir_refresh_results_total", "Refreshes of entries, by what they found.", "result", map[string]uint64{"changed": st.Changed, "unchanged": st.Unchanged})
	set.Counter("weir_renewed_total", "Entries that live on because the origin answered 304.", float64(st.Renewed))
	set.Counter("weir_invalidations_unlogged_total", "Changes whose answer left before the fleet's log had them; answers by HTTP say so (Cache-Status: detail=not-logged).", float64(st.Unlogged))
	set.Counter("weir_invalidate_errors_total", "Mutations whose invalidation failed.", float64(st.InvalidateErrors))
	byLabel(set, "weir_scope_bypass_total", "Requests that passed the cache because their credentials prove no scope.", "reason", st.ScopeBypass)
}

func (s *Sidecar) collectPolicy(set telemetry.Set) {
	p := s.policies.load()
	set.Gauge("weir_config_version", "Version of the configuration in force; 0: from the file.", float64(p.Version))
	set.Counter("weir_config_refused_total", "Configurations that were pushed, or read again, and refused.", float64(s.policies.configErrors.Load()))
	set.Counter("weir_commands_applied_total", "Commands that came into force.", float64(s.policies.applied.Load()))
	set.Counter("weir_commands_invalidated_total", "Invalidations that were obeyed by command.", float64(s.policies.invalidated.Load()))
	set.Gauge("weir_schema_loaded", "1 when requests are planned with a schema.", boolean(p.Plans.Schema() != nil))
	set.Gauge("weir_schema_failing", "1 while the newest schema cannot be had or used; the last good one serves.", boolean(s.schemas.failing.Load()))
	collectScope(set, p.Scope.Stats(time.Now().UnixNano()))
	collectPlans(set, p.Plans.Stats())
}

func collectScope(set telemetry.Set, st scope.Stats) {
	set.Gauge("weir_scope_remembered", "Tokens and trusted header values that need not be looked at again.", float64(st.Remembered))
	set.Counter("weir_scope_verified_total", "Tokens that were looked at; the others were remembered.", float64(st.Verified))
	set.Gauge("weir_scope_keys", "Keys that tokens may be signed with.", float64(st.Keys))
	set.Gauge("weir_scope_key_sets_missing", "Rules for tokens whose keys could not be had; their requests pass the cache.", float64(st.KeysMissing))
	set.Gauge("weir_scope_keys_age_seconds", "Age of the oldest key set that is fetched.", st.KeysAge.Seconds())
	set.Counter("weir_scope_key_fetches_total", "Fetches of key sets.", float64(st.Fetches))
	set.Counter("weir_scope_key_fetches_failed_total", "Of these, failed.", float64(st.FetchFailures))
}

func collectPlans(set telemetry.Set, st planner.CacheStats) {
	set.Gauge("weir_plans", "Plans in memory.", float64(st.Plans))
	set.Gauge("weir_plans_max", "Their bound.", float64(st.MaxPlans))
	set.Gauge("weir_plan_bytes", "Memory of the plans, about.", float64(st.Bytes))
	set.Gauge("weir_plan_max_bytes", "Its bound.", float64(st.MaxBytes))
	set.Counter("weir_plan_misses_total", "Requests without a plan in memory.", float64(st.Misses))
	set.Counter("weir_plans_built_total", "Plans built.", float64(st.Built))
	set.Counter("weir_plans_shared_total", "Requests that waited for the plan of another one.", float64(st.Shared))
	set.Counter("weir_plans_respelled_total", "Known documents that came in a new spelling.", float64(st.Respelled))
	set.Counter("weir_plans_refused_total", "Documents that were not planned because too many were new; they passed unread.", float64(st.Refused))
	set.Counter("weir_plans_evicted_total", "Plans pushed out.", float64(st.Evicted))
	set.Counter("weir_plans_too_big_total", "Plans not kept for their size.", float64(st.TooBig))
	set.Counter("weir_plans_failed_total", "Documents that could not be planned; they passed unread.", float64(st.Failed))
}

func collectAgent(set telemetry.Set, st agent.Status) {
	set.Gauge("weir_control_connected", "1 while the control plane is connected.", boolean(st.Connected))
	set.Counter("weir_control_connects_total", "Streams to the control plane that were opened.", float64(st.Connects))
	set.Gauge("weir_control_age_seconds", "How long the control plane could not confirm the configuration in force; 0 while connected.", st.LKGAge.Seconds())
	set.Gauge("weir_control_version", "Newest configuration taken from the control plane; 0 for none.", float64(st.Version))
	set.Gauge("weir_config_refused_version", "Version that was refused, until a newer one is in force; 0 for none.", float64(st.NackVersion))
	set.Gauge("weir_state_failing", "1 when the last good state could not be kept on disk.", boolean(st.DiskError != ""))
	set.Gauge("weir_commands_active", "Commands in force.", float64(st.Commands))
	set.Gauge("weir_commands_refused", "Commands that this sidecar cannot obey.", float64(len(st.Refused)))
}

func collectCache(set telemetry.Set, st cache.Stats) {
	set.Counter("weir_cache_hits_total", "Entries served, by tier.", float64(st.HitsL1), "tier", "l1")
	set.Counter("weir_cache_hits_total", "Entries served, by tier.", float64(st.HitsL2), "tier", "l2")
	byLabel(set, "weir_cache_misses_total", "Look-ups without an entry to serve.", "reason", map[string]uint64{
		"absent": st.MissAbsent, "expired": st.MissExpired, "invalid": st.MissInvalid, "disconnected": st.MissDisconnected,
		"clock": st.MissClock, "corrupt": st.MissCorrupt, "bypassed": st.Bypassed,
	})
	set.Counter("weir_cache_stale_total", "Entries served stale.", float64(st.Stale))
	set.Counter("weir_cache_fills_total", "Fetches that were to fill the cache.", float64(st.Fills))
	set.Counter("weir_cache_early_refreshes_total", "Of these, begun before the entry had expired.", float64(st.EarlyRefreshes))
	byLabel(set, "weir_cache_leases_total", "Fetches of keys in demand, by what came of the fleet's lease: won; lost, and of these shared (came in time) or vain.", "outcome",
		map[string]uint64{"won": st.LeasesWon, "lost": st.LeasesLost, "shared": st.LeasesShared, "vain": st.LeasesVain})
	set.Counter("weir_cache_abandoned_total", "Of these, given up.", float64(st.Abandoned))
	set.Counter("weir_cache_stored_total", "Answers stored.", float64(st.Stored))
	byLabel(set, "weir_cache_refused_total", "Answers not stored.", "reason", map[string]uint64{
		"too_big": st.RefusedTooBig, "late": st.RefusedLate, "no_ttl": st.RefusedTTL, "pressure": st.RefusedPressure,
	})
	set.Counter("weir_cache_evicted_total", "Entries pushed out or not let in.", float64(st.Evicted))
	set.Counter("weir_cache_collapsed_total", "Look-ups answered by another request's fetch.", float64(st.Collapsed))
	set.Counter("weir_cache_collapse_timeouts_total", "Look-ups that gave up waiting for another request's fetch.", float64(st.CollapseTimeouts))
	set.Counter("weir_cache_warmed_total", "Entries brought along at the start.", float64(st.Warmed), "from", "l2")
	set.Counter("weir_cache_warmed_total", "Entries brought along at the start.", float64(st.Restored), "from", "file")
	set.Counter("weir_cache_restore_discarded_total", "Entries of a saved file that may not be served any more.", float64(st.Discarded))
	set.Counter("weir_cache_cold_starts_total", "Saved files that could not be used: damaged, cut off, or of another cache.", float64(st.ColdStarts))
	set.Counter("weir_cache_popular_told_total", "Keys told to the fleet as asked for most.", float64(st.Published))
	set.Gauge("weir_cache_bytes", "Bytes of the cache of this process.", float64(st.Bytes))
	set.Gauge("weir_cache_max_bytes", "Its bound.", float64(st.MaxBytes))
	set.Gauge("weir_cache_entries", "Entries of the cache of this process.", float64(st.Entries))
	set.Gauge("weir_cache_tombstones", "Names remembered as invalidated.", float64(st.Tombstones), "kind", "tag")
	set.Gauge("weir_cache_tombstones", "Names remembered as invalidated.", float64(st.PrefixTombstones), "kind", "prefix")
	set.Counter("weir_cache_invalidations_total", "Invalidations asked for here.", float64(st.Invalidations))
	set.Counter("weir_cache_applied_total", "Records of the log obeyed here.", float64(st.Applied))
	set.Counter("weir_cache_sweeps_total", "Walks over the entries of this process, after invalidations.", float64(st.Sweeps))
	set.Counter("weir_cache_reclaimed_total", "Invalid entries whose memory these walks gave back.", float64(st.Reclaimed))
	set.Counter("weir_cache_floor_raises_total", "Times everything older was given up.", float64(st.FloorRaises))
	if !st.Shared {
		return
	}
	set.Gauge("weir_redis_connected", "1 while contact to the invalidation log is fresh.", boolean(st.Connected))
	set.Gauge("weir_redis_degraded", "1 while entries are kept for a short time only, for lack of the invalidation log.", boolean(st.Degraded))
	set.Gauge("weir_redis_log_position_ms", "Position in the invalidation log that is obeyed, milliseconds.", float64(st.Position.MS))
	set.Counter("weir_redis_log_generations_total", "Times the invalidation log was found to be another one.", float64(st.Generations))
	if st.FleetMembers >= 0 {
		set.Gauge("weir_fleet_members", "Sidecars that read the invalidation log, this one included.", float64(st.FleetMembers))
	}
	byLabel(set, "weir_fleet_waits_total", "Waits for the whole fleet to obey an invalidation, by how they ended.", "outcome", map[string]uint64{
		"all": st.FleetAll, "missing": st.FleetMissing, "unseen": st.FleetUnseen,
	})
	set.Gauge("weir_redis_log_delay_seconds", "Time from the append of the last record of the log to its reading here.", st.ApplyDelay.Seconds())
	set.Counter("weir_redis_log_delay_seconds_total", "Sum of these times.", st.ApplyDelays.Seconds())
	for _, kind := range st.Trouble {
		set.Gauge("weir_redis_trouble", "1 while Redis is set up wrongly for the cache, by how; the log says the cure.", 1, "kind", kind)
	}
	set.Counter("weir_redis_appended_total", "Invalidations put into the log.", float64(st.Appended))
	set.Counter("weir_redis_append_errors_total", "Attempts at that which failed.", float64(st.AppendErrors))
	for _, state := range []string{"closed", "half-open", "open"} {
		set.Gauge("weir_redis_breaker", "State of the breaker before Redis: 1 for the one it is in.", boolean(st.Breaker == state), "state", state)
	}
	set.Gauge("weir_redis_write_queue", "Writes to the shared tier that wait.", float64(st.L2Queue))
	set.Gauge("weir_redis_log_lag_seconds", "Time since the last contact with the invalidation log.", st.LogLagSeconds)
	set.Counter("weir_redis_reads_total", "Reads of the shared tier.", float64(st.L2Reads))
	set.Counter("weir_redis_writes_total", "Writes to the shared tier.", float64(st.L2Writes))
	set.Counter("weir_redis_dropped_total", "Writes to the shared tier that were given up.", float64(st.L2Dropped))
	set.Counter("weir_redis_errors_total", "Failed reads of the shared tier.", float64(st.L2Errors), "kind", "error")
	set.Counter("weir_redis_errors_total", "Failed reads of the shared tier.", float64(st.L2Timeouts), "kind", "timeout")
	collectRedis(set, st)
	set.Gauge("weir_invalidations_waiting", "Invalidations that are not in the log yet.", float64(st.Queued))
	set.Counter("weir_invalidations_merged_total", "Times too many waited and became one that names everything.", float64(st.QueueMerges))
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
