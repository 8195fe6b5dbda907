package cache

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/flight"
)

// Fill is the right, and the duty, to fill one key. It remembers the position of the log at which it began: what was invalidated since
// then invalidates the entry too, here and everywhere.
type Fill struct {
	s      *Store
	flight flight.Flight
	origin entry.Origin
	absent bool        // nothing was stored under the key when the fill began
	leased bool        // this process fetches for the fleet
	kept   entry.Entry // the numbers and times of what became of it
	// spare says that it has ended and nobody has followed it: who had it last may have it again (Wait.Spare).
	spare atomic.Bool
}

// fillFor returns a fill for a look-up, of memory used before where that is no longer in use.
func (s *Store) fillFor(spare *Fill) *Fill {
	if spare == nil || !spare.spare.CompareAndSwap(true, false) {
		return &Fill{s: s}
	}
	*spare = Fill{s: s}
	return spare
}

// end ends the flight. The fill must not be used after that.
func (f *Fill) end(slot *entry.Slot, until int64) {
	f.s.flights.End(&f.flight, slot, until)
	f.spare.Store(f.flight.Alone())
}

// begin is called by the one who leads, before the fetch.
func (f *Fill) begin(absent bool) *Fill {
	f.s.stats.fills.Add(1)
	f.origin, f.absent = f.s.clock.Origin(), absent
	return f
}

// Abandon gives the fill up and wakes the followers; with a positive duration the key is marked as not cacheable for it.
func (f *Fill) Abandon(hitForMiss time.Duration) {
	if first, _ := f.flight.Claim(); !first {
		return
	}
	until := int64(0)
	if hitForMiss > 0 {
		until = f.s.cfg.Now() + int64(hitForMiss)
	}
	f.s.stats.abandoned.Add(1)
	f.end(nil, until)
}

// Complete stores the answer and wakes the followers. It returns nil when the answer was not stored: too big, no time to live,
// invalidated while it was fetched, or so late (MaxFill) that another caller leads the key. Those who wait get an answer that is too big or
// too late all the same.
// With TimesOnly the entry that is returned has no content, and is gone when the Fill is used again.
func (f *Fill) Complete(d *Draft, now int64) *Entry {
	s := f.s
	first, current := f.flight.Claim()
	if !first {
		return nil
	}
	life, hard := s.lives(d)
	if life <= 0 {
		s.stats.noTTL.Add(1)
		f.end(nil, 0)
		return nil
	}
	draft := entry.Draft{
		Entry: entry.Entry{
			Digest: f.flight.Key(), Head: d.Head, Body: d.Body, Created: now, Soft: now + int64(life), Hard: now + int64(hard),
			FetchMicros: d.FetchMicros, Worth: d.Worth, Negative: d.Negative, Private: d.Private,
		},
		Origin: f.origin, Unkept: d.unkept, Spares: s.memory.Spares(),
	}
	if d.Tags != nil {
		draft.Tags = d.Tags
	}
	slot := entry.Build(&draft, s.clock.Hash)
	if f.leased {
		slot.Lease()
	}
	s.schedule(slot, now)
	if d.Ahead > 0 && s.cfg.EarlyRefresh > 0 {
		slot.Early = min(slot.Early, slot.Soft-int64(min(d.Ahead, life/2)))
	}
	if v := s.judge(slot, now); v != fresh && v != stale {
		s.miss(v)
		f.end(nil, 0)
		return nil
	}
	if slot.Cost > s.cfg.MaxEntryBytes {
		s.stats.tooBig.Add(1)
		f.end(slot, 0)
		return nil
	}
	if !current {
		s.stats.late.Add(1)
		f.end(slot, 0)
		return nil
	}
	// What was put may leave at once, and its memory serve the next fill.
	share := s.shared != nil && slot.Epoch != 0
	if share {
		slot.Queue()
	}
	if slot.Make(); !d.TimesOnly {
		slot.Pin()
	}
	if !s.memory.Put(slot, f.absent) {
		s.stats.pressure.Add(1)
	}
	kept := &slot.Entry
	if d.TimesOnly {
		kept = &f.kept
		*kept = draft.Entry
		kept.Head, kept.Body = nil, nil
	}
	f.end(slot, 0)
	s.stats.stored.Add(1)
	if s.leases != nil && d.FetchMicros > 0 {
		s.fetches.saw(d.FetchMicros)
	}
	if share {
		s.shared.Put(slot)
	}
	s.memory.Done(slot)
	return kept
}

// lives returns how long an answer is fresh, and how long it may be served at all.
func (s *Store) lives(d *Draft) (fresh, total time.Duration) {
	fresh = min(d.TTL, s.cfg.Retention)
	if s.cfg.Jitter > 0 {
		fresh -= time.Duration(float64(fresh) * s.cfg.Jitter * rand.Float64())
	}
	total = fresh
	if !d.Private && d.StaleFor > 0 {
		total = min(fresh+d.StaleFor, s.cfg.Retention)
	}
	return fresh, max(total, fresh)
}

// schedule sets the time from which one reader refreshes the slot (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal probabilistic
// cache stampede prevention", 2015). The draw is made once for the slot instead of with each read.
func (s *Store) schedule(slot *entry.Slot, now int64) {
	slot.Early = math.MaxInt64
	if s.cfg.EarlyRefresh <= 0 || slot.Soft <= now {
		return
	}
	lead := int64(s.cfg.EarlyRefresh * float64(slot.FetchMicros) * 1000 * rand.ExpFloat64())
	if lead < (slot.Soft-now)/2 { // an answer that lives hardly longer than its fetch is not refreshed early
		slot.Early = slot.Soft - lead
	}
}
