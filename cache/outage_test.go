package cache

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

func cutOff(t *testing.T, stores ...*Store) {
	t.Helper()
	for _, s := range stores {
		redistest.Until(t, "the loss is noticed", redistest.Patience, func() bool { return !s.Connected() })
	}
}

// readingAgain waits until the values can be read: their connections are not that of the log, and may notice later that the server is back.
func readingAgain(t *testing.T, stores ...*Store) {
	t.Helper()
	for i, s := range stores {
		redistest.Until(t, fmt.Sprintf("store %d reads values", i), redistest.Patience, func() bool {
			before := s.Stats()
			sees(s, "of nobody")
			after := s.Stats()
			return after.L2Reads > before.L2Reads && after.L2Errors == before.L2Errors && after.L2Timeouts == before.L2Timeouts
		})
	}
}

func TestRedisThatComesLate(t *testing.T) {
	server := redistest.Reserve(t)
	a := join(t, server.Addr, func(c *Config) { c.AppendBudget = time.Millisecond })
	if a.Connected() {
		t.Error("connected to nothing")
	}
	put(t, a, "k", draft("alone", "City"), nowNS())
	if body, _ := sees(a, "k"); body != "alone" {
		t.Errorf("without Redis: %q", body)
	}
	r := invalidate(t, a, Invalidation{Tags: []string{"City"}}, nowNS())
	if r.Logged || !r.Shared {
		t.Errorf("%+v", r)
	}
	want(t, a, "k", nowNS(), Miss)
	server.Start(false)
	connected(t, a)
	redistest.Until(t, "what waited is in the log", redistest.Patience, func() bool { return a.Stats().Appended == 1 && a.Stats().Queued == 0 })
	b := join(t, server.Addr, nil)
	connected(t, b)
	caughtUp(t, a, b)
	fill(t, a, "k", "shared", "City")
	if body, tier := sees(b, "k"); body != "shared" || tier != TierL2 {
		t.Errorf("%q from %v", body, tier)
	}
}

func TestRedisKilledAndBack(t *testing.T) {
	for _, keep := range []bool{true, false} {
		name := "without its data"
		if keep {
			name = "with its data"
		}
		t.Run(name, func(t *testing.T) {
			server := redistest.Reserve(t)
			server.Start(keep)
			a, b := fleet(t, server.Addr)
			a.cfg.AppendBudget = time.Millisecond
			fill(t, a, "named", "old", "City")
			fill(t, a, "other", "old", "Other")
			sees(b, "named")
			generations := b.Stats().Generations
			server.Kill()
			cutOff(t, a, b)
			if body, _ := sees(a, "other"); body != "old" {
				t.Errorf("during the outage this process has %q", body)
			}
			underWay := lead(t, b, "under way", nowNS())
			if r := invalidate(t, a, Invalidation{Tags: []string{"City"}}, nowNS()); r.Logged {
				t.Errorf("%+v", r)
			}
			want(t, a, "named", nowNS(), Miss)
			put(t, a, "during", draft("new", "City"), nowNS())
			want(t, a, "during", nowNS(), Fresh)
			server.Start(keep)
			connected(t, a, b)
			redistest.Until(t, "what waited is in the log", redistest.Patience, func() bool { return a.Stats().Queued == 0 && a.Stats().Appended > 0 })
			caughtUp(t, a, b)
			readingAgain(t, a, b)
			want(t, b, "named", nowNS(), Miss)
			if body, _ := sees(b, "named"); body != "" {
				t.Errorf("the shared tier gives %q", body)
			}
			if underWay.Complete(draft("old", "City"), nowNS()) != nil {
				t.Error("a fill from before the outage is stored")
			}
			if b.Stats().Generations == generations {
				t.Error("another run of the server is taken for the same log")
			}
			fill(t, a, "again", "new", "City")
			if body, _ := sees(b, "again"); body != "new" {
				t.Errorf("afterwards the fleet shares %q", body)
			}
			logged(t, b, Invalidation{Tags: []string{"City"}})
			redistest.Until(t, "invalidation travels again", redistest.Patience, func() bool {
				_, state := a.Get(keyOf("again"), nowNS())
				return state == Miss
			})
		})
	}
}

func TestLogThatIsEmptiedFlushesEverybody(t *testing.T) {
	const unnamed = "for _, g in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do redis.call('XGROUP', 'DESTROY', KEYS[1], g[2]) end"
	for _, command := range [][]string{{"FLUSHALL"}, {"DEL", "{weir}:inv"}, {"EVAL", unnamed, "1", "{weir}:inv"}, {"XTRIM", "{weir}:inv", "MAXLEN", "0"}} {
		t.Run(command[0]+" "+command[len(command)-1], func(t *testing.T) {
			server := redistest.Start(t)
			a, b := fleet(t, server.Addr)
			fill(t, a, "k", "old", "City")
			sees(b, "k")
			logged(t, a, Invalidation{Tags: []string{"Other"}})
			caughtUp(t, a, b)
			server.Do(command...)
			for _, s := range []*Store{a, b} {
				redistest.Until(t, "the store gives up what it has", redistest.Patience, func() bool {
					_, state := s.Get(keyOf("k"), nowNS())
					return state == Miss
				})
			}
			caughtUp(t, a, b)
			if body, _ := sees(b, "k"); body != "" {
				t.Errorf("the shared tier gives %q", body)
			}
			fill(t, a, "k", "new", "City")
			if body, _ := sees(b, "k"); body != "new" {
				t.Errorf("afterwards %q", body)
			}
		})
	}
}

func TestInvalidationWhileCutOffCountsOnBothSides(t *testing.T) {
	server := redistest.Start(t)
	relay := redistest.NewRelay(t, server.Addr)
	a := join(t, server.Addr, nil)
	b := join(t, relay.Addr, func(c *Config) { c.AppendBudget = time.Millisecond })
	connected(t, a, b)
	caughtUp(t, a, b)
	fill(t, a, "by a", "old", "A")
	fill(t, a, "by b", "old", "B")
	sees(b, "by a")
	sees(b, "by b")
	relay.Cut()
	cutOff(t, b)
	logged(t, a, Invalidation{Tags: []string{"A"}})
	if r := invalidate(t, b, Invalidation{Tags: []string{"B"}}, nowNS()); r.Logged {
		t.Errorf("%+v", r)
	}
	want(t, b, "by b", nowNS(), Miss)
	relay.Mend()
	connected(t, b)
	redistest.Until(t, "a obeys b", redistest.Patience, func() bool { _, s := a.Get(keyOf("by b"), nowNS()); return s == Miss })
	redistest.Until(t, "b obeys a", redistest.Patience, func() bool { _, s := b.Get(keyOf("by a"), nowNS()); return s == Miss })
}

func TestSlowRedisCostsTheBudgetAndThenNothing(t *testing.T) {
	server := redistest.Start(t)
	relay := redistest.NewRelay(t, server.Addr)
	a := join(t, relay.Addr, func(c *Config) { c.ReadBudget = 20 * time.Millisecond })
	connected(t, a)
	relay.Delay(300 * time.Millisecond)
	start := time.Now()
	for range 5 {
		sees(a, "none")
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("five look-ups took %v", d)
	}
	st := a.Stats()
	if st.L2Timeouts == 0 || st.Breaker != "open" {
		t.Errorf("%d timeouts, breaker %s", st.L2Timeouts, st.Breaker)
	}
	reads := a.Stats().L2Reads
	for range 100 {
		sees(a, "none")
	}
	if n := a.Stats().L2Reads - reads; n > 20 {
		t.Errorf("an open breaker let %d reads through", n)
	}
	relay.Delay(0)
	redistest.Until(t, "the breaker closes", redistest.Patience, func() bool {
		sees(a, "none")
		return a.Stats().Breaker == "closed"
	})
}

func TestFrozenRedisHoldsNobodyUp(t *testing.T) {
	server := redistest.Start(t)
	a := join(t, server.Addr, func(c *Config) {
		c.ReadBudget, c.AppendBudget, c.DisconnectedAfter, c.DisconnectedTTL = 20*time.Millisecond, 5*time.Millisecond, time.Second, time.Second
	})
	connected(t, a)
	fill(t, a, "k", "x", "City")
	server.Freeze()
	defer server.Thaw()
	start := time.Now()
	sees(a, "none")
	if r := invalidate(t, a, Invalidation{Tags: []string{"Other"}}, nowNS()); r.Logged {
		t.Errorf("%+v", r)
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
	redistest.Until(t, "the store is degraded", redistest.Patience, a.Degraded)
	redistest.Until(t, "old entries are given up", redistest.Patience, func() bool {
		_, state := a.Get(keyOf("k"), nowNS())
		return state == Miss
	})
	put(t, a, "new", draft("x", "City"), nowNS())
	want(t, a, "new", nowNS(), Fresh) // for DisconnectedTTL
	server.Thaw()
	connected(t, a)
	redistest.Until(t, "what waited is in the log", redistest.Patience, func() bool { return a.Stats().Queued == 0 && a.Stats().Appended == 1 })
}

func TestLostContactBoundsHowLongEntriesAreServed(t *testing.T) {
	now := t0
	s, err := Open(Config{Redis: []string{"127.0.0.1:1"}, Now: func() int64 { return now }}) // not run: the log is never reached
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	second := int64(time.Second)
	put(t, s, "k", &Draft{Body: []byte("x"), TTL: time.Hour}, t0)
	want(t, s, "k", t0+2*second, Fresh)
	want(t, s, "k", t0+10*second, Fresh)
	want(t, s, "k", t0+10*second+1, Miss)
	now = t0 + 2*second
	if s.Degraded() || s.Connected() {
		t.Error("after two seconds")
	}
	now++
	if !s.Degraded() {
		t.Error("not degraded after more than two seconds")
	}
	put(t, s, "later", &Draft{Body: []byte("x"), TTL: time.Hour}, t0+60*second)
	want(t, s, "later", t0+70*second, Fresh)
	want(t, s, "later", t0+70*second+1, Miss)
	now = t0 - 3600*second // the clock is set back: the contact says nothing any more
	put(t, s, "back", &Draft{Body: []byte("x"), TTL: time.Hour}, now)
	want(t, s, "back", now+10*second, Fresh)
	want(t, s, "back", now+11*second, Miss)
	if !s.Degraded() {
		t.Error("not degraded with a contact in the future")
	}
}

func TestCallersThatLeaveDoNotOpenTheBreaker(t *testing.T) {
	server := redistest.Start(t)
	relay := redistest.NewRelay(t, server.Addr)
	a := join(t, relay.Addr, nil)
	connected(t, a)
	relay.Delay(100 * time.Millisecond)
	for range 20 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
		r := a.Lookup(ctx, keyOf("k"), nowNS(), Wait{})
		cancel()
		if r.Fill != nil {
			r.Fill.Abandon(0)
		}
	}
	if st := a.Stats(); st.Breaker != "closed" || st.L2Errors != 0 {
		t.Errorf("%s, %d errors", st.Breaker, st.L2Errors)
	}
}

func TestFullWriteQueueDropsAndCounts(t *testing.T) {
	s, err := Open(Config{Redis: []string{"127.0.0.1:1"}, WriteQueue: 2, MaxBytes: 1 << 20}) // not run: nothing takes from the queue
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for i := range 5 {
		e := put(t, s, string(rune('a'+i)), draft("x"), nowNS())
		s.values.Put(s.memory.Get(&e.Digest))
	}
	if st := s.Stats(); st.L2Queue != 2 || st.L2Dropped != 3 {
		t.Errorf("%d wait, %d dropped", st.L2Queue, st.L2Dropped)
	}
}

func TestDamagedSharedValueIsAMiss(t *testing.T) {
	server := redistest.Start(t)
	a, b := fleet(t, server.Addr)
	fill(t, a, "k", "x", "City")
	for _, command := range [][]string{
		{"SETRANGE", b.values.Name(keyOf("k")), "200", "damage"},
		{"SET", b.values.Name(keyOf("k")), ""},
		{"SET", b.values.Name(keyOf("k")), "WEIR\x02 of another version"},
	} {
		server.Do(command...)
		before := b.Stats().MissCorrupt
		if body, _ := sees(b, "k"); body != "" {
			t.Errorf("%v: %q", command, body)
		}
		if b.Stats().MissCorrupt != before+1 {
			t.Errorf("%v is not counted", command)
		}
	}
	server.Do("DEL", b.values.Name(keyOf("k")))
	server.Do("LPUSH", b.values.Name(keyOf("k")), "of another type")
	if body, _ := sees(b, "k"); body != "" {
		t.Errorf("%q", body)
	}
}
