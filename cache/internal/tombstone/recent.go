package tombstone

import "time"

// tick is a moment in units of about 17 ms since 1970, modulo 2^32 (more than two years): what a level has room for. 0: unknown.
type tick uint32

const tickShift = 24

func tickOf(ns int64) tick { return max(1, tick(ns>>tickShift)) }

// now is the moment of an invalidation that is applied.
func (c *Clock) now() tick {
	if c.time == nil {
		return 0
	}
	return tickOf(c.time())
}

// Time sets the clock by which Recent tells how long ago an invalidation was applied, unix ns. It is called before the first use.
func (c *Clock) Time(now func() int64) { c.time = now }

// names are tag names, of an entry or of an answer that is to become one.
type names interface {
	Len() int
	At(i int) []byte
}

// Recent reports whether one of the tags was invalidated, softly or not, here or anywhere in the fleet, within the given time before
// unix ns now. The moment that counts is the one at which this process applied it: clocks of other machines do not matter, and one that
// comes late counts for longer.
func (c *Clock) Recent(tags names, within time.Duration, now int64) bool {
	w := window{tickOf(now), tick(within>>tickShift) + 1}
	if last := tick(c.last.Load()); last == 0 || int32(w.now-last) > int32(w.length) {
		return false // others may have come since the time that is asked about, and hide none of before it
	}
	st := c.state.Load()
	if w.holds(st.floor.at) || w.holds(st.softFloor.at) {
		return true
	}
	for i := range tags.Len() {
		h := c.Hash(tags.At(i))
		if w.holds(c.hard.at(h)) || w.holds(c.soft.at(h)) {
			return true
		}
	}
	for _, p := range *c.prefixes.Load() {
		if w.holds(p.at) && p.any(tags) {
			return true
		}
	}
	return false
}

// window is a time that ends now.
type window struct{ now, length tick }

// skew is how far ahead of now a moment may lie: readers take the time before writers do, and clocks are set back a little.
const skew = tick(int64(5*time.Second) >> tickShift)

func (w window) holds(at tick) bool {
	ago := w.now - at
	return at != 0 && (ago <= w.length || -ago <= skew)
}

// at is when a name was last invalidated.
func (t *table) at(hash uint64) tick {
	if t.count.Load() == 0 {
		return 0
	}
	s := t.shard(hash)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.m[hash].at
}
