package cache

import (
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// TestFailoverThatLosesAnInvalidation: the replica that takes over has the entry and never heard that it was invalidated. Neither the
// stores that knew nor one that comes after may serve it.
func TestFailoverThatLosesAnInvalidation(t *testing.T) {
	for name, promoted := range map[string]bool{"lagging replica": true, "empty server": false} {
		t.Run(name, func(t *testing.T) {
			primary, replica := redistest.Start(t), redistest.Start(t)
			host, port, err := net.SplitHostPort(primary.Addr)
			if err != nil {
				t.Fatal(err)
			}
			if promoted {
				primary.Do("CONFIG", "SET", "repl-diskless-sync-delay", "0")
				replica.Do("REPLICAOF", host, port)
			}
			relay := redistest.NewRelay(t, primary.Addr)
			a, b := fleet(t, relay.Addr)
			fill(t, a, "k", "old", "City")
			if body, _ := sees(b, "k"); body != "old" {
				t.Fatalf("before: %q", body)
			}
			if promoted {
				redistest.Until(t, "the replica has what the primary has", redistest.Patience, func() bool {
					return replica.Do("DBSIZE") == primary.Do("DBSIZE") && replica.Do("XLEN", "{weir}:inv") == primary.Do("XLEN", "{weir}:inv")
				})
				replica.Do("REPLICAOF", "NO", "ONE")
			}
			logged(t, a, Invalidation{Tags: []string{"City"}}) // only the primary has it
			caughtUp(t, a, b)
			fill(t, b, "other", "x", "Lake")
			relay.Turn(replica.Addr)
			primary.Kill()
			if keys := replica.Do("DBSIZE"); promoted == (keys == ":0") {
				t.Fatalf("the server that takes over holds %s keys", keys)
			}
			unserved := func(who string, s *Store) {
				t.Helper()
				if body, tier := sees(s, "k"); body != "" {
					t.Fatalf("%s serves %q from tier %d", who, body, tier)
				}
			}
			for _, s := range []*Store{a, b} {
				redistest.Until(t, "the store knows the new log", redistest.Patience, func() bool {
					unserved("a store that knew", s)
					return s.Stats().Generations > 1 && s.Connected()
				})
			}
			late := join(t, relay.Addr, nil)
			unserved("a new store, before it read the log", late)
			connected(t, late)
			unserved("a new store", late)
			caughtUp(t, a, b)
			fill(t, a, "k", "new", "City")
			for _, s := range []*Store{b, late} {
				redistest.Until(t, "the others see the new entry", redistest.Patience, func() bool {
					body, _ := sees(s, "k")
					if body == "old" {
						t.Fatal("an entry of before the failover")
					}
					return body == "new"
				})
			}
		})
	}
}

// TestClockThatJumps: a clock that is put forward costs entries, one that is put back serves nothing longer than it may.
func TestClockThatJumps(t *testing.T) {
	var now atomic.Int64
	now.Store(t0)
	s := open(t, Config{Now: now.Load, EarlyRefresh: -1})
	put(t, s, "k", draft("one", "City"), t0)
	day := int64(24 * time.Hour)
	now.Store(t0 + day)
	want(t, s, "k", now.Load(), Miss)
	put(t, s, "k", draft("of tomorrow", "City"), now.Load())
	now.Store(t0) // back: the entry was made in what is now the future
	want(t, s, "k", t0, Miss)
	put(t, s, "k", draft("two", "City"), t0)
	want(t, s, "k", t0, Fresh)
	invalidate(t, s, Invalidation{Tags: []string{"City"}}, t0+day) // an invalidation of the future counts like any
	for _, at := range []int64{t0, t0 + 1, t0 - day, t0 + day} {
		if e, state := s.Get(keyOf("k"), at); state != Miss {
			t.Errorf("at %v from t0: %s %v", time.Duration(at-t0), e.Body, state)
		}
	}
	put(t, s, "k", draft("three", "City"), t0) // and does not keep what is filled after it from being stored
	want(t, s, "k", t0, Fresh)
	invalidate(t, s, Invalidation{Tags: []string{"City"}}, t0-day)
	want(t, s, "k", t0, Miss)
}

// TestClockOfRedisThatJumps: the log's positions are made of the server's time. One that restarts with its clock put back gives
// positions before those that were obeyed; what was invalidated stays so.
func TestClockOfRedisThatJumps(t *testing.T) {
	server := redistest.Start(t)
	a, b := fleet(t, server.Addr)
	fill(t, a, "k", "old", "City")
	sees(b, "k")
	// A record far in the future stands for a clock that was ahead when it was written: all later ones follow it, whatever the clock says.
	if id := server.Do("XADD", "{weir}:inv", "9999999999999-0", "a", "someone", "n", "1", "t", "Lake"); strings.HasPrefix(id, "-") {
		t.Fatal(id)
	}
	caughtUp(t, a, b)
	logged(t, a, Invalidation{Tags: []string{"City"}})
	caughtUp(t, a, b)
	for _, s := range []*Store{a, b} {
		if body, _ := sees(s, "k"); body != "" {
			t.Errorf("%q after the invalidation", body)
		}
	}
	fill(t, a, "k", "new", "City")
	redistest.Until(t, "the other sees the new entry", redistest.Patience, func() bool {
		body, _ := sees(b, "k")
		if body == "old" {
			t.Fatal("the invalidated entry came back")
		}
		return body == "new"
	})
}
