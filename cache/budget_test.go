package cache

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// watchTimers sleeps for d again and again until the returned function is called, which returns by how much a sleep was longer at most: a
// bound on time that a busy machine may exceed is to be read against it.
func watchTimers(d time.Duration) (stop func() time.Duration) {
	end, worst := make(chan struct{}), make(chan time.Duration, 1)
	go func() {
		late := time.Duration(0)
		for {
			before := time.Now()
			time.Sleep(d)
			late = max(late, time.Since(before)-d)
			select {
			case <-end:
				worst <- late
				return
			default:
			}
		}
	}()
	return func() time.Duration {
		close(end)
		return <-worst
	}
}

// Redis hangs, or is gone behind an address that does not answer: also while the connection is made anew, no look-up waits much longer than
// its budget, most do not wait at all, and all is well again afterwards.
func TestNoLookupWaitsLongerThanItsBudget(t *testing.T) {
	const budget, slack = 25 * time.Millisecond, 225 * time.Millisecond
	server := redistest.Start(t)
	relay := redistest.NewRelay(t, server.Addr)
	s := join(t, relay.Addr, func(c *Config) { c.ReadBudget, c.DisconnectedAfter = budget, time.Hour })
	connected(t, s)
	fill(t, s, "before", "x", "City")
	server.Freeze()
	defer server.Thaw()
	lateness := watchTimers(budget)
	var slowest time.Duration
	waited, n := 0, 0
	start := time.Now()
	cut := false
	redistest.Until(t, "three seconds of look-ups", redistest.Patience, func() bool {
		n++
		before := time.Now()
		r := s.Lookup(context.Background(), keyOf(fmt.Sprint("absent ", n)), nowNS(), Wait{})
		d := time.Since(before)
		if r.Fill == nil {
			t.Fatalf("%+v", r)
		}
		r.Fill.Abandon(0)
		slowest = max(slowest, d)
		if d > 10*time.Millisecond {
			waited++
		}
		if !cut && time.Since(start) > 1500*time.Millisecond { // the connection has to be made anew, to a server that accepts and says nothing
			cut = true
			relay.Cut()
			relay.Mend()
		}
		return time.Since(start) > 3*time.Second
	})
	late := lateness()
	t.Logf("%d look-ups, %d waited, the slowest %v; timers were late by up to %v; breaker %s", n, waited, slowest, late, s.Stats().Breaker)
	if slowest > budget+slack+late {
		t.Errorf("a look-up took %v, while timers were late by up to %v", slowest, late)
	}
	if b := s.Stats().Breaker; b == "closed" {
		t.Errorf("the breaker is %s", b)
	}
	server.Thaw()
	redistest.Until(t, "the shared tier is used again", redistest.Patience, func() bool {
		if r := s.Lookup(context.Background(), keyOf("probe"), nowNS(), Wait{}); r.Fill != nil {
			r.Fill.Abandon(0)
		}
		return s.Stats().Breaker == "closed"
	})
	connected(t, s)
}
