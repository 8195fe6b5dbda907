package tombstone

import (
	"sync"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// Names is what one invalidation names. The clock does not keep it.
type Names struct {
	Tags, Prefixes, Patterns []string
	Soft, All                bool
}

// Empty reports whether nothing is named.
func (n *Names) Empty() bool { return !n.All && n.Len() == 0 }

// Len is how many names there are.
func (n *Names) Len() int { return len(n.Tags) + len(n.Prefixes) + len(n.Patterns) }

// State is an immutable view of the clock.
type State struct {
	Seq     uint64         // local sequence, from 1
	Mark    uint64         // Seq in the place it has in Slot.Mark, no flags
	Epoch   uint64         // generation of the log; 0 before the first contact
	Applied entry.Position // everything up to here was applied
	Raises  uint64         // times everything older was given up
	Records uint64         // records applied

	floor, softFloor level
}

// Clock is safe for concurrent use.
type Clock struct {
	state    atomic.Pointer[State]
	prefixes atomic.Pointer[prefixes]
	hard     *table
	soft     *table
	seed     uint64
	news     atomic.Pointer[News]
	time     func() int64  // unix ns; nil: not told
	ahead    atomic.Int64  // ns by which time is ahead of the log's own
	last     atomic.Uint32 // tick of the last invalidation

	mu sync.Mutex // writers, one at a time; taken before a table shard's lock
}

// New returns a clock that remembers up to limit names; seed keys the hashes of names.
func New(limit int, seed uint64) *Clock {
	c := &Clock{hard: newTable(limit), soft: newTable(limit), seed: seed}
	c.prefixes.Store(&prefixes{})
	c.publish(State{Seq: 1})
	return c
}

// News tells of invalidations that may concern what is held here.
type News struct {
	// Holds reports whether a slot that is held may have a tag of that hash.
	Holds func(hash uint64) bool
	// Tell is called after such an invalidation counts, and must not block.
	Tell func()
}

// Report sets who is told of news.
func (c *Clock) Report(n *News) { c.news.Store(n) }

// Hash names a tag in this clock's table. A collision can only invalidate too much.
func (c *Clock) Hash(tag []byte) uint64 { return xxh3.HashSeed(tag, c.seed) }

// State returns the current view. It must not be written to.
func (c *Clock) State() *State { return c.state.Load() }

// Origin returns where a fill that begins now stands.
func (c *Clock) Origin() entry.Origin {
	st := c.state.Load()
	return entry.Origin{Epoch: st.Epoch, AsOf: st.Applied, Began: st.Seq}
}

// Counts returns how many names and prefixes are remembered.
func (c *Clock) Counts() (names, prefixes int64) {
	return c.hard.count.Load() + c.soft.count.Load(), int64(len(*c.prefixes.Load()))
}

// Check decides whether a slot is valid and returns the flags of its mark. The caller has seen that the slot's mark is not
// the current one.
func (c *Clock) Check(s *entry.Slot) uint64 {
	mark := s.Mark.Load()
	if mark&entry.MarkDead != 0 {
		return mark & (entry.MarkDead | entry.MarkSoft)
	}
	st := c.state.Load() // before the tables: what they hold beyond it will be looked at again
	if mark&^uint64(entry.MarkSoft) == st.Mark {
		return mark & entry.MarkSoft
	}
	flags, since := c.verdict(s, mark, st)
	for {
		// What left the tables meanwhile is in the floor of a later state.
		now := c.state.Load()
		if now == st || now.Epoch == st.Epoch && now.floor == st.floor && now.softFloor == st.softFloor {
			break
		}
		st = now
		flags, since = c.verdict(s, mark, st)
	}
	if flags&^mark&entry.MarkSoft != 0 {
		s.Soften(since)
	}
	if flags&entry.MarkSoft != 0 && (s.Private || s.Hard <= s.Soft) { // it may never be served stale
		flags |= entry.MarkDead
	}
	if !s.Mark.CompareAndSwap(mark, st.Mark|flags) && flags != 0 {
		s.Mark.Store(st.Mark | flags) // a verdict is final: it may not be lost to a reader that saw less
	}
	return flags
}

// verdict returns the flags of a slot, and since when it is soft if it was not known to be.
func (c *Clock) verdict(s *entry.Slot, mark uint64, st *State) (flags uint64, since int64) {
	checked := mark >> entry.MarkShift
	flags = mark & entry.MarkSoft
	if s.Epoch != st.Epoch || !st.floor.covers(checked, s.AsOf) || !c.passes(s, checked) {
		return flags | entry.MarkDead, 0
	}
	if flags == 0 {
		if since = c.softened(s, checked, st); since != never {
			flags = entry.MarkSoft
		}
	}
	return flags, since
}

// passes reports whether no hard invalidation of a name concerns a slot.
func (c *Clock) passes(s *entry.Slot, checked uint64) bool {
	if c.hard.count.Load() != 0 {
		for _, h := range s.Hashes {
			if _, ok := c.hard.covers(h, checked, s.AsOf); !ok {
				return false
			}
		}
	}
	return c.prefixes.Load().covers(s, checked)
}

// publish must be called with mu held (or before the clock is shared).
func (c *Clock) publish(st State) {
	st.Mark = st.Seq << entry.MarkShift
	c.state.Store(&st)
}
