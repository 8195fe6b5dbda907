package cache

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// running is open with Run.
func running(t testing.TB, cfg Config) *Store {
	t.Helper()
	s := open(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	redistest.Until(t, "the store runs", redistest.Patience, s.reclaim.begun.Load)
	return s
}

func reached(t testing.TB, s *Store, inv Invalidation) Reach {
	t.Helper()
	_, reach, err := s.InvalidateCounted(context.Background(), inv, t0)
	if err != nil {
		t.Fatal(err)
	}
	return reach
}

func TestInvalidEntriesGiveTheirMemoryBack(t *testing.T) {
	s := running(t, Config{})
	before := s.Stats().Bytes
	for i := range 2000 {
		put(t, s, fmt.Sprint("city", i), draft("x", "City", fmt.Sprint("City:", i)), t0)
	}
	put(t, s, "country", draft("x", "Country"), t0)
	full := s.Stats().Bytes
	invalidate(t, s, Invalidation{Tags: []string{"City"}}, t0)
	redistest.Until(t, "the memory is back", redistest.Patience, func() bool { return s.Stats().Entries == 1 })
	redistest.Until(t, "they are counted", redistest.Patience, func() bool { return s.Stats().Reclaimed == 2000 })
	if st := s.Stats(); st.Reclaimed != 2000 || st.Bytes-before > (full-before)/100 {
		t.Errorf("%d entries reclaimed, %d bytes of %d are left", st.Reclaimed, st.Bytes-before, full-before)
	}
	want(t, s, "country", t0, Fresh)
}

func TestEntriesPastTheirTimeGoWithTheSweep(t *testing.T) {
	now := atomic.Int64{}
	now.Store(t0)
	s := running(t, Config{Now: now.Load})
	put(t, s, "old", draft("x", "City"), t0)
	put(t, s, "other", draft("x", "Country"), t0)
	now.Store(t0 + int64(time.Hour))
	invalidate(t, s, Invalidation{Tags: []string{"Country"}}, t0)
	redistest.Until(t, "both are gone", redistest.Patience, func() bool { return s.Stats().Entries == 0 })
}

func TestReceiptSaysWhatWasReached(t *testing.T) {
	s := running(t, Config{})
	fillAll := func() {
		for i := range 20 {
			put(t, s, fmt.Sprint("c", i), draft("x", "City", fmt.Sprint("City:", i), fmt.Sprint("Query.city(", i%2, ")")), t0)
		}
		put(t, s, "n", draft("x", "Country"), t0)
	}
	fillAll()
	for _, c := range []struct {
		inv  Invalidation
		want Reach
	}{
		{Invalidation{Tags: []string{"City:3", "City:4", "Nobody:1"}}, Reach{Entries: 2, Tags: []int64{1, 1, 0}}},
		{Invalidation{Tags: []string{"City:3"}}, Reach{Tags: []int64{0}}}, // it was made invalid before
		{Invalidation{Prefixes: []string{"City:1"}}, Reach{Entries: 11, Prefixes: []int64{11}}},
		{Invalidation{Patterns: []string{"Query.*(1)", "Country*", "Q*y.city(7)"}}, Reach{Entries: 3 + 1, Patterns: []int64{3, 1, 0}}},
		{Invalidation{Tags: []string{"City:0"}, Patterns: []string{"City:*"}, Soft: true}, Reach{Entries: 4, Tags: []int64{1}, Patterns: []int64{4}}},
		{Invalidation{All: true}, Reach{Entries: 4}},
		{Invalidation{Tags: []string{"Nobody"}}, Reach{Tags: []int64{0}}},
	} {
		got := reached(t, s, c.inv)
		if !got.Counted || got.Entries != c.want.Entries || !slices.Equal(got.Tags, c.want.Tags) || !slices.Equal(got.Prefixes, c.want.Prefixes) ||
			!slices.Equal(got.Patterns, c.want.Patterns) {
			t.Errorf("%+v: %+v, want %+v", c.inv, got, c.want)
		}
	}
	want(t, s, "c0", t0, Miss)
	want(t, s, "n", t0, Miss)
}

func TestWithoutRunNothingIsCountedAndItCountsAllTheSame(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "k", draft("x", "City"), t0)
	if got := reached(t, s, Invalidation{Tags: []string{"City"}, Patterns: []string{"a*b", "c*"}}); got.Counted || got.Entries != 0 {
		t.Errorf("%+v", got)
	}
	want(t, s, "k", t0, Miss)
}

// A tag nobody cached costs the same whatever there is in the cache: no walk over the entries.
func TestTagNobodyCachedIsOfConstantCost(t *testing.T) {
	s := running(t, Config{})
	for i := range 1000 {
		put(t, s, fmt.Sprint(i), draft("x", "City", fmt.Sprint("City:", i)), t0)
	}
	for i := range 20_000 {
		invalidate(t, s, Invalidation{Tags: []string{fmt.Sprint("Nobody:", i)}}, t0)
	}
	if st := s.Stats(); st.Sweeps > 40 || st.Entries != 1000 { // the filter takes a few of them for others
		t.Errorf("%d walks, %d entries", st.Sweeps, st.Entries)
	}
	want(t, s, "7", t0, Fresh)
}

// A storm of invalidations must not block the request path: hits go on, at least 10,000 tags a second are obeyed, and none is forgotten.
func TestStormDoesNotBlockHits(t *testing.T) {
	s := running(t, Config{})
	for i := range 5000 {
		put(t, s, fmt.Sprint(i), draft("x", "City", fmt.Sprint("City:", i)), t0)
	}
	put(t, s, "quiet", draft("x", "Quiet"), t0)
	var stop atomic.Bool
	var readers sync.WaitGroup
	var times []time.Duration
	readers.Go(func() {
		k := keyOf("quiet")
		for !stop.Load() {
			begin := time.Now()
			if _, st := s.Get(k, t0); st != Fresh {
				t.Error("an entry that nobody named is", st)
				return
			}
			if times = append(times, time.Since(begin)); len(times) == 1<<22 {
				return
			}
		}
	})
	const calls, each = 2000, 50
	begin := time.Now()
	for i := range calls {
		tags := make([]string, each)
		for j := range tags {
			tags[j] = fmt.Sprint("City:", (i*each+j)%5000)
		}
		invalidate(t, s, Invalidation{Tags: tags}, t0)
	}
	took := time.Since(begin)
	stop.Store(true)
	readers.Wait()
	slices.Sort(times)
	p99 := times[len(times)*99/100]
	rate := float64(calls*each) / took.Seconds()
	t.Logf("%.0f tags/s, %d hits beside them, p50 %v, p99 %v", rate, len(times), times[len(times)/2], p99)
	if rate < 10_000 || p99 > 20*time.Millisecond {
		t.Errorf("%.0f tags/s, p99 of a hit %v", rate, p99)
	}
	for i := range 5000 {
		want(t, s, fmt.Sprint(i), t0, Miss)
	}
}

// Calls that are counted share walks: many of them at once neither wait long nor go uncounted.
func TestCountedCallsShareWalks(t *testing.T) {
	s := running(t, Config{})
	for i := range 400 {
		put(t, s, fmt.Sprint(i), draft("x", fmt.Sprint("City:", i)), t0)
	}
	var callers sync.WaitGroup
	var entries, counted atomic.Int64
	for i := range 400 {
		callers.Go(func() {
			_, r, err := s.InvalidateCounted(context.Background(), Invalidation{Tags: []string{fmt.Sprint("City:", i)}}, t0)
			if err != nil {
				t.Error(err)
			}
			entries.Add(r.Entries)
			if r.Counted {
				counted.Add(1)
			}
		})
	}
	callers.Wait()
	if counted.Load() == 400 && entries.Load() != 400 || entries.Load() > 400 {
		t.Errorf("%d entries in %d calls", entries.Load(), counted.Load())
	}
	if n := s.Stats().Sweeps; n >= 400 {
		t.Errorf("%d walks", n)
	}
}

func TestTagUsesTellWhatIsHeld(t *testing.T) {
	s := running(t, Config{})
	for i := range 30 {
		put(t, s, fmt.Sprint(i), draft("x", "City", fmt.Sprint("City:", i%3), fmt.Sprint("Query.city(", i, ")")), t0)
	}
	invalidate(t, s, Invalidation{Tags: []string{"City:2"}}, t0)
	redistest.Until(t, "the invalid entries are gone", redistest.Patience, func() bool { return s.Stats().Entries == 20 })
	uses, more := s.TagUses("City", 2)
	if len(uses) != 2 || more != 0 || uses[0].Name != "City" || uses[0].Entries != 20 || uses[1].Name == "City:2" || uses[1].Entries != 10 || uses[1].Bytes <= 0 {
		t.Errorf("%+v and %d more", uses, more)
	}
	if uses, _ := s.TagUses("", 1000); len(uses) != 1+2+20 {
		t.Errorf("%d tags", len(uses))
	}
	if uses, _ := s.TagUses("Nobody", 10); len(uses) != 0 {
		t.Errorf("%+v", uses)
	}
}
