package cache

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// A key that is in demand is in demand everywhere, so when its entry ends, all processes of a fleet would fetch it at once. One of them gets
// a lease in Redis and does; the others serve the stale entry where they may, else wait a little for what it puts into the shared tier, else
// go to the origin as if there were no lease. A lease is only advice: losing it, or Redis, adds a wait with an end and nothing else.

// leased asks for the lease of a key in demand of which the shared tier has nothing fresh. elsewhere says that the result answers the
// look-up and that the flight has ended: another process fetches, and there is something to answer with meanwhile.
func (s *Store) leased(ctx context.Context, f *Fill, k *Key, now int64, r Result) (_ Result, elsewhere bool) {
	p95 := s.fetches.p95()
	if s.leases.Lease(ctx, k, 2*p95) {
		s.stats.leasesWon.Add(1)
		f.leased = true
		return r, false
	}
	s.stats.leasesLost.Add(1)
	if r.State == Fresh || r.Entry != nil && s.mayAnswer(&r, now) {
		f.end(nil, 0)
		r.Elsewhere = true
		return s.count(r), true
	}
	if slot := s.await(ctx, k, now, p95); slot != nil {
		s.stats.leasesShared.Add(1)
		return s.fromElsewhere(f, slot, false), true
	}
	s.stats.leasesVain.Add(1)
	return r, false
}

// mayAnswer reports whether a stale entry may answer while it is fetched.
func (s *Store) mayAnswer(r *Result, now int64) bool {
	if s.cfg.Revalidates == nil {
		return true
	}
	d := s.cfg.Revalidates(r.Entry)
	return d > 0 && now-StaleFrom(r.Entry) <= int64(d)
}

// await looks for the entry in the shared tier until it is there or the time is over.
func (s *Store) await(ctx context.Context, k *Key, now int64, limit time.Duration) *entry.Slot {
	every := min(max(limit/8, 2*time.Millisecond), 50*time.Millisecond)
	for begun, waited := s.pace.Now(), time.Duration(0); waited < limit; {
		if !s.pace.Sleep(ctx, min(every, limit-waited)) {
			return nil
		}
		waited = time.Duration(s.pace.Now() - begun)
		if slot, v := s.fromShared(ctx, k, now+int64(waited)); slot != nil && v == fresh {
			return slot
		}
	}
	return nil
}

// fetchTime follows the 95th percentile of how long fetches take: each that is longer raises it by 19 steps, each that is shorter lowers it
// by one. A lost update changes little.
type fetchTime struct{ us atomic.Int64 }

const (
	firstFetch = 200 * time.Millisecond // before anything was fetched
	shortFetch = 20 * time.Millisecond
	longFetch  = 5 * time.Second
)

func (t *fetchTime) saw(micros uint32) {
	q := t.us.Load()
	if q == 0 {
		q = int64(firstFetch / time.Microsecond)
	}
	step := q/256 + 1
	if int64(micros) > q {
		q += 19 * step
	} else {
		q -= step
	}
	t.us.Store(max(q, 1))
}

// p95 is within bounds that make sense for a wait.
func (t *fetchTime) p95() time.Duration {
	q := t.us.Load()
	if q == 0 {
		return firstFetch
	}
	return min(max(time.Duration(q)*time.Microsecond, shortFetch), longFetch)
}

// missed remembers keys in demand whose entries are gone. A key that is forgotten for another one is fetched without a lease.
type missed [4096]atomic.Uint64

func (m *missed) of(k *Key) (*atomic.Uint64, uint64) {
	h := binary.LittleEndian.Uint64(k[:])
	return &m[binary.LittleEndian.Uint64(k[8:])%uint64(len(m))], h | 1
}

func (m *missed) note(slot *entry.Slot) {
	if slot.Served() {
		place, h := m.of(&slot.Digest)
		place.Store(h)
	}
}

// take reports whether the key is remembered, and forgets it.
func (m *missed) take(k *Key) bool {
	place, h := m.of(k)
	return place.Load() == h && place.CompareAndSwap(h, 0)
}
