package origin

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/origin/draw"
	"github.com/weirproxy/weir/bench/internal/origin/fault"
)

// LatencyForm is how a latency is written.
const LatencyForm = draw.Forms + ", stall:DURATION/EVERY or stall:FROM..TO[/EVERY], each with #OPERATION for some operations only"

// latency is how long requests wait before they are executed.
type latency struct {
	operation string
	amount    draw.Distribution
	stalls    bool
	stall     draw.Window // requests that arrive in it wait for its end
	stream    uint64
	ordinal   atomic.Uint64 // of the next request it selects
}

func parseLatency(s string, seed uint64) (*latency, error) {
	l := &latency{stream: draw.Stream(seed, "latency "+s)}
	form, operation, _ := strings.Cut(s, "#")
	l.operation = operation
	var err error
	window, stalls := strings.CutPrefix(form, "stall:")
	if l.stalls = stalls; !stalls {
		if l.amount, err = draw.ParseDuration(form); err != nil {
			return nil, fmt.Errorf("latency %q: %w", s, err)
		}
		return l, nil
	}
	if !strings.Contains(window, "..") { // DURATION/EVERY: the last part of each period, so that the start is not stalled
		length, every, _ := strings.Cut(window, "/")
		long, err1 := time.ParseDuration(length)
		period, err2 := time.ParseDuration(every)
		if err1 != nil || err2 != nil || long <= 0 || period < long {
			return nil, fmt.Errorf("latency %q: write stall:DURATION/EVERY, for instance stall:1s/10s, or stall:FROM..TO[/EVERY]", s)
		}
		l.stall = draw.Window{From: period - long, To: period, Every: period}
		return l, nil
	}
	if l.stall, err = draw.ParseWindow(window); err != nil {
		return nil, fmt.Errorf("latency %q: %w", s, err)
	}
	if l.stall.To == 0 {
		return nil, fmt.Errorf("latency %q: a stall needs an end: write stall:FROM..TO", s)
	}
	return l, nil
}

// of is how long a request that arrived at a time since the start waits, and whether it fell into a stall.
func (l *latency) of(o *fault.Operation, at time.Duration) (wait time.Duration, stalled bool) {
	if !o.Matches(l.operation) {
		return 0, false
	}
	if l.stalls {
		if open, end := l.stall.In(at); open {
			return end - at, true
		}
		return 0, false
	}
	return time.Duration(l.amount.At(l.stream, l.ordinal.Add(1)-1)), false
}
