package flight

import (
	"sync"
	"sync/atomic"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

const (
	shards     = 64
	sweepEvery = 16 // flights
	sweepLooks = 64
)

// Group is a set of flights by key. The zero value is not ready; use New.
type Group struct {
	maxFill    int64 // ns
	maxMarkers int   // of one shard
	marks      atomic.Int64
	shard      [shards]shard
}

type shard struct {
	mu      sync.Mutex
	flights map[key.Key]*Flight
	joins   uint32
	markers map[key.Key]int64 // until unix ns
}

// Flight is one fetch. The zero value is ready for Join.
type Flight struct {
	key   key.Key
	began int64
	done  chan struct{} // nil while nobody follows
	slot  *entry.Slot   // valid after done; nil: no result
	ended bool          // under the shard's lock

	claimed  atomic.Bool // by the one that may end it
	replaced atomic.Bool // another flight has taken its place, or it was forgotten
}

// Key is the key of the fetch.
func (f *Flight) Key() key.Key { return f.key }

// Done is closed when the flight has ended. It is for those who follow: a leader may get nil.
func (f *Flight) Done() <-chan struct{} { return f.done }

// Slot is the result after Done, nil when there is none.
func (f *Flight) Slot() *entry.Slot { return f.slot }

// Alone reports, to the one who has ended the flight, that nobody has followed it: then nobody else has a hold of it.
func (f *Flight) Alone() bool { return f.done == nil }

// New returns a group in which a flight gives way to another after maxFill ns.
func New(maxFill int64, maxMarkers int) *Group {
	g := &Group{maxFill: maxFill, maxMarkers: max(1, maxMarkers/shards)}
	for i := range g.shard {
		g.shard[i] = shard{flights: map[key.Key]*Flight{}, markers: map[key.Key]int64{}}
	}
	return g
}

func (g *Group) of(k *key.Key) *shard { return &g.shard[k[31]%shards] }

// Marked reports whether the key's results are known not to be shareable at unix ns now.
func (g *Group) Marked(k *key.Key, now int64) bool {
	if g.marks.Load() == 0 {
		return false
	}
	s := g.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.markers[*k]
	if ok && until <= now {
		delete(s.markers, *k)
		g.marks.Add(-1)
		ok = false
	}
	return ok
}

// Join returns the flight of a key. When there is none, mine, which nobody has used yet, becomes it: the caller leads, and must End it.
func (g *Group) Join(k *key.Key, now int64, mine *Flight) *Flight {
	s := g.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flights[*k]; f != nil {
		if now-f.began < g.maxFill {
			if f.done == nil {
				f.done = make(chan struct{})
			}
			return f
		}
		f.replaced.Store(true)
	}
	if s.joins++; s.joins%sweepEvery == 0 {
		s.sweep(now - 2*g.maxFill)
	}
	mine.key, mine.began = *k, now
	s.flights[*k] = mine
	return mine
}

// Followed reports whether somebody waits for the flight.
func (g *Group) Followed(f *Flight) bool {
	s := g.of(&f.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.done != nil
}

// sweep forgets some flights that began before unix ns and were never ended, so that they cannot pile up.
func (s *shard) sweep(before int64) {
	looks := 0
	for k, f := range s.flights {
		if f.began < before {
			f.replaced.Store(true)
			delete(s.flights, k)
		}
		if looks++; looks == sweepLooks {
			return
		}
	}
}

// Claim takes the right to end a flight; only the first caller gets it. current tells that no other flight has taken this one's place.
func (f *Flight) Claim() (first, current bool) {
	return !f.claimed.Swap(true), !f.replaced.Load()
}

// End ends a flight once, with its result or none; with until > 0 the key is marked until then. Later calls do nothing.
func (g *Group) End(f *Flight, slot *entry.Slot, until int64) bool {
	s := g.of(&f.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.ended {
		return false
	}
	f.ended = true
	if f.done != nil && slot != nil && slot.Ask() { // else it has left the tier already
		f.slot = slot
	}
	if s.flights[f.key] == f {
		delete(s.flights, f.key)
	}
	if until > 0 {
		for k := range s.markers { // any one goes: markers are an optimisation
			if len(s.markers) < g.maxMarkers {
				break
			}
			delete(s.markers, k)
			g.marks.Add(-1)
		}
		if _, again := s.markers[f.key]; !again {
			g.marks.Add(1)
		}
		s.markers[f.key] = until
	}
	if f.done != nil {
		close(f.done)
	}
	return true
}
