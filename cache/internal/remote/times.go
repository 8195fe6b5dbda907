package remote

import (
	"sync/atomic"
	"time"
)

// TimeBounds are the upper bounds of Times' buckets.
var TimeBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
}

// Times is a histogram of how long calls took. The zero Times is ready; it is safe for concurrent use.
type Times struct {
	counts [len(TimeBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

func (t *Times) observe(ns int64) {
	ns = max(0, ns) // clocks jump
	i := 0
	for i < len(TimeBounds) && ns > int64(TimeBounds[i]) {
		i++
	}
	t.counts[i].Add(1)
	t.sum.Add(ns)
}

// Snapshot returns how many calls took up to each bound, one value more for all, and the sum of their times.
func (t *Times) Snapshot() (upTo [len(TimeBounds) + 1]uint64, sum time.Duration) {
	n := uint64(0)
	for i := range t.counts {
		n += t.counts[i].Load()
		upTo[i] = n
	}
	return upTo, time.Duration(t.sum.Load())
}
