package cache

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/flight"
	"github.com/weirproxy/weir/cache/internal/journal"
	"github.com/weirproxy/weir/cache/internal/memory"
	"github.com/weirproxy/weir/cache/internal/remote"
	"github.com/weirproxy/weir/cache/internal/tombstone"
)

// Store is the cache. All methods are safe for concurrent use.
type Store struct {
	cfg     Config
	clock   *tombstone.Clock
	journal *journal.Journal
	memory  *memory.Memory
	flights *flight.Group
	codec   *codec.Codec   // nil without Redis
	link    *remote.Link   // nil without Redis
	values  *remote.Values // nil without Redis
	log     *remote.Log    // nil without Redis
	id      string         // unique to this process
	leases  leaser         // nil without Redis
	pace    pace
	fetches fetchTime
	missed  missed
	shared  tier // values, as fills and look-ups see them; nil without Redis
	reclaim *reclaimer
	stats   counters
	warm    warming
}

// tier is the values that a fleet shares.
type tier interface {
	// Get reads a value within its own budget and hashes its tags; nil when there is none.
	Get(ctx context.Context, k *Key, hash func([]byte) uint64) (*entry.Slot, error)
	// Put writes a value some time later, or drops it.
	Put(slot *entry.Slot)
}

// leaser lets one process of the fleet lead.
type leaser interface {
	// Lease takes the right to fetch a key, for a time. It waits for no longer than a read does, and reports false only when another
	// process has it.
	Lease(ctx context.Context, k *Key, d time.Duration) bool
}

type counters struct {
	leasesWon, leasesLost, leasesShared, leasesVain atomic.Uint64

	hitsL1, hitsL2, stale, collapsed, collapseTimeouts                                                                   atomic.Uint64
	missAbsent, missExpired, missInvalid, missDisconnected, missClock, missCorrupt                                       atomic.Uint64
	bypassed, fleetAll, fleetMissing, fleetUnseen, fills, early, abandoned, stored, tooBig, late, noTTL, pressure, asked atomic.Uint64
}

// Open checks the configuration and returns a store. It never fails because Redis is down.
func Open(cfg Config) (*Store, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	var seed [16]byte
	_, _ = rand.Read(seed[:])
	m, err := memory.Open(cfg.MaxBytes)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, memory: m, clock: tombstone.New(cfg.MaxTombstones, binary.LittleEndian.Uint64(seed[:])),
		flights: flight.New(int64(cfg.MaxFill), cfg.MaxMarkers), pace: wall{time.Now()},
	}
	s.id = hex.EncodeToString(seed[8:])
	s.clock.Time(cfg.Now)
	j := journal.Config{
		Clock: s.clock, Author: s.id, Queue: cfg.AppendQueue, QueueTags: 64 * cfg.AppendQueue, Join: cfg.LogRecords,
		Retention: cfg.Retention, Lost: cfg.DisconnectedAfter, Now: cfg.Now, Logger: cfg.Logger,
	}
	if len(cfg.Redis) > 0 {
		if s.codec, err = cfg.codec(); err != nil {
			return nil, err
		}
		s.link = remote.New(remote.Config{
			Addresses: cfg.Redis, Master: cfg.RedisMaster, Cluster: cfg.RedisCluster, Username: cfg.RedisUsername, Password: cfg.RedisPassword,
			SentinelUsername: cfg.SentinelUsername, SentinelPassword: cfg.SentinelPassword, TLS: cfg.RedisTLS, DB: cfg.RedisDB,
			Namespace: cfg.Namespace, Codec: s.codec, Logger: cfg.Logger,
		})
		s.values = remote.NewValues(s.link, remote.ValuesConfig{
			Namespace: cfg.Namespace, Queue: cfg.WriteQueue, QueueBytes: cfg.MaxBytes / 4, ReadBudget: cfg.ReadBudget, WriteBudget: cfg.WriteBudget,
			Now: cfg.Now, Valid: func(slot *entry.Slot) bool { return s.clock.Check(slot)&entry.MarkDead == 0 }, Done: s.memory.Written,
		})
		s.shared, s.leases = s.values, s.values
		s.log = remote.NewLog(s.link, cfg.Namespace, cfg.LogRecords, s.member())
		j.Source = s.log
	}
	s.journal = journal.New(j)
	s.reclaim = newReclaimer(s)
	return s, nil
}

// Run does the background work until ctx ends: the log's reader and appender, the connection, writes to the shared tier, and giving the
// memory of invalid entries back.
func (s *Store) Run(ctx context.Context) error {
	var work sync.WaitGroup
	work.Go(func() { s.reclaim.run(ctx) })
	if s.link != nil {
		work.Go(func() { s.link.Run(ctx) })
		work.Go(func() { s.values.Run(ctx) })
		work.Go(func() { s.journal.Run(ctx) })
		if s.cfg.Popular {
			work.Go(func() { s.publish(ctx) })
		}
	}
	work.Wait()
	if s.log != nil {
		s.log.Leave(ctx)
	}
	return nil
}

// Close releases the store. Call it after Run has returned.
func (s *Store) Close() error {
	if s.link != nil {
		s.link.Close()
	}
	s.memory.Close()
	return nil
}

// Shared reports whether there is a tier that a fleet shares.
func (s *Store) Shared() bool { return s.shared != nil }

// Connected reports whether the log is read, so that what others invalidate counts here at once; true without Redis.
func (s *Store) Connected() bool {
	return s.journal.Live() && !s.Degraded()
}

// News grows with each invalidation that this process obeys: two calls that return the same had none between them.
func (s *Store) News() uint64 { return s.clock.State().Seq }

// Degraded reports whether the store has been without the log for longer than DisconnectedAfter.
func (s *Store) Degraded() bool { return s.DegradedAt(s.cfg.Now()) }

// DegradedAt is Degraded for a caller that knows the time, unix ns: it is on the path of every hit.
func (s *Store) DegradedAt(now int64) bool { return s.lost(s.journal.Contact(), now) }

// lost reports whether a contact is too long ago. One that lies in the future was read by a clock that has jumped.
func (s *Store) lost(contact, now int64) bool {
	return contact != 0 && (now-contact > int64(s.cfg.DisconnectedAfter) || contact > now+maxSkew)
}

// AloneUntil is until when, unix ns, an entry is served at the latest if the log stays away: what DegradedAt means for it.
func (s *Store) AloneUntil(e *Entry, now int64) int64 {
	return s.aloneUntil(e, s.journal.Contact(), now)
}

// aloneUntil counts from when invalidations of others may have been missed: since the last contact, or since the entry's fill began.
func (s *Store) aloneUntil(e *Entry, contact, now int64) int64 {
	since := e.Created - int64(e.FetchMicros)*1000
	if contact <= now {
		since = max(since, contact)
	}
	return since + int64(s.cfg.DisconnectedTTL)
}

// verdict says what may be done with a slot.
type verdict uint8

const (
	fresh verdict = iota
	stale
	expired
	invalid
	disconnected
	fromFuture
	absent // there is no slot to decide about
)

// maxSkew is how far a slot of another process may lie in the future.
const maxSkew = int64(5 * time.Second)

// judge decides about a slot at unix ns now. A hit without news costs two compares.
func (s *Store) judge(slot *entry.Slot, now int64) verdict {
	mark := slot.Mark.Load()
	if mark != s.clock.State().Mark {
		flags := s.clock.Check(slot)
		if flags&entry.MarkDead != 0 {
			return invalid
		}
		mark = flags & entry.MarkSoft
	} else {
		mark = 0
	}
	if slot.Created > now+maxSkew {
		return fromFuture
	}
	if contact := s.journal.Contact(); s.lost(contact, now) && now > s.aloneUntil(&slot.Entry, contact, now) {
		return disconnected
	}
	switch {
	case mark != 0 && now >= slot.End():
		return expired
	case now >= slot.Hard:
		return expired
	case now >= slot.Soft || mark != 0:
		return stale
	}
	return fresh
}

// early reports, to one caller, that a fresh slot should be refreshed.
func (s *Store) early(slot *entry.Slot, now int64) bool {
	return now >= slot.Early && s.cfg.EarlyRefresh > 0 && slot.Want()
}

// Get looks into this process only. It allocates nothing. Stale asks for Lookup: the entry has expired, or is so near its end that one
// caller should refresh it.
func (s *Store) Get(k *Key, now int64) (*Entry, State) {
	slot := s.memory.Get(k)
	if slot == nil {
		return nil, Miss
	}
	switch s.judge(slot, now) {
	case fresh:
		if s.early(slot, now) {
			return &slot.Entry, Stale
		}
		slot.Serve()
		s.stats.hitsL1.Add(1)
		return &slot.Entry, Fresh
	case stale:
		return &slot.Entry, Stale
	}
	return nil, Miss
}
