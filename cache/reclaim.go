package cache

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/glob"
	"github.com/weirproxy/weir/cache/internal/tombstone"
)

// Reach is what an invalidation made invalid, or with Soft stale, in this process.
type Reach struct {
	// Counted is false when there was no time to look: the invalidation counts all the same.
	Counted  bool
	Entries  int64
	Tags     []int64 // entries of each name, in the order of Invalidation
	Prefixes []int64
	Patterns []int64
}

const (
	// sweepPause gathers invalidations for one sweep: entries that are not valid wait at least so long for their memory.
	sweepPause = 100 * time.Millisecond
	// restShare is how many times as long as a walk the next one waits: walks take a third of one core at most, however many
	// invalidations there are.
	restShare = 2
	// countTime bounds how long an invalidation waits to be counted.
	countTime = 500 * time.Millisecond
	// sweepPatience bounds how long invalidations that are counted hold up the sweep.
	sweepPatience = time.Second
)

// reclaimer is the one goroutine that walks the entries of this process: to give the memory of those that became invalid back, and to count
// what an invalidation reached. No request waits for it.
type reclaimer struct {
	s     *Store
	wake  chan struct{} // news, or a count that was asked for
	begun atomic.Bool   // Run runs
	// asking are invalidations that will want to be counted: nothing may be swept away before they are.
	asking atomic.Int32

	mu     sync.Mutex
	counts []*count

	since time.Time // when the sweep that is due was put off first; zero: none is due

	sweeps, reclaimed atomic.Uint64
	took              atomic.Int64 // ns of the last walk
}

// count is one invalidation to be counted.
type count struct {
	names  *tombstone.Names
	tags   map[uint64]int // index of a tag by its hash
	obeyed atomic.Bool
	reach  Reach // guarded by the reclaimer's lock until done
	done   chan struct{}
}

func (c *count) ready() bool { return c.obeyed.Load() }

func newReclaimer(s *Store) *reclaimer {
	r := &reclaimer{s: s, wake: make(chan struct{}, 1)}
	s.clock.Report(&tombstone.News{Holds: func(h uint64) bool { return s.memory.Held().Holds(h) }, Tell: r.poke})
	return r
}

func (r *reclaimer) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reclaimer) run(ctx context.Context) {
	r.begun.Store(true)
	defer r.begun.Store(false)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		for more := true; more && ctx.Err() == nil; {
			more = r.round(ctx)
		}
	}
}

// round does what there is to do and reports whether it was cut short.
func (r *reclaimer) round(ctx context.Context) (more bool) {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	overdue := time.Since(r.since) > sweepPatience
	if r.waiting() {
		r.count(ctx)
		if !overdue {
			return true
		}
	}
	if !overdue && !r.pause(ctx, max(sweepPause, restShare*time.Duration(r.took.Load()))) {
		return true
	}
	if !r.sweep(ctx, overdue) {
		return true
	}
	r.since = time.Time{}
	return false
}

// pause waits for more invalidations; false when somebody wants to be counted first.
func (r *reclaimer) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		if r.waiting() {
			return false
		}
		select {
		case <-timer.C:
			return r.asking.Load() == 0
		case <-r.wake: // part of the sweep that follows
		case <-ctx.Done():
			return true
		}
	}
}

// waiting reports whether an invalidation that is obeyed waits to be counted.
func (r *reclaimer) waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.counts, (*count).ready)
}

// sweep removes entries that are not valid any more, or too old to be served, and reports whether it came to the end. Unless it is overdue it
// makes way for who wants to be counted.
func (r *reclaimer) sweep(ctx context.Context, overdue bool) (whole bool) {
	s, now, begin := r.s, r.s.cfg.Now(), time.Now()
	removed := false
	whole = s.memory.Held().Walk(func(slot *entry.Slot) bool {
		if !overdue && r.asking.Load() > 0 || ctx.Err() != nil {
			return false
		}
		if s.clock.Check(slot)&entry.MarkDead != 0 || now >= slot.End() {
			s.missed.note(slot)
			s.memory.Delete(slot)
			r.reclaimed.Add(1)
			removed = true
		}
		return true
	}, func() {
		if removed { // that takes the lock under which requests store their entries
			rest(ctx, breath)
		}
		removed = false
	})
	r.walked(begin)
	return whole || ctx.Err() != nil
}

// breath is a rest within a sweep.
const breath = 50 * time.Microsecond

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (r *reclaimer) walked(begin time.Time) {
	r.sweeps.Add(1)
	r.took.Store(int64(time.Since(begin)))
}

// count walks once for all invalidations that are obeyed. Others are obeyed meanwhile: what is found of theirs is counted too, and the rest
// of it by the next walk.
func (r *reclaimer) count(ctx context.Context) {
	begin := time.Now()
	r.mu.Lock()
	var list []*count
	for _, c := range r.counts {
		if c.ready() {
			list = append(list, c)
		}
	}
	r.mu.Unlock()
	r.s.memory.Held().Walk(func(slot *entry.Slot) bool {
		before := slot.Mark.Load() & (entry.MarkDead | entry.MarkSoft)
		if before&entry.MarkDead == 0 && !slot.Left.Load() && r.s.clock.Check(slot)&^before != 0 {
			r.attribute(slot)
		}
		return ctx.Err() == nil
	}, func() {})
	r.walked(begin)
	r.mu.Lock()
	r.counts = slices.DeleteFunc(r.counts, func(c *count) bool { return slices.Contains(list, c) })
	r.mu.Unlock()
	for _, c := range list {
		close(c.done)
	}
	r.poke() // what was counted is not swept yet
	rest(ctx, restShare*time.Since(begin))
}

// attribute counts a slot for every invalidation and name that it goes by.
func (r *reclaimer) attribute(slot *entry.Slot) {
	if !slot.Pin() { // it left
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.counts {
		if c.names.All || c.add(slot) {
			c.reach.Entries++
		}
	}
}

// add counts a slot for every name that it goes by, and reports whether there is one.
func (c *count) add(slot *entry.Slot) (any bool) {
	for _, h := range slot.Hashes {
		if i, ok := c.tags[h]; ok {
			c.reach.Tags[i]++
			any = true
		}
	}
	for i, text := range c.names.Prefixes {
		if anyTag(slot, func(tag []byte) bool { return glob.HasPrefix(text, tag) }) {
			c.reach.Prefixes[i]++
			any = true
		}
	}
	for i, text := range c.names.Patterns {
		if anyTag(slot, func(tag []byte) bool { return glob.Match(text, tag) }) {
			c.reach.Patterns[i]++
			any = true
		}
	}
	return any
}

func anyTag(slot *entry.Slot, is func([]byte) bool) bool {
	for i := range slot.Tags.Len() {
		if is(slot.Tags.At(i)) {
			return true
		}
	}
	return false
}

// asked returns the count of an invalidation, which is not obeyed yet.
func (r *reclaimer) asked(n *tombstone.Names) (c *count, reaches bool) {
	c = &count{names: n, tags: make(map[uint64]int, len(n.Tags)), done: make(chan struct{}), reach: Reach{
		Counted: true, Tags: make([]int64, len(n.Tags)), Prefixes: make([]int64, len(n.Prefixes)), Patterns: make([]int64, len(n.Patterns)),
	}}
	reaches = n.All || len(n.Prefixes)+len(n.Patterns) > 0
	for i, tag := range n.Tags {
		h := r.s.clock.Hash([]byte(tag))
		reaches = reaches || r.s.memory.Held().Holds(h)
		c.tags[h] = i
	}
	return c, reaches
}

// counted obeys an invalidation by obey and returns what it reached. Of names that nobody has cached that is known at once.
func (r *reclaimer) counted(ctx context.Context, n *tombstone.Names, obey func()) Reach {
	if !r.begun.Load() {
		obey()
		return Reach{}
	}
	c, reaches := r.asked(n)
	if !reaches {
		obey()
		return c.reach
	}
	r.asking.Add(1)
	defer r.asking.Add(-1)
	r.mu.Lock()
	r.counts = append(r.counts, c)
	r.mu.Unlock()
	obey()
	c.obeyed.Store(true)
	r.poke()
	timer := time.NewTimer(countTime)
	defer timer.Stop()
	select {
	case <-c.done:
		return c.reach
	case <-timer.C:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts = slices.DeleteFunc(r.counts, func(o *count) bool { return o == c })
	return Reach{}
}
