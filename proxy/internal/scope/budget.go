package scope

import "sync/atomic"

const (
	// perSecond bounds the tokens that are looked at for the first time, after a burst of as many: a signature costs up to a tenth of a
	// millisecond, and whoever invents tokens must not take the processor from everybody else.
	perSecond = 2000
	pause     = int64(1e9 / perSecond)
	window    = perSecond * pause
)

// budget is a token bucket in one number, the time at which it is full again.
type budget struct{ full atomic.Int64 }

// take reports whether there is room at unix ns now.
func (b *budget) take(now int64) bool {
	for {
		old := b.full.Load()
		start := max(old, now)
		if old-now > 2*window { // the clock went back
			start = now
		}
		if start+pause-now > window {
			return false
		}
		if b.full.CompareAndSwap(old, start+pause) {
			return true
		}
	}
}
