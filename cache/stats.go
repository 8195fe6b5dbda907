package cache

import (
	"time"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/remote"
)

// Stats is a snapshot of the store's counters (since Open) and gauges. Counters are read one after the other: sums of a
// busy store may be off by what happened between.
type Stats struct {
	HitsL1, HitsL2   uint64 // entries served fresh or stale, by tier
	Stale            uint64 // of these: served as stale
	Collapsed        uint64 // entries got by waiting for another caller's fill
	CollapseTimeouts uint64 // callers that gave up waiting

	MissAbsent       uint64 // nothing under the key
	MissExpired      uint64 // past its hard expiry
	MissInvalid      uint64 // invalidated
	MissDisconnected uint64 // too old to be served without contact to the log
	MissClock        uint64 // from the future: a clock jumped
	MissCorrupt      uint64 // shared value that is damaged, foreign or of another format
	Bypassed         uint64 // key marked as not cacheable

	LeasesWon    uint64 // fetches of keys in demand that this process did for the fleet
	LeasesLost   uint64 // and those that another process did
	LeasesShared uint64 // of these: what it fetched came in time for those who waited
	LeasesVain   uint64 // and did not, so that this process fetched too

	Fills, EarlyRefreshes, Abandoned uint64 // fills led; of these by early refresh; given up
	Stored                           uint64 // entries accepted by Complete
	RefusedTooBig                    uint64 // larger than MaxEntryBytes
	RefusedLate                      uint64 // after MaxFill, when another caller led the key
	RefusedTTL                       uint64 // no time to live
	RefusedPressure                  uint64 // not kept: too many sets at once
	Evicted                          uint64 // pushed out of, or not admitted to, the bounded tier
	Bytes, MaxBytes                  int64  // charged to the bounded tier
	Entries                          int64

	Warmed, Restored uint64 // entries brought along at the start: from the shared tier, from a saved file
	Discarded        uint64 // entries of a saved file that may not be served any more
	ColdStarts       uint64 // saved files that could not be used
	Published        uint64 // keys told to the fleet as popular

	Tombstones, PrefixTombstones int64
	FloorRaises                  uint64 // times everything older was given up: overflow, gap, new generation
	Generations                  uint64 // times the log was found to be another one
	Invalidations                uint64 // asked for here
	Applied                      uint64 // records of the log applied here
	Sweeps                       uint64 // walks over the entries of this process, after invalidations
	Reclaimed                    uint64 // entries whose memory they gave back
	Position                     Position

	FleetMembers                        int           // processes that read the log, this one included; negative: not known
	FleetAll, FleetMissing, FleetUnseen uint64        // waits for the fleet: all obeyed, some did not in time, it could not be seen
	ApplyDelay, ApplyDelays             time.Duration // from a record's append to its reading here, by the log's clock: of the last, and the sum
	Trouble                             []string      // ways in which Redis is set up wrongly for the log

	Shared        bool    // Redis is configured
	Connected     bool    // contact to the log is fresh
	Degraded      bool    // without contact for longer than DisconnectedAfter
	LogLagSeconds float64 // time since the last contact with the log
	Appended      uint64  // invalidations put into the log
	AppendErrors  uint64
	Queued        int64  // invalidations waiting for the log
	QueueMerges   uint64 // times the waiting ones were merged into one that names everything

	L2Reads, L2Errors, L2Timeouts uint64
	L2Writes, L2Dropped           uint64 // written; not written: queue full, breaker open or error
	L2Queue, L2QueueBytes         int64  // writes that wait
	Breaker                       string // closed, half-open or open, the worst of all; empty without Redis
	// BreakersClosed, BreakersHalfOpen and BreakersOpen count breakers by state: one before a server, several before the slots of a cluster.
	BreakersClosed, BreakersHalfOpen, BreakersOpen int
	// L2Unreadable counts shared values that are none, by reason; only those met. LogUnreadable counts records of the log that could not be
	// opened and so named everything.
	L2Unreadable  map[string]uint64
	LogUnreadable uint64
	// L2ReadTimes are of single reads, L2WriteTimes of pipelines of writes.
	L2ReadTimes, L2WriteTimes Times
}

// Times is a histogram: UpTo[i] calls took up to Bounds[i], UpTo's last value is of all calls.
type Times struct {
	Bounds []time.Duration
	UpTo   []uint64
	Sum    time.Duration
}

func timesOf(t *remote.Times) Times {
	upTo, sum := t.Snapshot()
	return Times{Bounds: remote.TimeBounds[:], UpTo: upTo[:], Sum: sum}
}

// RedisRights returns the ACL rule of a Redis user that may do what the cache of a namespace needs and nothing else, as it follows the
// password in ACL SETUSER.
func RedisRights(namespace string, cluster bool) string { return remote.Rights(namespace, cluster) }

// Stats returns a snapshot.
func (s *Store) Stats() Stats {
	c, j, st := &s.stats, s.journal.Stats(), s.clock.State()
	out := Stats{
		HitsL1: c.hitsL1.Load(), HitsL2: c.hitsL2.Load(), Stale: c.stale.Load(), Collapsed: c.collapsed.Load(),
		CollapseTimeouts: c.collapseTimeouts.Load(), MissAbsent: c.missAbsent.Load(), MissExpired: c.missExpired.Load(),
		MissInvalid: c.missInvalid.Load(), MissDisconnected: c.missDisconnected.Load(), MissClock: c.missClock.Load(),
		MissCorrupt: c.missCorrupt.Load(), Bypassed: c.bypassed.Load(), Fills: c.fills.Load(), EarlyRefreshes: c.early.Load(),
		Abandoned: c.abandoned.Load(), Stored: c.stored.Load(), RefusedTooBig: c.tooBig.Load(), RefusedLate: c.late.Load(), RefusedTTL: c.noTTL.Load(),
		RefusedPressure: c.pressure.Load(), FloorRaises: st.Raises, Generations: j.Generations, Invalidations: c.asked.Load(),
		Sweeps: s.reclaim.sweeps.Load(), Reclaimed: s.reclaim.reclaimed.Load(),
		Applied: st.Records, Position: st.Applied, Shared: s.link != nil, Connected: s.Connected(), Degraded: s.Degraded(),
		Appended: j.Appended, AppendErrors: j.AppendErrors, Queued: int64(j.Queued), QueueMerges: j.Merges,
	}
	w := &s.warm
	out.Warmed, out.Restored, out.Discarded = w.warmed.Load(), w.restored.Load(), w.discarded.Load()
	out.ColdStarts, out.Published = w.coldStarts.Load(), w.published.Load()
	out.LeasesWon, out.LeasesLost = c.leasesWon.Load(), c.leasesLost.Load()
	out.LeasesShared, out.LeasesVain = c.leasesShared.Load(), c.leasesVain.Load()
	out.Bytes, out.MaxBytes, out.Entries, out.Evicted = s.memory.Stats()
	out.Tombstones, out.PrefixTombstones = s.clock.Counts()
	if contact := s.journal.Contact(); contact != 0 {
		out.LogLagSeconds = float64(s.cfg.Now()-contact) / 1e9
	}
	out.FleetMembers, out.ApplyDelay, out.ApplyDelays = 1, j.Delay, j.Delays
	if s.log != nil {
		out.FleetMembers, out.Trouble = j.Members, s.log.Trouble.Kinds()
		out.FleetAll, out.FleetMissing, out.FleetUnseen = c.fleetAll.Load(), c.fleetMissing.Load(), c.fleetUnseen.Load()
	}
	if v := s.values; v != nil {
		out.L2Reads, out.L2Errors, out.L2Timeouts = v.Reads.Load(), v.Errors.Load(), v.Timeouts.Load()
		out.L2Writes, out.L2Dropped, out.L2Queue = v.Writes.Load(), v.Dropped.Load(), int64(v.Queued())
		out.L2QueueBytes = v.QueuedBytes()
		s.redisStats(&out)
	}
	return out
}

func (s *Store) redisStats(out *Stats) {
	out.BreakersClosed, out.BreakersHalfOpen, out.BreakersOpen = s.values.Breakers(s.cfg.Now())
	switch {
	case out.BreakersOpen > 0:
		out.Breaker = "open"
	case out.BreakersHalfOpen > 0:
		out.Breaker = "half-open"
	default:
		out.Breaker = "closed"
	}
	out.LogUnreadable, out.L2Unreadable = s.link.Unreadable.Load(), map[string]uint64{}
	for why := range s.values.Unreadable {
		if n := s.values.Unreadable[why].Load(); n > 0 {
			out.L2Unreadable[codec.Reasons[why]] = n
		}
	}
	out.L2ReadTimes, out.L2WriteTimes = timesOf(&s.values.ReadTimes), timesOf(&s.values.WriteTimes)
}
