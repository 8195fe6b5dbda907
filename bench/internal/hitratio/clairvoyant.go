package hitratio

import (
	"container/heap"
	"math"
	"slices"

	"github.com/weirproxy/weir/cache"
)

// future is a trace with each use's next one of its key.
type future struct {
	uses []cache.Use
	next []int64 // index; never: none
	keys int
}

const never = math.MaxInt64

func lookAhead(uses []cache.Use, keys int) *future {
	f := &future{uses: uses, next: make([]int64, len(uses)), keys: keys}
	soonest := make([]int64, keys)
	for i := range soonest {
		soonest[i] = never
	}
	for i := len(uses) - 1; i >= 0; i-- {
		key := uses[i].Key
		f.next[i] = soonest[key]
		soonest[key] = int64(i)
	}
	return f
}

// kept is an entry whose next use is known.
type kept struct {
	key  uint64
	next int64
}

type furthest []kept

func (h furthest) Len() int           { return len(h) }
func (h furthest) Less(i, j int) bool { return h[i].next > h[j].next }
func (h furthest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *furthest) Push(v any)        { *h = append(*h, v.(kept)) }
func (h *furthest) Pop() any {
	old := *h
	v := old[len(old)-1]
	*h = old[:len(old)-1]
	return v
}

// held is what a clairvoyant cache knows of a key.
type held struct{ charge, until, next int64 }

// clairvoyant returns how many uses a cache hits that lets go of what is needed last, and does not store what is needed later than all it
// would have to let go of, or never within its time to live.
func (f *future) clairvoyant(capacity int64) (hits uint64) {
	entries := make([]held, f.keys)
	var h furthest
	used := int64(0)
	for i := range f.uses {
		u := &f.uses[i]
		e := &entries[u.Key]
		if e.charge > 0 && u.At < e.until {
			hits++
		} else {
			used -= e.charge
			*e = held{}
		}
		until := e.until
		if e.charge == 0 {
			until = u.At + int64(u.TTL)
		}
		next := f.next[i]
		if next == never || f.uses[next].At >= until { // of no more use
			used -= e.charge
			*e = held{}
			continue
		}
		if e.charge == 0 {
			charge := cache.Charge(u.Bytes)
			var room bool
			if used, room = f.room(entries, &h, used, charge, capacity, next); !room {
				continue
			}
			*e = held{charge: charge, until: until}
			used += charge
		}
		e.next = next
		heap.Push(&h, kept{u.Key, next})
	}
	return hits
}

// room lets go of entries that are needed later than next until there is room.
func (f *future) room(entries []held, h *furthest, used, charge, capacity, next int64) (after int64, ok bool) {
	for used+charge > capacity {
		if h.Len() == 0 {
			return used, false
		}
		top := (*h)[0]
		if e := &entries[top.key]; e.charge == 0 || e.next != top.next { // it left, or has been used since
			heap.Pop(h)
			continue
		}
		if top.next <= next {
			return used, false
		}
		heap.Pop(h)
		used -= entries[top.key].charge
		entries[top.key] = held{}
	}
	return used, true
}

// bounds are the costs of each hit that an unbounded cache would have, ascending: bytes for as long as the entry has to be kept.
type bounds struct {
	costs []float64
	uses  int
}

// bounds looks at each use and its next one. An entry may be renewed whenever it is used, with the longest time to live and the smallest
// size that its key ever has: only what is longer than that between two uses cannot be a hit.
func (f *future) bounds() *bounds {
	longest, smallest := make([]int64, f.keys), make([]int64, f.keys)
	for i := range f.uses {
		u := &f.uses[i]
		longest[u.Key] = max(longest[u.Key], int64(u.TTL))
		if c := cache.Charge(u.Bytes); smallest[u.Key] == 0 || c < smallest[u.Key] {
			smallest[u.Key] = c
		}
	}
	b := &bounds{uses: len(f.uses)}
	for i := range f.uses {
		u, next := &f.uses[i], f.next[i]
		if next == never || f.uses[next].At-u.At >= longest[u.Key] {
			continue
		}
		b.costs = append(b.costs, float64(smallest[u.Key])*float64(next-int64(i)))
	}
	slices.Sort(b.costs)
	return b
}

// hits is how many hits cost no more than there is, one that fits in part included.
func (b *bounds) hits(capacity int64) (n uint64) {
	left := float64(capacity) * float64(b.uses)
	for _, c := range b.costs {
		if left <= 0 {
			return n
		}
		left -= c
		n++
	}
	return n
}
