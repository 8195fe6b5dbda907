package cache

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// demand is a fleet of four stores that all have answered with the entry "k", which was filled by one of them. It ends after ttl and may not
// answer while it is fetched unless calm.
func demand(t *testing.T, addr string, ttl time.Duration, calm bool) []*Store {
	t.Helper()
	change := func(c *Config) {
		c.DisconnectedAfter = 24 * time.Hour // these tests look ahead
		if !calm {
			c.Revalidates = func(*Entry) time.Duration { return 0 }
		}
	}
	var fleet []*Store
	for range 4 {
		fleet = append(fleet, join(t, addr, change))
	}
	connected(t, fleet...)
	for _, s := range fleet[1:] {
		samePlace(t, fleet[0], s)
	}
	d := draft("old", "tag")
	d.TTL, d.FetchMicros = ttl, 1
	put(t, fleet[0], "k", d, nowNS())
	redistest.Until(t, "the shared tier has it", redistest.Patience, func() bool { return fleet[0].Stats().L2Writes == 1 })
	for i, s := range fleet {
		if r := s.Lookup(context.Background(), keyOf("k"), nowNS(), Wait{Lease: true}); r.State != Fresh {
			t.Fatalf("store %d: %+v", i, r)
		}
		want(t, s, "k", nowNS(), Fresh)
	}
	return fleet
}

// rush asks all stores at once at a time and returns what each got and how long the longest took; lead gets the fills.
func rush(fleet []*Store, now int64, lead func(*Fill)) (results []Result, longest time.Duration) {
	results = make([]Result, len(fleet))
	took := make([]time.Duration, len(fleet))
	var work sync.WaitGroup
	for i, s := range fleet {
		work.Go(func() {
			begun := time.Now()
			results[i] = s.Lookup(context.Background(), keyOf("k"), now, Wait{Collapse: time.Minute, Lease: true})
			took[i] = time.Since(begun)
			if f := results[i].Fill; f != nil {
				lead(f)
			}
		})
	}
	work.Wait()
	return results, slices.Max(took)
}

func led(results []Result) (n int) {
	for _, r := range results {
		if r.Fill != nil {
			n++
		}
	}
	return n
}

func renew(f *Fill) {
	d := draft("new", "tag")
	d.TTL = time.Hour
	f.Complete(d, nowNS())
}

func TestOneFetchPerFleetWhileTheOthersAnswerStale(t *testing.T) {
	fleet := demand(t, redistest.Start(t).Addr, time.Hour, true)
	results, _ := rush(fleet, nowNS()+int64(time.Hour)+1, func(f *Fill) { f.Abandon(0) })
	for _, r := range results {
		if r.State != Stale || string(r.Entry.Body) != "old" || r.Elsewhere == (r.Fill != nil) {
			t.Errorf("%+v", r)
		}
	}
	if n := led(results); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func TestOneFetchPerFleetAfterAnInvalidation(t *testing.T) {
	fleet := demand(t, redistest.Start(t).Addr, time.Hour, true)
	logged(t, fleet[0], Invalidation{Tags: []string{"tag"}})
	for _, s := range fleet[1:] {
		caughtUp(t, fleet[0], s)
	}
	results, longest := rush(fleet, nowNS(), renew)
	won, shared := uint64(0), uint64(0)
	for i, r := range results {
		if r.Fill == nil && (r.State != Fresh || string(r.Entry.Body) != "new") {
			t.Errorf("store %d: %+v", i, r)
		}
		won, shared = won+fleet[i].Stats().LeasesWon, shared+fleet[i].Stats().LeasesShared
	}
	if n := led(results); n != 1 || won != 1 || shared != 3 {
		t.Errorf("%d fetches, %d leases, %d shared, the longest took %s", n, won, shared, longest)
	}
	// The lease ended with its value: the next invalidation finds it free.
	logged(t, fleet[1], Invalidation{Tags: []string{"tag"}})
	want(t, fleet[1], "k", nowNS(), Miss)
	if r := fleet[1].Lookup(context.Background(), keyOf("k"), nowNS(), Wait{Lease: true}); r.Fill == nil {
		t.Errorf("%+v", r)
	}
}

// The one that has the lease is killed: the others go on when they have waited as long as a fetch takes.
func TestFleetGoesOnWithoutItsLeader(t *testing.T) {
	fleet := demand(t, redistest.Start(t).Addr, time.Hour, false)
	gone := make(chan *Fill, 4)
	results, longest := rush(fleet, nowNS()+int64(time.Hour)+1, func(f *Fill) { gone <- f })
	if n := led(results); n != 4 {
		t.Errorf("%d fetch", n)
	}
	if limit := 2 * time.Second; longest > limit {
		t.Errorf("the longest took %s", longest)
	}
	for range results {
		(<-gone).Abandon(0)
	}
}

func TestLeaseNeverAddsAnErrorNorAWaitWithoutRedis(t *testing.T) {
	server := redistest.Start(t)
	fleet := demand(t, server.Addr, time.Hour, false)
	server.Kill()
	for _, s := range fleet {
		redistest.Until(t, "the breaker is open", redistest.Patience, func() bool {
			s.Lookup(context.Background(), keyOf("other"), nowNS(), Wait{Lease: true}).Fill.Abandon(0)
			return s.Stats().Breaker == "open"
		})
	}
	results, longest := rush(fleet, nowNS(), func(f *Fill) { f.Abandon(0) })
	for _, r := range results {
		if r.State != Fresh {
			t.Errorf("%+v", r)
		}
	}
	results, longest2 := rush(fleet, nowNS()+int64(time.Hour)+1, func(f *Fill) { f.Abandon(0) })
	if n := led(results); n != 4 {
		t.Errorf("%d fetches", n)
	}
	t.Logf("the longest took %s and %s", longest, longest2)
}

func TestWhatIsNotInDemandAsksForNoLease(t *testing.T) {
	s := join(t, redistest.Start(t).Addr, nil)
	connected(t, s)
	for _, k := range []string{"a", "b"} {
		r := s.Lookup(context.Background(), keyOf(k), nowNS(), Wait{Lease: true})
		d := draft("x")
		d.TTL = time.Second
		r.Fill.Complete(d, nowNS())
	}
	if r := s.Lookup(context.Background(), keyOf("a"), nowNS()+int64(2*time.Second), Wait{Lease: true}); r.State != Stale || r.Fill == nil {
		t.Errorf("%+v", r)
	}
	if st := s.Stats(); st.LeasesWon+st.LeasesLost != 0 {
		t.Errorf("%d leases", st.LeasesWon+st.LeasesLost)
	}
}

// An entry that may answer no longer while it is fetched does not send everybody to the origin: they wait for the one who asks, and have
// it for the case that the origin fails.
func TestFollowersOfAStaleEntryThatMayNotAnswer(t *testing.T) {
	s := open(t, Config{Revalidates: func(*Entry) time.Duration { return 0 }})
	put(t, s, "k", draft("old"), t0)
	later := t0 + int64(time.Minute) + 1
	leader := s.Lookup(context.Background(), keyOf("k"), later, Wait{Collapse: time.Minute})
	if leader.Fill == nil || leader.State != Stale {
		t.Fatalf("%+v", leader)
	}
	got := make(chan Result)
	follow := func() { got <- s.Lookup(context.Background(), keyOf("k"), later, Wait{Collapse: time.Minute}) }
	go follow()
	redistest.Until(t, "somebody waits", redistest.Patience, func() bool { return s.flights.Followed(&leader.Fill.flight) })
	leader.Fill.Complete(draft("new"), later)
	if r := <-got; !r.Collapsed || string(r.Entry.Body) != "new" {
		t.Errorf("%+v", r)
	}
	later += int64(time.Minute) + 1
	leader = s.Lookup(context.Background(), keyOf("k"), later, Wait{Collapse: time.Minute})
	go follow()
	redistest.Until(t, "somebody waits", redistest.Patience, func() bool { return s.flights.Followed(&leader.Fill.flight) })
	leader.Fill.Abandon(time.Hour)
	if r := <-got; !r.Bypass || r.State != Stale || string(r.Entry.Body) != "new" {
		t.Errorf("%+v", r)
	}
}

func TestFetchTimeFollowsThe95thPercentile(t *testing.T) {
	var f fetchTime
	if f.p95() != firstFetch {
		t.Errorf("at first %s", f.p95())
	}
	for i := range 20_000 {
		f.saw(uint32(50_000 + i*7919%100_000)) // evenly between 50 and 150 ms
	}
	if p := f.p95(); p < 130*time.Millisecond || p > 160*time.Millisecond {
		t.Errorf("%s, want about 145 ms", p)
	}
	for range 20_000 {
		f.saw(1)
	}
	if f.p95() != shortFetch {
		t.Errorf("%s of fetches that take no time", f.p95())
	}
	for range 20_000 {
		f.saw(1 << 31)
	}
	if f.p95() != longFetch {
		t.Errorf("%s of fetches that take for ever", f.p95())
	}
}
