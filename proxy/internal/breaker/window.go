package breaker

import (
	"sync/atomic"
	"time"
)

// slots is in how many parts a window slides.
const slots = 10

// window counts requests and failures of the last time. A slot is one word, so that it is counted, and begun anew, in one step: the number
// of its time (32 bits), requests and failures (16 bits each).
type window [slots]atomic.Uint64

const most = 1<<16 - 1 // that one slot counts

// part is the number of the part of time that now is in.
func part(now int64, length time.Duration) uint32 {
	return uint32(now / max(int64(length)/slots, int64(time.Millisecond)))
}

func (w *window) add(now int64, length time.Duration, failed bool) {
	n := part(now, length)
	slot := &w[n%slots]
	for {
		old := slot.Load()
		requests, failures := old>>16&most, old&most
		switch age := int32(n - uint32(old>>32)); {
		case age < 0 && age > -slots: // a clock a little behind: that time is over
			return
		case age != 0: // from another time, or never used
			requests, failures = 0, 0
		case requests == most: // the ratio is what counts
			requests, failures = requests/2, failures/2
		}
		requests++
		if failed {
			failures++
		}
		if slot.CompareAndSwap(old, uint64(n)<<32|requests<<16|failures) {
			return
		}
	}
}

func (w *window) sum(now int64, length time.Duration) (requests, failures int) {
	n := part(now, length)
	for i := range w {
		v := w[i].Load()
		if age := int32(n - uint32(v>>32)); age < slots && age > -slots { // other goroutines may be ahead
			requests, failures = requests+int(v>>16&most), failures+int(v&most)
		}
	}
	return requests, failures
}
