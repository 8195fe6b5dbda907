package cache

import (
	"cmp"
	"context"
	"errors"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/saved"
)

const (
	popularEvery = 30 * time.Second
	popularKeys  = 512  // of one process, each time
	popularKept  = 4096 // of the fleet
	warmReaders  = 16
	// warmShare is how much of the memory is filled before anything was asked: the rest is for what is.
	warmShare  = 0.75
	syncedPoll = 5 * time.Millisecond
)

// warming counts what a start brought along.
type warming struct {
	warmed, restored, discarded, coldStarts, published atomic.Uint64
}

// publish tells the fleet now and then which entries are asked for most here, until ctx ends, and then once more: another process may start in
// the place of this one.
func (s *Store) publish(ctx context.Context) {
	tick := time.NewTicker(popularEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.publishPopular(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			s.publishPopular(ctx)
		}
	}
}

// publishPopular tells it once. What is more popular is kept for longer in the fleet's list, and each telling moves the keys up.
func (s *Store) publishPopular(ctx context.Context) {
	hot := s.memory.Popular(popularKeys)
	if len(hot) == 0 {
		return
	}
	scores := make([]int64, len(hot))
	keys := make([]*Key, len(hot))
	now := s.cfg.Now() / int64(time.Second)
	for i, p := range hot {
		keys[i], scores[i] = &p.Slot.Digest, now+2*int64(bits.Len32(p.Uses))
	}
	if n := s.values.PublishPopular(ctx, keys, scores, popularKept); n > 0 {
		s.warm.published.Add(uint64(n))
	}
}

// WarmUp takes into this process what the fleet asks for most, as far as it is in the shared tier and valid, until ctx ends or there is no
// more. It returns how many entries came. Without Redis, and while it is down, none do.
func (s *Store) WarmUp(ctx context.Context) (n int) {
	if s.values == nil || !s.awaitLog(ctx) {
		return 0
	}
	keys := s.values.Popular(ctx, popularKept)
	var next atomic.Int64
	var warmed atomic.Uint64
	var work sync.WaitGroup
	for range warmReaders {
		work.Go(func() {
			for ctx.Err() == nil && s.room() {
				i := int(next.Add(1)) - 1
				if i >= len(keys) {
					return
				}
				if s.memory.Get(&keys[i]) != nil {
					continue
				}
				slot, v := s.fromShared(ctx, &keys[i], s.cfg.Now())
				if slot != nil && v == fresh && s.memory.Put(slot, false) {
					warmed.Add(1)
				}
			}
		})
	}
	work.Wait()
	s.warm.warmed.Add(warmed.Load())
	return int(warmed.Load())
}

// room reports whether more may be brought along.
func (s *Store) room() bool {
	used, limit, _, _ := s.memory.Stats()
	return float64(used) < warmShare*float64(limit)
}

// awaitLog waits until all of the log that matters was read: before it nothing of other processes, or of an earlier one, can be judged.
func (s *Store) awaitLog(ctx context.Context) bool {
	tick := time.NewTicker(syncedPoll)
	defer tick.Stop()
	for !s.journal.Synced() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// Save writes what this process holds and may still serve to a file that Restore reads, most used first. Call it when nothing is served any
// more. It does nothing without a shared log: a later process could not tell what was invalidated meanwhile. Private answers are left out.
func (s *Store) Save(path, name string) (n int, err error) {
	if s.link == nil || s.clock.State().Epoch == 0 {
		return 0, nil
	}
	now := s.cfg.Now()
	var slots []*entry.Slot
	s.memory.Held().Each(func(slot *entry.Slot) {
		if v := s.judge(slot, now); v == fresh && !slot.Private && slot.Pin() {
			slots = append(slots, slot)
		}
	})
	slices.SortStableFunc(slots, func(a, b *entry.Slot) int { return cmp.Compare(b.Uses.Load(), a.Uses.Load()) })
	st := s.clock.State()
	return saved.Write(path, s.codec, &saved.Head{Name: s.cfg.Namespace + "\n" + name, Epoch: st.Epoch, AsOf: st.Applied}, slots, s.cfg.MaxBytes)
}

// Restore takes the entries of a file that Save wrote as far as they are valid: the log of the fleet is read first, and an entry whose
// invalidation it may no longer know is discarded. A file that is damaged, cut off or of another cache counts as a cold start. It returns how
// many entries came.
func (s *Store) Restore(ctx context.Context, path, name string) (n int, err error) {
	if s.link == nil || !s.awaitLog(ctx) {
		return 0, nil
	}
	now := s.cfg.Now()
	_, err = saved.Read(path, s.codec, s.cfg.Namespace+"\n"+name, s.cfg.MaxBytes, s.clock.Hash, func(slot *entry.Slot) {
		if v := s.judge(slot, now); v != fresh || slot.Cost > s.cfg.MaxEntryBytes || !s.room() || s.memory.Recent(&slot.Digest) != nil {
			s.warm.discarded.Add(1)
			return
		}
		s.schedule(slot, now)
		if s.memory.Put(slot, false) {
			n++
		}
	})
	if errors.Is(err, saved.ErrForeign) {
		s.warm.coldStarts.Add(1)
	}
	s.warm.restored.Add(uint64(n))
	return n, err
}
