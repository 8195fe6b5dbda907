package replay

import (
	"fmt"
	"math"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
)

// Plan has the requests due when they were recorded, speed times as fast, loops times in a row. Between two rounds is the mean distance of two requests.
func (r *Recording) Plan(speed float64, loops int) arrival.Plan {
	s := &schedule{times: r.times(), speed: speed, loops: max(1, loops)}
	if !(speed > 0) {
		s.speed = 1
	}
	last := s.times[len(s.times)-1]
	s.period = last + last/time.Duration(max(1, len(s.times)-1))
	return s
}

// Rate is the mean rate of the recording per second; 0 when all came at once.
func (r *Recording) Rate() float64 {
	if d := r.Duration().Seconds(); d > 0 {
		return float64(r.Len()) / d
	}
	return 0
}

type schedule struct {
	times  []time.Duration
	period time.Duration // of one round
	speed  float64
	loops  int
}

func (s *schedule) String() string {
	text := fmt.Sprintf("recorded: %d in %v", len(s.times), s.times[len(s.times)-1].Round(time.Millisecond))
	if s.speed != 1 {
		text += fmt.Sprintf(", %v times as fast", s.speed)
	}
	if s.loops != 1 {
		text += fmt.Sprintf(", %d times in a row", s.loops)
	}
	return text
}

// Times of one of n threads: every n-th arrival.
func (s *schedule) Times(thread, n int, _ uint64) arrival.Times {
	return &playing{s: s, next: thread, step: max(1, n)}
}

type playing struct {
	s          *schedule
	next, step int
}

func (p *playing) Next() (time.Duration, bool) {
	round := p.next / len(p.s.times)
	if round >= p.s.loops {
		return 0, false
	}
	due := time.Duration(round)*p.s.period + p.s.times[p.next%len(p.s.times)]
	p.next += p.step
	if p.s.speed != 1 {
		due = time.Duration(min(float64(due)/p.s.speed, math.MaxInt64/2))
	}
	return due, true
}
