package arrival

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// recorded is a plan of given times.
type recorded struct {
	times []time.Duration
	speed float64
}

// Recorded is a plan of given times since the start; speed 2 makes them due in half the time, 0 counts as 1. times is kept and must not change; when it is
// out of order a sorted copy is kept. With n threads the i-th arrival is that of thread i modulo n.
func Recorded(times []time.Duration, speed float64) Plan {
	if !(speed > 0) {
		speed = 1
	}
	if !slices.IsSorted(times) {
		times = slices.Clone(times)
		slices.Sort(times)
	}
	return &recorded{times, speed}
}

func (p *recorded) Times(thread, n int, _ uint64) Times {
	return &playback{p: p, next: thread, threads: max(1, n)}
}

func (p *recorded) String() string {
	last := time.Duration(0)
	if n := len(p.times); n > 0 {
		last = p.due(n - 1)
	}
	s := fmt.Sprintf("recorded: %d arrivals in %s", len(p.times), length(last.Round(time.Millisecond)))
	if p.speed != 1 {
		s += fmt.Sprintf(" at %s times the recorded speed", number(p.speed))
	}
	return s
}

func (p *recorded) due(i int) time.Duration {
	if p.speed == 1 {
		return max(0, p.times[i])
	}
	return time.Duration(min(max(0, float64(p.times[i])/p.speed), math.MaxInt64/2))
}

// playback hands out every n-th time.
type playback struct {
	p             *recorded
	next, threads int
}

func (t *playback) Next() (time.Duration, bool) {
	if t.next >= len(t.p.times) {
		return 0, false
	}
	due := t.p.due(t.next)
	t.next += t.threads
	return due, true
}
