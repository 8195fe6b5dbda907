package cache

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// follow starts followers of a key and waits until each is seen to have joined: followers come after the leader, so it is enough that they
// run; what they get is sent.
func follow(ctx context.Context, s *Store, key string, n int, w Wait) (results chan Result) {
	results = make(chan Result, n)
	for range n {
		go func() { results <- s.Lookup(ctx, keyOf(key), t0, w) }()
	}
	return results
}

func TestFollowersGetTheLeadersEntry(t *testing.T) {
	s := open(t, Config{})
	f := lead(t, s, "k", t0)
	results := follow(context.Background(), s, "k", 20, Wait{Collapse: redistest.Patience})
	if e := f.Complete(draft("x", "a"), t0); e == nil {
		t.Fatal("not stored")
	}
	for range 20 {
		if r := <-results; r.State != Fresh || string(r.Entry.Body) != "x" || r.Fill != nil {
			t.Fatalf("a follower got %+v", r)
		}
	}
	if n := s.Stats().Fills; n != 1 {
		t.Errorf("%d fills", n)
	}
}

// A follower may wake long after the fill has ended: what was invalidated in between is not served as fresh.
func TestFollowersThatWakeLateGetNothingInvalidated(t *testing.T) {
	for _, c := range []struct {
		what  string
		inv   *Invalidation
		state State
	}{
		{"nothing", nil, Fresh},
		{"another tag", &Invalidation{Tags: []string{"b"}}, Fresh},
		{"its tag", &Invalidation{Tags: []string{"a"}}, Miss},
		{"its tag, softly", &Invalidation{Tags: []string{"a"}, Soft: true}, Stale},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := open(t, Config{})
			f := lead(t, s, "k", t0)
			mine := &Fill{s: s}
			theirs := s.flights.Join(keyOf("k"), t0, &mine.flight)
			d := draft("x", "a")
			d.StaleFor = time.Hour
			if theirs != &f.flight || f.Complete(d, t0) == nil {
				t.Fatal("not followed, or not stored")
			}
			if c.inv != nil {
				invalidate(t, s, *c.inv, t0+1)
			}
			r := s.follow(context.Background(), theirs, keyOf("k"), t0+2, Wait{Collapse: redistest.Patience}, Result{})
			if r.State != c.state || (r.Entry == nil) != (c.state == Miss) || (r.Fill == nil) != (c.state != Miss) {
				t.Fatalf("a follower got %+v", r)
			}
			if r.Fill != nil {
				r.Fill.Abandon(0)
			}
		})
	}
}

func TestFollowersHaveTheirOwnPatience(t *testing.T) {
	s := open(t, Config{})
	f := lead(t, s, "k", t0)
	if r := s.Lookup(context.Background(), keyOf("k"), t0, Wait{}); r.Entry != nil || r.Fill != nil || r.Bypass {
		t.Errorf("without patience: %+v", r)
	}
	if r := s.Lookup(context.Background(), keyOf("k"), t0, Wait{Collapse: time.Millisecond}); r.Entry != nil || r.Fill != nil {
		t.Errorf("after its patience: %+v", r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r := s.Lookup(ctx, keyOf("k"), t0, Wait{Collapse: time.Hour}); r.Entry != nil || r.Fill != nil {
		t.Errorf("whose client left: %+v", r)
	}
	if n := s.Stats().CollapseTimeouts; n != 1 {
		t.Errorf("%d gave up", n)
	}
	f.Complete(draft("x"), t0)
	want(t, s, "k", t0, Fresh)
}

func TestLeaderWhoseClientLeftMayStillComplete(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithCancel(context.Background())
	r := s.Lookup(ctx, keyOf("k"), t0, Wait{})
	results := follow(context.Background(), s, "k", 3, Wait{Collapse: redistest.Patience})
	cancel()
	r.Fill.Complete(draft("x"), t0)
	for range 3 {
		if got := <-results; got.State != Fresh {
			t.Errorf("%+v", got)
		}
	}
}

func TestAbandonLetsOneFollowerLead(t *testing.T) {
	s := open(t, Config{})
	f := lead(t, s, "k", t0)
	results := follow(context.Background(), s, "k", 5, Wait{Collapse: redistest.Patience})
	f.Abandon(0)
	r := <-results
	if r.Fill == nil {
		t.Fatalf("the first to come back got %+v", r)
	}
	r.Fill.Complete(draft("x"), t0)
	for range 4 {
		if got := <-results; got.State != Fresh || got.Fill != nil {
			t.Errorf("%+v", got)
		}
	}
	f.Abandon(time.Hour) // a second end does nothing
	f.Complete(draft("late"), t0)
	if r := s.Lookup(context.Background(), keyOf("k"), t0, Wait{}); r.Bypass || r.State != Fresh {
		t.Errorf("%+v", r)
	}
}

func TestKeyThatCannotBeSharedIsNotSerialised(t *testing.T) {
	s := open(t, Config{})
	f := lead(t, s, "k", t0)
	results := follow(context.Background(), s, "k", 5, Wait{Collapse: redistest.Patience})
	f.Abandon(2 * time.Minute)
	for range 5 {
		if r := <-results; !r.Bypass || r.Fill != nil || r.Entry != nil {
			t.Errorf("%+v", r)
		}
	}
	soon, later := t0+int64(time.Minute), t0+int64(2*time.Minute)
	if r := s.Lookup(context.Background(), keyOf("k"), soon, Wait{}); !r.Bypass {
		t.Errorf("a minute later: %+v", r)
	}
	if r := s.Lookup(context.Background(), keyOf("k"), later, Wait{}); r.Bypass || r.Fill == nil {
		t.Errorf("two minutes later: %+v", r)
	}
}

func TestMarkersAreBounded(t *testing.T) {
	s := open(t, Config{MaxMarkers: 64})
	for i := range 5000 {
		lead(t, s, string(rune(i)), t0).Abandon(time.Hour)
	}
	marked := 0
	for i := range 5000 {
		if s.flights.Marked(keyOf(string(rune(i))), t0) {
			marked++
		}
	}
	if marked == 0 || marked > 64 {
		t.Errorf("%d keys are marked", marked)
	}
}

func TestAnotherLeadsWhenTheLeaderIsLost(t *testing.T) {
	s := open(t, Config{MaxFill: time.Minute})
	lost := lead(t, s, "k", t0)
	later := t0 + int64(time.Minute)
	if r := s.Lookup(context.Background(), keyOf("k"), later-1, Wait{}); r.Fill != nil {
		t.Error("two lead")
	}
	f := lead(t, s, "k", later)
	lost.Abandon(0)
	if r := s.Lookup(context.Background(), keyOf("k"), later, Wait{}); r.Fill != nil {
		t.Error("the end of the lost fill ended the new one")
	}
	f.Complete(draft("x"), later)
	want(t, s, "k", later, Fresh)
}

func TestFollowersOfAnInvalidatedFillFetchAgain(t *testing.T) {
	s := open(t, Config{})
	f := lead(t, s, "k", t0)
	results := follow(context.Background(), s, "k", 5, Wait{Collapse: redistest.Patience})
	invalidate(t, s, Invalidation{Tags: []string{"City"}}, t0)
	f.Complete(draft("old", "City"), t0)
	r := <-results
	if r.Fill == nil || r.Entry != nil {
		t.Fatalf("%+v", r)
	}
	r.Fill.Complete(draft("new", "City"), t0)
	for range 4 {
		if got := <-results; string(got.Entry.Body) != "new" {
			t.Errorf("%+v", got)
		}
	}
}

func TestStaleIsServedWhileOneRefreshes(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "k", draft("old"), t0)
	late := t0 + int64(70*time.Second)
	r := s.Lookup(context.Background(), keyOf("k"), late, Wait{})
	if r.State != Stale || r.Fill == nil {
		t.Fatalf("%+v", r)
	}
	if other := s.Lookup(context.Background(), keyOf("k"), late, Wait{Collapse: time.Hour}); other.State != Stale || other.Fill != nil {
		t.Fatalf("%+v", other)
	}
	r.Fill.Abandon(0)
	r = s.Lookup(context.Background(), keyOf("k"), late, Wait{})
	if r.State != Stale || r.Fill == nil {
		t.Fatalf("after a failed refresh: %+v", r)
	}
	r.Fill.Complete(draft("new"), late)
	if e := want(t, s, "k", late, Fresh); string(e.Body) != "new" {
		t.Errorf("%q", e.Body)
	}
}

func TestManyCallersOfOneKeyFillItOnce(t *testing.T) {
	s := open(t, Config{})
	for round := range 200 {
		now := t0 + int64(round)*int64(time.Hour)
		var work sync.WaitGroup
		for range 8 {
			work.Go(func() {
				if _, state := s.Get(keyOf("k"), now); state == Fresh {
					return
				}
				r := s.Lookup(context.Background(), keyOf("k"), now, Wait{Collapse: redistest.Patience})
				if r.Fill != nil {
					r.Fill.Complete(draft("x"), now)
				} else if r.State != Fresh {
					t.Errorf("%+v", r)
				}
			})
		}
		work.Wait()
	}
	if n := s.Stats().Fills; n != 200 {
		t.Errorf("%d fills of 200", n)
	}
}

// An answer too large to wait for others is turned away by a full tier while it is put. Those who wait for it get it all the same: who has made it is not done
// with its memory.
func TestFollowersGetAnAnswerThatIsTurnedAway(t *testing.T) {
	s := open(t, Config{MaxBytes: 20 << 20})
	small := draft(strings.Repeat("s", 4000), "small")
	small.TimesOnly = true
	for i := range 8000 { // more than it has room for
		put(t, s, strconv.Itoa(i), small, t0)
	}
	large := draft(strings.Repeat("l", 300_000), "large")
	large.TimesOnly = true
	f := lead(t, s, "k", t0)
	results := follow(context.Background(), s, "k", 1, Wait{Collapse: redistest.Patience})
	redistest.Until(t, "it is waited for", redistest.Patience, func() bool { return s.flights.Followed(&f.flight) })
	before := s.Stats()
	if f.Complete(large, t0) == nil {
		t.Fatal("not stored")
	}
	if after := s.Stats(); after.Evicted == before.Evicted {
		t.Fatal("not turned away")
	}
	if r := <-results; r.State != Fresh || !bytes.Equal(r.Entry.Body, large.Body) {
		t.Errorf("a follower got %v", r.State)
	}
}
