package cache

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that are left. The client of a cluster closes
// connections to nodes it has no use for five seconds later, and looks for the nodes again after a while.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

// t0 is a moment of tests that pass their own time.
const t0 = int64(1_800_000_000_000_000_000)

// names is a TagSource.
type names []string

func (n names) Len() int        { return len(n) }
func (n names) At(i int) []byte { return []byte(n[i]) }

func keyOf(name string) *Key {
	var w KeyWriter
	w.Reset()
	w.Part(1, []byte(name))
	k := w.Sum()
	return &k
}

// open returns a store of this process alone whose own clock stands at t0.
func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() int64 { return t0 }
	}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// lead looks a key up and expects to be told to fill it.
func lead(t testing.TB, s *Store, key string, now int64) *Fill {
	t.Helper()
	r := s.Lookup(context.Background(), keyOf(key), now, Wait{})
	if r.Fill == nil {
		t.Fatalf("%s: no fill to lead: %+v", key, r)
	}
	return r.Fill
}

func draft(body string, tags ...string) *Draft {
	return &Draft{Head: []byte("head"), Body: []byte(body), TTL: time.Minute, StaleFor: time.Minute, Tags: names(tags)}
}

func put(t testing.TB, s *Store, key string, d *Draft, now int64) *Entry {
	t.Helper()
	e := lead(t, s, key, now).Complete(d, now)
	if e == nil {
		t.Fatalf("%s is not stored", key)
	}
	return e
}

func want(t testing.TB, s *Store, key string, now int64, state State) *Entry {
	t.Helper()
	e, got := s.Get(keyOf(key), now)
	if got != state {
		t.Fatalf("%s is %v, want %v", key, got, state)
	}
	if (e == nil) != (state == Miss) {
		t.Fatalf("%s is %v and its entry is %v", key, got, e)
	}
	return e
}

func invalidate(t testing.TB, s *Store, inv Invalidation, now int64) Receipt {
	t.Helper()
	r, err := s.Invalidate(context.Background(), inv, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
