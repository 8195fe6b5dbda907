package subgraph

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// recentSpan is how many calls weigh most: when there are twice as many, all count half.
	recentSpan = 500
	// recentLeast is below how many nothing is said of them.
	recentLeast = 50
	// recentEvery is after how many the quantile is reckoned anew.
	recentEvery = 25
	// octaves of microseconds, up to four minutes, in eighths.
	octaves    = 28
	perOctave  = 8
	eighthBits = 3
)

// recent is how long the last calls took. The zero value is ready.
type recent struct {
	mu      sync.Mutex
	buckets [octaves * perOctave]uint32
	n       uint32
	since   int
	at      atomic.Int64 // the quantile, ns; 0: too few calls
}

// add counts a call.
func (r *recent) add(d time.Duration, quantile float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.buckets[bucketOf(d)]++
	r.n++
	if r.n >= 2*recentSpan {
		r.n = 0
		for i := range r.buckets {
			r.buckets[i] /= 2
			r.n += r.buckets[i]
		}
	}
	if r.since++; r.since < recentEvery || r.n < recentLeast {
		return
	}
	r.since = 0
	below, want := uint32(0), quantile*float64(r.n)
	for i := range r.buckets {
		if below += r.buckets[i]; float64(below) >= want {
			r.at.Store(int64(boundOf(i)))
			return
		}
	}
}

// bucketOf returns the bucket of a time: eight of the same width for each power of two, those of less than eight microseconds by themselves.
func bucketOf(d time.Duration) int {
	us := uint64(max(0, d/time.Microsecond))
	if us < perOctave {
		return int(us)
	}
	shift := bits.Len64(us) - eighthBits - 1
	return min((shift+1)*perOctave+int(us>>shift&(perOctave-1)), octaves*perOctave-1)
}

// boundOf returns the time above all of a bucket.
func boundOf(i int) time.Duration {
	if i < perOctave {
		return time.Duration(i+1) * time.Microsecond
	}
	shift := i/perOctave - 1
	return time.Duration((perOctave+uint64(i%perOctave)+1)<<shift) * time.Microsecond
}
