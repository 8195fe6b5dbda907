package held

import (
	"sync"
	"sync/atomic"

	"github.com/weirproxy/weir/cache/internal/entry"
)

const (
	shards = 16
	chunk  = 128 // slots that a walk takes out of a shard at a time
)

// Set is safe for concurrent use.
type Set struct {
	shards  [shards]shard
	walking sync.Mutex // one walk at a time; taken before a shard's lock
	// The filter in use, and while a walk builds the next one that too. Both only ever gain bits.
	now, next atomic.Pointer[filter]
	words     int
}

type shard struct {
	mu    sync.Mutex
	slots []*entry.Slot
	_     [32]byte
}

// filter has a bit for each hash that was added, and for some others.
type filter []atomic.Uint64

func (f filter) bit(hash uint64) (word *atomic.Uint64, bit uint64) {
	return &f[hash>>6%uint64(len(f))], 1 << (hash & 63)
}

func (f filter) add(hash uint64) {
	word, bit := f.bit(hash)
	if word.Load()&bit == 0 {
		word.Or(bit)
	}
}

func (f filter) has(hash uint64) bool {
	word, bit := f.bit(hash)
	return word.Load()&bit != 0
}

// bytesPerBit is how many bytes of the tier have one bit of the filter: of a full tier of small entries about one bit in four is set, and
// the filter is small enough to stay in the processor's cache, for each fill writes to it.
const bytesPerBit = 96

// New returns an empty set for a tier of so many bytes.
func New(tierBytes int64) *Set {
	s := &Set{words: int(max(16, tierBytes/bytesPerBit/64))}
	f := make(filter, s.words)
	s.now.Store(&f)
	return s
}

// Bytes is the memory that a set for a tier of so many bytes takes beside its slots: two filters, while one is built.
func Bytes(tierBytes int64) int64 { return 2 * 8 * max(16, tierBytes/bytesPerBit/64) }

func (s *Set) shard(slot *entry.Slot) *shard {
	return &s.shards[slot.Digest[len(slot.Digest)-1]%shards]
}

// Add takes a slot in.
func (s *Set) Add(slot *entry.Slot) {
	sh := s.shard(slot)
	sh.mu.Lock()
	slot.Place = int32(len(sh.slots))
	sh.slots = append(sh.slots, slot)
	sh.mu.Unlock()
	// Behind the list: a walk that begins now finds the slot, or has announced its filter.
	now, next := s.now.Load(), s.next.Load()
	for _, h := range slot.Hashes {
		now.add(h)
	}
	if next != nil && next != now {
		for _, h := range slot.Hashes {
			next.add(h)
		}
	}
}

// Remove lets a slot go that was added and not removed yet.
func (s *Set) Remove(slot *entry.Slot) {
	sh := s.shard(slot)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	last := len(sh.slots) - 1
	moved := sh.slots[last]
	sh.slots[slot.Place], moved.Place = moved, slot.Place
	sh.slots[last] = nil
	sh.slots = sh.slots[:last]
	if cap(sh.slots) > 4*chunk && last < cap(sh.slots)/4 {
		sh.slots = append(make([]*entry.Slot, 0, cap(sh.slots)/2), sh.slots...)
	}
}

// Holds reports whether a slot may have a tag of that hash. False is certain, but for a slot that is added at this moment.
func (s *Set) Holds(hash uint64) bool { return s.now.Load().has(hash) }

// Len is how many slots there are.
func (s *Set) Len() int {
	n := 0
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += len(s.shards[i].slots)
		s.shards[i].mu.Unlock()
	}
	return n
}

// Walk calls visit for every slot that is there all the time, until it returns false; rest is called between parts of it. visit may remove
// slots. A slot may be met twice when others are removed meanwhile. A walk to the end forgets the tags of slots that are gone.
func (s *Set) Walk(visit func(*entry.Slot) bool, rest func()) (whole bool) {
	s.walking.Lock()
	defer s.walking.Unlock()
	f := make(filter, s.words)
	s.next.Store(&f)
	defer s.next.Store(nil)
	var part [chunk]*entry.Slot
	for i := range s.shards {
		sh := &s.shards[i]
		for end := -1; end != 0; {
			var n int
			n, end = sh.take(&part, end)
			for _, slot := range part[:n] {
				if !visit(slot) {
					return false
				}
				if slot.Left.Load() {
					continue
				}
				for _, h := range slot.Hashes {
					f.add(h)
				}
			}
			rest()
		}
	}
	s.now.Store(&f)
	return true
}

// Each calls visit for every slot that is there all the time. Unlike Walk it forgets nothing, and visit may not remove slots.
func (s *Set) Each(visit func(*entry.Slot)) {
	var part [chunk]*entry.Slot
	for i := range s.shards {
		for end := -1; end != 0; {
			var n int
			n, end = s.shards[i].take(&part, end)
			for _, slot := range part[:n] {
				visit(slot)
			}
		}
	}
}

// take copies the slots before end, from behind: what a removal moves forward was there already.
func (sh *shard) take(part *[chunk]*entry.Slot, end int) (n, begin int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if end < 0 || end > len(sh.slots) {
		end = len(sh.slots)
	}
	begin = max(0, end-chunk)
	return copy(part[:], sh.slots[begin:end]), begin
}
