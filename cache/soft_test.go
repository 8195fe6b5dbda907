package cache

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// softly runs f in virtual time, with a store in which "k" was filled now: it is fresh for an hour and may be stale for ten seconds.
func softly(t *testing.T, f func(t *testing.T, s *Store)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Config{EarlyRefresh: -1})
		if err != nil {
			t.Fatal(err)
		}
		fillFor(t, s, "old")
		f(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func fillFor(t *testing.T, s *Store, body string) {
	t.Helper()
	d := draft(body, "City", "City:5", "Query.city")
	d.TTL, d.StaleFor = time.Hour, 10*time.Second
	put(t, s, "k", d, nowNS())
}

func soften(t *testing.T, s *Store, inv Invalidation) {
	t.Helper()
	inv.Soft = true
	invalidate(t, s, inv, nowNS())
}

// The stale time of an entry that was softly invalidated begins then, whenever somebody looks at it first, and however long it would have
// been fresh.
func TestStaleTimeBeginsWithTheSoftInvalidation(t *testing.T) {
	for _, what := range whats {
		for _, looks := range []bool{true, false} {
			t.Run(what.name, func(t *testing.T) {
				softly(t, func(t *testing.T, s *Store) {
					time.Sleep(time.Minute)
					soften(t, s, what.inv)
					if looks {
						want(t, s, "k", nowNS(), Stale)
					}
					time.Sleep(9900 * time.Millisecond)
					if looks {
						want(t, s, "k", nowNS(), Stale)
					}
					time.Sleep(100 * time.Millisecond)
					r := s.Lookup(context.Background(), keyOf("k"), nowNS(), Wait{})
					if r.Entry != nil || r.Why != Expired || r.Fill == nil {
						t.Fatalf("looked at before: %v; ten seconds after: %+v", looks, r)
					}
					r.Fill.Abandon(0)
				})
			})
		}
	}
}

// Whoever has noticed the first one, in whatever way, lets the second add nothing.
func TestSecondSoftInvalidationGivesNoMoreTime(t *testing.T) {
	for name, looks := range map[string]func(t *testing.T, s *Store){
		"after an answer": func(t *testing.T, s *Store) { want(t, s, "k", nowNS(), Stale) },
		"after a walk over the entries": func(_ *testing.T, s *Store) {
			s.reclaim.sweep(context.Background(), true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			softly(t, func(t *testing.T, s *Store) {
				soften(t, s, Invalidation{Tags: []string{"City"}})
				looks(t, s)
				for _, inv := range []Invalidation{{Tags: []string{"City"}}, {Tags: []string{"City:5"}}, {Prefixes: []string{"C"}}, {All: true}} {
					time.Sleep(2400 * time.Millisecond)
					want(t, s, "k", nowNS(), Stale)
					soften(t, s, inv)
					want(t, s, "k", nowNS(), Stale)
				}
				time.Sleep(400 * time.Millisecond)
				want(t, s, "k", nowNS(), Miss)
			})
		})
	}
}

func TestSoftInvalidationDoesNotLengthenALife(t *testing.T) {
	softly(t, func(t *testing.T, s *Store) {
		time.Sleep(time.Hour - time.Second)
		soften(t, s, Invalidation{Tags: []string{"City"}})
		time.Sleep(9 * time.Second)
		want(t, s, "k", nowNS(), Stale)
		time.Sleep(time.Second)
		want(t, s, "k", nowNS(), Miss)
	})
	softly(t, func(t *testing.T, s *Store) { // nor does one that comes when it is stale
		time.Sleep(time.Hour + 5*time.Second)
		soften(t, s, Invalidation{Tags: []string{"City"}})
		time.Sleep(4900 * time.Millisecond)
		want(t, s, "k", nowNS(), Stale)
		time.Sleep(100 * time.Millisecond)
		want(t, s, "k", nowNS(), Miss)
	})
}

// What was filled before an invalidation ends with it, and what was filled after it lives.
func TestFillThatWasSoftlyInvalidatedUnderWay(t *testing.T) {
	softly(t, func(t *testing.T, s *Store) {
		soften(t, s, Invalidation{Tags: []string{"City"}})
		f := s.Lookup(context.Background(), keyOf("k"), nowNS(), Wait{}).Fill
		time.Sleep(4 * time.Second)
		soften(t, s, Invalidation{Tags: []string{"City"}})
		time.Sleep(4 * time.Second)
		d := draft("new", "City")
		d.TTL, d.StaleFor, d.FetchMicros = time.Hour, 10*time.Second, 8_000_000
		f.Complete(d, nowNS())
		time.Sleep(5900 * time.Millisecond)
		if e := want(t, s, "k", nowNS(), Stale); string(e.Body) != "new" {
			t.Errorf("%q", e.Body)
		}
		time.Sleep(100 * time.Millisecond)
		want(t, s, "k", nowNS(), Miss)
		fillFor(t, s, "newest")
		time.Sleep(time.Minute)
		want(t, s, "k", nowNS(), Fresh)
	})
}

// shelf is a shared tier of one machine.
type shelf struct {
	mu sync.Mutex
	m  map[Key][]byte
}

func (t *shelf) Get(_ context.Context, k *Key, hash func([]byte) uint64) (*entry.Slot, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v, ok := t.m[*k]; ok {
		return plain.Decode(v, k, hash)
	}
	return nil, nil
}

func (t *shelf) Put(s *entry.Slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[s.Digest] = plain.Append(nil, s)
}

// An entry of the shared tier tells nobody that it was invalidated before: who has answered with it remembers.
func TestSoftlyInvalidatedEntryOfTheSharedTier(t *testing.T) {
	softly(t, func(t *testing.T, s *Store) {
		s.shared = &shelf{m: map[Key][]byte{}}
		slot := entry.Of(want(t, s, "k", nowNS(), Fresh))
		s.shared.Put(slot)
		s.memory.Delete(slot)
		ask := func(state State, tier Tier) {
			t.Helper()
			r := s.Lookup(context.Background(), keyOf("k"), nowNS(), Wait{})
			if r.State != state || r.Tier != tier || r.Fill == nil {
				t.Fatalf("%+v", r)
			}
			r.Fill.Abandon(0)
		}
		soften(t, s, Invalidation{Tags: []string{"City"}})
		ask(Stale, TierL2)
		time.Sleep(9 * time.Second)
		soften(t, s, Invalidation{Tags: []string{"City"}})
		ask(Stale, TierL1)
		time.Sleep(time.Second)
		want(t, s, "k", nowNS(), Miss)
	})
}

func TestStaleHitAllocatesNothingInThisProcess(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "k", draft("x", "City", "City:5"), t0)
	invalidate(t, s, Invalidation{Tags: []string{"City"}, Soft: true}, t0)
	k := keyOf("k")
	if n := testing.AllocsPerRun(10_000, func() {
		if e, state := s.Get(k, t0); state != Stale || StaleFrom(e) > t0 {
			t.Fatal("no stale hit")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	list := []string{"City"}
	if n := testing.AllocsPerRun(200, func() {
		invalidate(t, s, Invalidation{Tags: list, Soft: true}, t0)
		s.Get(k, t0)
	}); n > 12 {
		t.Errorf("Invalidate and a check: %v allocations", n)
	}
}

// A stale entry answers while it is fetched for as long as policy says from its invalidation on.
func TestStaleAnswerAfterASoftInvalidationIsForPolicyToEnd(t *testing.T) {
	s := open(t, Config{Revalidates: func(*Entry) time.Duration { return 5 * time.Second }})
	put(t, s, "k", draft("x", "City"), t0)
	invalidate(t, s, Invalidation{Tags: []string{"City"}, Soft: true}, t0)
	r := s.Lookup(context.Background(), keyOf("k"), t0, Wait{})
	for after, may := range map[time.Duration]bool{0: true, 4900 * time.Millisecond: true, 5100 * time.Millisecond: false} {
		if got := s.mayAnswer(&r, t0+int64(after)); got != may {
			t.Errorf("after %v: %v", after, got)
		}
	}
}
