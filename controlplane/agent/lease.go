package agent

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// sameMoment is how far two readings of one lease's end may differ and still be the same end: what the way from the server took.
const sameMoment = time.Second

// recheck bounds how long the ledger trusts one timer: a machine that slept or whose clock was set must notice an expiry soon.
const recheck = 15 * time.Second

// ledger holds the leases and says on every change which are active. Its run calls back from one goroutine.
type ledger struct {
	tell func([]Command)
	wake chan struct{}

	mu     sync.Mutex
	held   []Command // sorted by generation; active ones and those whose NotBefore lies ahead
	active int
}

func newLedger(tell func([]Command)) *ledger {
	return &ledger{tell: tell, wake: make(chan struct{}, 1)}
}

// replace puts a complete set in force and returns what is held then. A lease that was held before never ends later than it did.
func (l *ledger) replace(set []Command, now time.Time) []Command {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := make([]Command, 0, len(set))
	for _, c := range set {
		for i := range l.held {
			if h := &l.held[i]; h.ID == c.ID && h.Generation >= c.Generation {
				if h.Generation > c.Generation || h.Expires.Sub(c.Expires) < sameMoment {
					c = *h
				}
				break
			}
		}
		if c.Expires.After(now) {
			next = append(next, c)
		}
	}
	slices.SortStableFunc(next, func(a, b Command) int { return cmp.Compare(a.Generation, b.Generation) })
	l.held = next
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return slices.Clone(next)
}

// due drops what expired and returns what is active, and when to look again.
func (l *ledger) due(now time.Time) (active []Command, again time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	again = recheck
	l.held = slices.DeleteFunc(l.held, func(c Command) bool { return !c.Expires.After(now) })
	for _, c := range l.held {
		edge := c.Expires
		if c.NotBefore.After(now) {
			edge = c.NotBefore
		} else {
			c.Params = maps.Clone(c.Params)
			active = append(active, c)
		}
		again = min(again, edge.Sub(now))
	}
	l.active = len(active)
	return active, again
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.active
}

// run tells about every change until ctx ends.
func (l *ledger) run(ctx context.Context) {
	timer := time.NewTimer(recheck)
	defer timer.Stop()
	var told []Command
	for {
		active, again := l.due(time.Now())
		if !slices.EqualFunc(active, told, sameLease) {
			told = slices.Clone(active)
			l.tell(active)
		}
		timer.Reset(again)
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case <-timer.C:
		}
	}
}

func sameLease(a, b Command) bool {
	return a.ID == b.ID && a.Generation == b.Generation && a.Expires.Equal(b.Expires)
}
