package subgraph

import (
	"sync/atomic"
	"time"
)

// Bounds are those of Stats.UpTo.
var Bounds = []time.Duration{
	500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
}

// durations is how long calls took.
type durations struct {
	buckets [15]atomic.Uint64 // one for each of Bounds, and one for what is longer
	sum     atomic.Int64      // ns
}

func (d *durations) add(t time.Duration) {
	i := 0
	for i < len(Bounds) && t > Bounds[i] {
		i++
	}
	d.buckets[i].Add(1)
	d.sum.Add(int64(t))
}

func (d *durations) upTo() []uint64 {
	out := make([]uint64, len(d.buckets))
	n := uint64(0)
	for i := range d.buckets {
		n += d.buckets[i].Load()
		out[i] = n
	}
	return out
}
