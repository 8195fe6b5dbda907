package subscribe

import (
	"maps"
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// tally counts for all streams of a run.
type tally struct {
	mu  sync.Mutex
	sum result.Subscriptions
}

func newTally(c *Config) *tally {
	return &tally{sum: result.Subscriptions{
		Name: c.Name, Protocol: c.Protocol, Wanted: c.Open, Failures: map[string]int64{},
		Setup: result.NewHistogram(), Delay: result.NewHistogram(),
	}}
}

func (t *tally) opened(setup time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Opened++
	t.sum.Open++
	t.sum.Setup.Record(setup)
}

// closed is for streams that ended before the run.
func (t *tally) closed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Open--
}

func (t *tally) event(bytes int, delay time.Duration, timed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Events++
	t.sum.Bytes += int64(bytes)
	if timed {
		t.sum.Delay.Record(delay)
	}
}

// fail reports whether it is the first of its kind.
func (t *tally) fail(kind string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Errors++
	t.sum.Failures[kind]++
	return t.sum.Failures[kind] == 1
}

func (t *tally) now() (open, events int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum.Open, t.sum.Events
}

func (t *tally) result(elapsed time.Duration) *result.Subscriptions {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sum
	s.Failures = maps.Clone(t.sum.Failures)
	s.Setup, s.Delay = t.sum.Setup.Clone(), t.sum.Delay.Clone()
	if elapsed > 0 {
		s.PerSecond = float64(s.Events) / elapsed.Seconds()
	}
	return &s
}
