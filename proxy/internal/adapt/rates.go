package adapt

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	classes = 2048
	tries   = 4
	// weight is what one observation counts for against those before it.
	weight = 0.2
	// surest bounds the share of changes that is believed: a body that changed at every refresh says only that it changes faster.
	surest = 0.95
)

// Rates are the rates of change of classes of keys. The zero value knows none.
type Rates struct{ classes [classes]class }

// class holds two averages in one word, so that they change together.
type class struct {
	owner atomic.Uint64 // 0: nobody
	state atomic.Uint64 // share of refreshes that found a change, and seconds between refreshes, as float32
}

// Saw notes what the refresh of a key of the class has found: whether the answer had changed since the one before, so long ago.
func (r *Rates) Saw(id uint64, changed bool, after time.Duration) {
	if after <= 0 {
		return
	}
	c := r.claim(id | 1)
	seconds, found := after.Seconds(), 0.0
	if changed {
		found = 1
	}
	for {
		old := c.state.Load()
		share, gap := unpack(old)
		if gap == 0 {
			share, gap = 0, seconds
		}
		share += weight * (found - share)
		gap += weight * (seconds - gap)
		if c.state.CompareAndSwap(old, pack(share, gap)) {
			return
		}
	}
}

// PerSecond returns how often answers of the class change, 0 when no change was seen. Changes are taken to come at random (a Poisson
// process): of refreshes d apart a share of 1-exp(-rate*d) finds one.
func (r *Rates) PerSecond(id uint64) float64 {
	c := r.find(id | 1)
	if c == nil {
		return 0
	}
	share, gap := unpack(c.state.Load())
	if gap == 0 || share <= 0 {
		return 0
	}
	return -math.Log(1-min(share, surest)) / gap
}

// TTL is for how long an answer may be kept that changes so often, so that it is out of date at the end with probability p. ok is false
// when nothing speaks for an end.
func TTL(perSecond, p float64) (d time.Duration, ok bool) {
	if perSecond <= 0 {
		return 0, false
	}
	seconds := -math.Log(1-p) / perSecond
	if seconds > 1e9 {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

func (r *Rates) find(owner uint64) *class {
	for i := range uint64(tries) {
		if c := &r.classes[(owner/2+i)%classes]; c.owner.Load() == owner {
			return c
		}
	}
	return nil
}

// claim finds the class, or gives it a place; when all of its places are taken, the one at the first is forgotten.
func (r *Rates) claim(owner uint64) *class {
	if c := r.find(owner); c != nil {
		return c
	}
	for i := range uint64(tries) {
		if c := &r.classes[(owner/2+i)%classes]; c.owner.CompareAndSwap(0, owner) {
			return c
		}
	}
	c := &r.classes[owner/2%classes]
	c.owner.Store(owner)
	c.state.Store(0)
	return c
}

func pack(share, gap float64) uint64 {
	return uint64(math.Float32bits(float32(share)))<<32 | uint64(math.Float32bits(float32(gap)))
}

func unpack(v uint64) (share, gap float64) {
	return float64(math.Float32frombits(uint32(v >> 32))), float64(math.Float32frombits(uint32(v)))
}
