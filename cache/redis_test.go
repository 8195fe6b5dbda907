package cache

import (
	"fmt"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// shares fills a key in one store and reads it in another one, then invalidates it there.
func shares(t *testing.T, a, b *Store, key string) {
	t.Helper()
	fill(t, a, key, "shared", "City:"+key)
	if body, tier := sees(b, key); body != "shared" || tier != TierL2 {
		t.Fatalf("%s: %q from %v", key, body, tier)
	}
	if r := invalidate(t, b, Invalidation{Tags: []string{"City:" + key}}, nowNS()); !r.Logged {
		t.Fatalf("%s: %+v", key, r)
	}
	redistest.Until(t, "the other store obeys", redistest.Patience, func() bool {
		body, _ := sees(a, key)
		return body == ""
	})
}

func TestTLSWithAuthorityAndClientCertificate(t *testing.T) {
	ca := redistest.NewAuthority(t)
	server := redistest.StartTLS(t, ca)
	secure := func(c *Config) { c.RedisTLS = ca.Client() }
	a, b := join(t, server.Addr, secure), join(t, server.Addr, secure)
	connected(t, a, b)
	shares(t, a, b, "k")
}

func TestUserWithTheDocumentedRights(t *testing.T) {
	server := redistest.StartACL(t, "weir on >secret "+RedisRights("weir", false))
	user := func(c *Config) { c.RedisUsername, c.RedisPassword = "weir", "secret" }
	a, b := join(t, server.Addr, user), join(t, server.Addr, user)
	connected(t, a, b)
	shares(t, a, b, "k")
	if denied := server.List("ACL", "LOG"); len(denied) != 0 {
		t.Errorf("refused: %v", denied)
	}
}

func TestClusterOfThree(t *testing.T) {
	cluster := redistest.StartCluster(t, 3)
	nodes := func(c *Config) { c.Redis = cluster.Addresses() }
	one := func(c *Config) { c.RedisCluster = true }
	a, b := join(t, "", nodes), join(t, cluster.Nodes[1].Addr, one)
	connected(t, a, b)
	for i := range 20 {
		shares(t, a, b, fmt.Sprint("k", i))
	}
	at := map[int]int{}
	for i := range 20 {
		_, node := cluster.Slot(a.values.Name(keyOf(fmt.Sprint("k", i))))
		at[node]++
	}
	if len(at) != 3 {
		t.Errorf("values are on nodes %v", at)
	}
	if x, _ := cluster.Slot("{weir}:inv"); x < 0 {
		t.Error("no slot")
	} else if y, _ := cluster.Slot("{weir}:fleet"); x != y {
		t.Errorf("the log lies in slot %d, the places of its readers in %d", x, y)
	}
}

func TestClusterWhileSlotsMove(t *testing.T) {
	cluster := redistest.StartCluster(t, 3)
	nodes := func(c *Config) { c.Redis = cluster.Addresses() }
	a, b := join(t, "", nodes), join(t, "", nodes)
	connected(t, a, b)
	log, logAt := cluster.Slot("{weir}:inv")
	value, valueAt := cluster.Slot(a.values.Name(keyOf("moving")))
	for _, m := range []struct{ slot, from int }{{value, valueAt}, {log, logAt}} {
		to := (m.from + 1) % 3
		fill(t, a, "moving", "before", "City")
		cluster.BeginMove(m.slot, m.from, to)
		moved := cluster.MoveKeys(m.slot, m.from, to)
		t.Logf("slot %d: %d keys have moved from node %d to %d, which are asked for with ASK", m.slot, moved, m.from, to)
		if m.slot == value {
			c := join(t, "", nodes) // knows nothing of it in its memory
			connected(t, c)
			if body, _ := sees(c, "moving"); body != "before" {
				t.Errorf("while slot %d moves: %q", m.slot, body)
			}
			shares(t, a, b, "during")
		}
		cluster.EndMove(m.slot, to)
		// The log in another node may lack what a failed one had acknowledged, so there it is a new one.
		redistest.Until(t, "both read the log where it is now", redistest.Patience, func() bool {
			return m.slot == value || a.Stats().Generations == 2 && b.Stats().Generations == 2 && a.Connected() && b.Connected()
		})
		shares(t, b, a, fmt.Sprint("after ", m.slot)) // MOVED
		if r := invalidate(t, a, Invalidation{Tags: []string{"City"}}, nowNS()); !r.Logged {
			t.Errorf("%+v", r)
		}
		caughtUp(t, a, b)
		if body, _ := sees(b, "moving"); body != "" {
			t.Errorf("after the invalidation: %q", body)
		}
	}
	for i, s := range []*Store{a, b} {
		if st := s.Stats(); st.Generations != 2 || st.L2Errors != 0 {
			t.Errorf("store %d: %d generations of the log, %d errors", i, st.Generations, st.L2Errors)
		}
	}
}

// The values of two masters stay in reach while the third is dead, and while it is frozen: also when so many look-ups in a row have failed that
// they are no longer tried. Left out are values whose slots are next to those of the third: they may share its breaker.
func TestClusterWithAMasterThatFails(t *testing.T) {
	const values, run, near = 40, 8, redistest.Slots / 16
	for _, how := range []string{"dead", "frozen"} {
		t.Run(how, func(t *testing.T) {
			cluster := redistest.StartCluster(t, 3)
			_, logAt := cluster.Slot("{weir}:inv")
			bad := (logAt + 1) % 3
			first, last := bad*redistest.Slots/3, (bad+1)*redistest.Slots/3-1
			nodes := func(c *Config) {
				c.Redis, c.ReadBudget, c.WriteBudget = cluster.Addresses(), 100*time.Millisecond, 200*time.Millisecond
			}
			a := join(t, "", nodes)
			connected(t, a)
			var alive, lost []string
			for i := 0; len(alive) < values || len(lost) < values; i++ {
				name := fmt.Sprint("k", i)
				fill(t, a, name, "body", "City")
				if slot, at := cluster.Slot(a.values.Name(keyOf(name))); at == bad {
					lost = append(lost, name)
				} else if slot < first-near || slot > last+near {
					alive = append(alive, name)
				}
			}
			b := join(t, "", nodes)
			connected(t, b)
			if how == "dead" {
				cluster.Nodes[bad].Kill()
			} else {
				cluster.Nodes[bad].Freeze()
				t.Cleanup(cluster.Nodes[bad].Thaw)
			}
			misses, again, begun := 0, 0, time.Now()
			for i := 0; i < values; i += run {
				for _, name := range lost[i : i+run] {
					if body, _ := sees(b, name); body != "" {
						t.Errorf("%s from a server that is %s", name, how)
					}
				}
				for _, name := range alive[i : i+run] {
					for try := 1; ; try++ { // on a busy machine an answer may be later than the budget
						if body, tier := sees(b, name); body == "body" && tier == TierL2 {
							break
						} else if try == 3 {
							misses++
							break
						}
						again++
					}
				}
			}
			st := b.Stats()
			t.Logf("%d of %d values of living masters missed, %d asked for again; all look-ups took %v; breakers: %d closed, %d open", misses, values,
				again, time.Since(begun), st.BreakersClosed, st.BreakersOpen)
			if misses > 0 || again > values/4 {
				t.Errorf("%d values of living masters were out of reach, %d asked for again", misses, again)
			}
			if !b.Connected() {
				t.Error("the log is lost")
			}
		})
	}
}

func TestSentinelFailover(t *testing.T) {
	w := redistest.StartWatched(t)
	watched := func(c *Config) { c.RedisMaster = w.Name }
	a, b := join(t, w.Sentinel.Addr, watched), join(t, w.Sentinel.Addr, watched)
	connected(t, a, b)
	shares(t, a, b, "before")
	fill(t, a, "old", "old", "City")
	before := w.Leads()
	w.Master.Kill()
	redistest.Until(t, "Sentinel has made the replica the master", redistest.Patience, func() bool { return w.Leads() != before })
	connected(t, a, b)
	redistest.Until(t, "both have taken up the new log", redistest.Patience, func() bool {
		return a.Stats().Generations == 2 && b.Stats().Generations == 2
	})
	for _, s := range []*Store{a, b} {
		if body, _ := sees(s, "old"); body != "" {
			t.Errorf("after the failover, which may have lost invalidations: %q", body)
		}
	}
	caughtUp(t, a, b)
	for i, s := range []*Store{a, b} {
		redistest.Until(t, "the values' connection follows", redistest.Patience, func() bool {
			sees(s, fmt.Sprint("any ", i))
			return s.Stats().Breaker == "closed" && s.Stats().L2Reads > 0
		})
	}
	shares(t, a, b, "after")
}
