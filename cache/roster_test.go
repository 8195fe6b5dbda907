package cache

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

func named(name string) func(*Config) { return func(c *Config) { c.Instance = name } }

func allListed(t *testing.T, s *Store, names ...string) {
	t.Helper()
	redistest.Until(t, fmt.Sprint("the roster has ", names), redistest.Patience, func() bool {
		f, err := s.Fleet(context.Background())
		if err != nil || !f.Settled || len(f.Members) != len(names) {
			return false
		}
		for i, m := range f.Members {
			if m.Instance != names[i] || !m.Entered {
				return false
			}
		}
		return true
	})
}

func TestAwaitFleetWaitsForTheOthersAndNotLonger(t *testing.T) {
	server := redistest.Start(t)
	a, b, c := join(t, server.Addr, named("a")), join(t, server.Addr, named("b")), join(t, server.Addr, named("c"))
	connected(t, a, b, c)
	allListed(t, a, "a", "b", "c")
	fill(t, a, "k", "old", "City")
	redistest.Until(t, "the others have it", redistest.Patience, func() bool {
		x, _ := sees(b, "k")
		y, _ := sees(c, "k")
		return x == "old" && y == "old"
	})
	var took []time.Duration
	for range 20 {
		logged(t, a, Invalidation{Tags: []string{"City"}})
		r := a.AwaitFleet(context.Background(), redistest.Patience)
		if !r.All() || r.Members != 3 || r.Reached != 3 || r.Changed {
			t.Fatalf("%+v", r)
		}
		want(t, b, "k", nowNS(), Miss)
		want(t, c, "k", nowNS(), Miss)
		took = append(took, r.Took)
		fill(t, a, "k", "old", "City")
		sees(b, "k")
		sees(c, "k")
	}
	slices.Sort(took)
	t.Logf("waited %v (median), %v (longest)", took[len(took)/2], took[len(took)-1])
	if took[len(took)/2] > time.Second {
		t.Error("members do not publish at once")
	}
	if st := a.Stats(); st.FleetMembers != 3 || st.FleetAll != 20 {
		t.Errorf("%d members, %d waits", st.FleetMembers, st.FleetAll)
	}
}

func TestAwaitFleetNamesWhoIsCutOffUntilItTrustsNothing(t *testing.T) {
	server := redistest.Start(t)
	relay := redistest.NewRelay(t, server.Addr)
	a := join(t, server.Addr, named("a"))
	b := join(t, relay.Addr, func(c *Config) {
		c.Instance, c.DisconnectedAfter, c.DisconnectedTTL = "b", time.Second, 2*time.Second
	})
	connected(t, a, b)
	allListed(t, a, "a", "b")
	fill(t, b, "k", "old", "City")
	relay.Cut()
	cutOff(t, b)
	logged(t, a, Invalidation{Tags: []string{"City"}})
	r := a.AwaitFleet(context.Background(), 300*time.Millisecond)
	if r.All() || r.Err != nil || len(r.Missing) != 1 || r.Missing[0].Instance != "b" || r.Missing[0].SafeIn > 2*time.Second || !r.Missing[0].Entered {
		t.Fatalf("%+v", r)
	}
	if a.Stats().FleetMissing != 1 {
		t.Error("not counted")
	}
	r = a.AwaitFleet(context.Background(), redistest.Patience)
	if !r.All() || r.Expired != 1 || r.Took < time.Second {
		t.Fatalf("%+v", r)
	}
	want(t, b, "k", nowNS(), Miss)
	relay.Mend()
	connected(t, b)
	if r = a.AwaitFleet(context.Background(), redistest.Patience); !r.All() || r.Reached != 2 {
		t.Fatalf("%+v", r)
	}
}

func TestAwaitFleetOverAFailover(t *testing.T) {
	for _, keep := range []bool{true, false} {
		t.Run(fmt.Sprintf("data kept %v", keep), func(t *testing.T) {
			server := redistest.Reserve(t)
			server.Start(keep)
			relay := redistest.NewRelay(t, server.Addr)
			a, b := join(t, server.Addr, named("a")), join(t, relay.Addr, named("b"))
			connected(t, a, b)
			allListed(t, a, "a", "b")
			fill(t, a, "k", "old", "City")
			sees(b, "k")
			relay.Delay(400 * time.Millisecond) // b does not come to its place before the server is gone
			logged(t, a, Invalidation{Tags: []string{"City"}})
			before := server.Do("XLEN", "{weir}:inv")
			var r FleetReceipt
			var waiting sync.WaitGroup
			waiting.Go(func() { r = a.AwaitFleet(context.Background(), redistest.Patience) })
			redistest.Until(t, "the fleet is asked", redistest.Patience, func() bool { return server.Do("XLEN", "{weir}:inv") != before })
			server.Kill()
			relay.Delay(0)
			server.Start(keep)
			waiting.Wait()
			if !r.All() || r.Reached < 1 {
				t.Fatalf("%+v", r)
			}
			if keep && r.Reached+r.Expired != 2 { // the places are known from before: b must have entered the new generation
				t.Errorf("%+v", r)
			}
			connected(t, a, b)
			caughtUp(t, a, b)
			want(t, b, "k", nowNS(), Miss)
		})
	}
}

func TestAwaitFleetWithoutTheLogSaysThatNothingIsKnown(t *testing.T) {
	server := redistest.Start(t)
	a := join(t, server.Addr, nil)
	connected(t, a)
	server.Freeze()
	defer server.Thaw()
	if r := a.AwaitFleet(context.Background(), 200*time.Millisecond); r.All() || r.Err == nil {
		t.Errorf("%+v", r)
	}
	alone := open(t, Config{})
	if r := alone.AwaitFleet(context.Background(), time.Second); !r.All() || r.Members != 1 {
		t.Errorf("without Redis: %+v", r)
	}
}

func TestRosterForgetsWhoHasLeftAndWhoVanished(t *testing.T) {
	server := redistest.Start(t)
	server.Do("HSET", "{weir}:fleet", "dead", "1 1-0 1000 10000 dead", "foreign", "?")
	a := join(t, server.Addr, named("a"))
	connected(t, a)
	redistest.Until(t, "who vanished is forgotten", redistest.Patience, func() bool { return server.Do("HEXISTS", "{weir}:fleet", "dead") == ":0" })
	server.Do("HDEL", "{weir}:fleet", "foreign")
	t.Run("one that leaves", func(t *testing.T) {
		b := join(t, server.Addr, named("b"))
		connected(t, b)
		allListed(t, a, "a", "b")
	})
	allListed(t, a, "a")
}

// An idle sidecar publishes its place in the round trip that reads the log: the roster costs none.
func TestRosterCostsNoRoundTrip(t *testing.T) {
	server := redistest.Start(t)
	a := join(t, server.Addr, nil)
	connected(t, a)
	caughtUp(t, a, a)
	calls := func() (n int) {
		for line := range strings.Lines(server.Text("INFO", "commandstats")) {
			var calls int
			if rest, ok := strings.CutPrefix(line, "cmdstat_evalsha:calls="); ok {
				_, _ = fmt.Sscanf(rest, "%d", &calls)
				n += calls
			}
			if rest, ok := strings.CutPrefix(line, "cmdstat_xread:calls="); ok {
				_, _ = fmt.Sscanf(rest, "%d", &calls)
				n += calls
			}
		}
		return n
	}
	start, before := time.Now(), calls()
	contact := a.journal.Contact()
	redistest.Until(t, "three beats", redistest.Patience, func() bool { return a.journal.Contact() >= contact+int64(3*time.Second) })
	n := float64(calls()-before) / time.Since(start).Seconds()
	t.Logf("%.1f calls a second", n)
	if n > 4 {
		t.Errorf("%.1f calls a second, want 3: one reads and one publishes together, one waits", n)
	}
}
