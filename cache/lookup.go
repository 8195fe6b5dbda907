package cache

import (
	"context"
	"errors"
	"time"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/flight"
)

// Lookup looks into both tiers and leads or follows a fill. It waits at most ReadBudget for Redis, and as long as w says for another
// caller's fill.
func (s *Store) Lookup(ctx context.Context, k *Key, now int64, w Wait) Result {
	r, why := Result{}, absent
	if !w.Missed {
		var done bool
		if r, why, done = s.local(k, now); done {
			return r
		}
	}
	if r.State != Fresh && s.flights.Marked(k, now) {
		s.stats.bypassed.Add(1)
		r.Bypass = true
		return r
	}
	mine := s.fillFor(w.Spare)
	f := s.flights.Join(k, now, &mine.flight)
	if f == &mine.flight {
		return s.lead(ctx, mine, k, now, w, r, why)
	}
	mine.spare.Store(true)
	if w.Collapse <= 0 || r.State == Fresh || r.Entry != nil && s.mayAnswer(&r, now) { // a stale entry is better than a wait
		r.Why = why.reason()
		return s.count(r)
	}
	return s.follow(ctx, f, k, now, w, r)
}

// local looks into this process. done is false when the caller should try to lead: nothing, or something that has to be renewed.
func (s *Store) local(k *Key, now int64) (r Result, v verdict, done bool) {
	slot := s.memory.Get(k)
	if slot == nil {
		return r, absent, false
	}
	switch v = s.judge(slot, now); v {
	case fresh:
		r = Result{Entry: &slot.Entry, State: Fresh, Tier: TierL1}
		if slot.Wanted() || s.early(slot, now) {
			r.demand = true
			return r, v, false
		}
		slot.Serve()
		return s.count(r), v, true
	case stale:
		return Result{Entry: &slot.Entry, State: Stale, Tier: TierL1, demand: slot.Served()}, v, false
	}
	r.demand = slot.Served()
	s.discard(slot, v)
	return r, v, false
}

// discard lets go of a slot that may never be served again; other reasons may pass.
func (s *Store) discard(slot *entry.Slot, v verdict) {
	if v == expired || v == invalid {
		s.missed.note(slot)
		s.memory.Delete(slot)
	}
}

func (s *Store) miss(v verdict) {
	switch v {
	case absent:
		s.stats.missAbsent.Add(1)
	case expired:
		s.stats.missExpired.Add(1)
	case invalid:
		s.stats.missInvalid.Add(1)
	case disconnected:
		s.stats.missDisconnected.Add(1)
	case fromFuture:
		s.stats.missClock.Add(1)
	}
}

func (v verdict) reason() Reason {
	switch v {
	case expired:
		return Expired
	case invalid:
		return Invalid
	case disconnected:
		return Disconnected
	case fromFuture:
		return ClockJumped
	}
	return Absent
}

func (s *Store) count(r Result) Result {
	switch {
	case r.Entry == nil:
		return r
	case r.Tier == TierL2:
		s.stats.hitsL2.Add(1)
	default:
		s.stats.hitsL1.Add(1)
	}
	if r.State == Stale {
		s.stats.stale.Add(1)
	}
	if r.Collapsed {
		s.stats.collapsed.Add(1)
	}
	return r
}

// lead is for the caller that leads the flight: it asks the shared tier, and gets a Fill when that has nothing fresh. why is what the look
// into this process found.
func (s *Store) lead(ctx context.Context, f *Fill, k *Key, now int64, w Wait, r Result, why verdict) Result {
	// Another flight may have ended between the look into this process and the start of this one.
	recent := s.memory.Recent(k)
	if recent != nil && &recent.Entry != r.Entry {
		switch v := s.judge(recent, now); {
		case v == fresh:
			f.end(recent, 0)
			return s.count(Result{Entry: &recent.Entry, State: Fresh, Tier: TierL1})
		case v == stale && r.Entry == nil:
			r = Result{Entry: &recent.Entry, State: Stale, Tier: TierL1, demand: r.demand || recent.Served()}
		case r.Entry == nil:
			s.discard(recent, v)
			r.demand, why = r.demand || recent.Served(), v
		}
	}
	wanted := w.Lease && s.leases != nil && (r.demand || r.Entry == nil && s.missed.take(k) || s.flights.Followed(&f.flight))
	nothing := why == absent && recent == nil
	if r.State != Fresh || wanted {
		slot, v := s.fromShared(ctx, k, now)
		switch {
		case slot == nil:
		case v == fresh && (r.State != Fresh || r.Entry.Created < slot.Created):
			return s.fromElsewhere(f, slot, nothing)
		case v == stale && r.State != Fresh && (r.Entry == nil || r.Entry.Created < slot.Created):
			slot.Ask()
			s.memory.Put(slot, nothing) // which remembers when it was softly invalidated first
			r, nothing = Result{Entry: &slot.Entry, State: Stale, Tier: TierL2, demand: r.demand}, false
		}
		if r.Entry == nil && v != absent { // one miss, for the reason found last
			why = v
		}
	}
	if wanted {
		if out, elsewhere := s.leased(ctx, f, k, now, r); elsewhere {
			return out
		}
	}
	switch {
	case r.State == Fresh:
		s.stats.early.Add(1)
	case r.Entry == nil:
		s.miss(why)
		r.Why = why.reason()
	}
	r.Fill = f.begin(nothing && r.State != Fresh)
	return s.count(r)
}

// fromElsewhere ends the flight with an entry of the shared tier.
func (s *Store) fromElsewhere(f *Fill, slot *entry.Slot, nothing bool) Result {
	slot.Ask()
	s.memory.Put(slot, nothing)
	f.end(slot, 0)
	return s.count(Result{Entry: &slot.Entry, State: Fresh, Tier: TierL2})
}

// fromShared reads the shared tier. Before the log was read, and after contact with it was lost, nothing shared can be judged.
func (s *Store) fromShared(ctx context.Context, k *Key, now int64) (*entry.Slot, verdict) {
	if s.shared == nil || !s.journal.Synced() || s.lost(s.journal.Contact(), now) {
		return nil, absent
	}
	slot, err := s.shared.Get(ctx, k, s.clock.Hash)
	if errors.Is(err, codec.ErrCorrupt) {
		s.stats.missCorrupt.Add(1)
	}
	if err != nil || slot == nil {
		return nil, absent
	}
	v := s.judge(slot, now)
	if v != fresh && v != stale {
		return nil, v
	}
	s.schedule(slot, now)
	return slot, v
}

// follow waits for another caller's fill. r is what may be served when the upstream fails, if anything.
func (s *Store) follow(ctx context.Context, f *flight.Flight, k *Key, now int64, w Wait, r Result) Result {
	timer := s.pace.Timer(ctx, w.Collapse)
	defer timer.Stop()
	for {
		select {
		case <-f.Done():
		case <-timer.C:
			s.stats.collapseTimeouts.Add(1)
			r.Why = Unanswered
			return s.count(r)
		case <-ctx.Done():
			r.Why = Unanswered
			return s.count(r)
		}
		if slot := f.Slot(); slot != nil {
			now = max(now, slot.Created) // time has passed
			switch s.judge(slot, now) {
			case fresh:
				return s.count(Result{Entry: &slot.Entry, State: Fresh, Tier: TierL1, Collapsed: true})
			case stale:
				return s.count(Result{Entry: &slot.Entry, State: Stale, Tier: TierL1, Collapsed: true})
			}
		}
		// No result, or one that was invalidated meanwhile: the first to come leads again, unless the key was marked.
		if s.flights.Marked(k, now) {
			s.stats.bypassed.Add(1)
			r.Bypass = true
			return r
		}
		mine := &Fill{s: s}
		if f = s.flights.Join(k, now, &mine.flight); f == &mine.flight {
			return s.lead(ctx, mine, k, now, w, r, absent)
		}
	}
}

// Servable reports whether an entry that was looked up before may be served at unix ns now, fresh or stale: it may have been invalidated
// meanwhile.
func (s *Store) Servable(e *Entry, now int64) bool {
	v := s.judge(entry.Of(e), now)
	return v == fresh || v == stale
}

// StaleFrom is from when on an entry that was looked up may answer as a stale one only, unix ns: the end of its fresh time, or its first soft
// invalidation that this process has noticed.
func StaleFrom(e *Entry) int64 { return entry.Of(e).StaleFrom() }

// Unsettled reports whether one of the tags was invalidated, here or elsewhere in the fleet, within the given time before unix ns now: what
// the origin answers may still be of before, for its replicas lag.
func (s *Store) Unsettled(tags TagSource, within time.Duration, now int64) bool {
	return s.clock.Recent(tags, within, now)
}
