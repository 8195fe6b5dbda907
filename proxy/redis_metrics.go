package proxy

import (
	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/telemetry"
)

// collectRedis shows how the shared tier and the way to it are.
func collectRedis(set telemetry.Set, st cache.Stats) {
	for _, b := range []struct {
		state string
		n     int
	}{{"closed", st.BreakersClosed}, {"half-open", st.BreakersHalfOpen}, {"open", st.BreakersOpen}} {
		set.Gauge("weir_redis_breakers", "Breakers by state: one before a server, several before the slots of a cluster.", float64(b.n), "state", b.state)
	}
	set.Gauge("weir_redis_write_queue_bytes", "Bytes of the writes to the shared tier that wait.", float64(st.L2QueueBytes))
	byLabel(set, "weir_redis_unreadable_total", "Shared values that are none: damaged, foreign, forged, sealed with an unknown key.", "reason", st.L2Unreadable)
	set.Counter("weir_redis_log_unreadable_total", "Records of the log that could not be opened; each named everything.", float64(st.LogUnreadable))
	for _, t := range []struct {
		op    string
		times cache.Times
	}{{"read", st.L2ReadTimes}, {"write", st.L2WriteTimes}} {
		set.Histogram("weir_redis_seconds", "Time of single reads and of pipelines of writes.", t.times.Bounds, t.times.UpTo, t.times.Sum, "op", t.op)
	}
}
