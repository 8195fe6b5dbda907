package cache

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// whats are the ways to name an entry with the tags City, City:5 and Query.city.
var whats = []struct {
	name string
	inv  Invalidation
}{
	{"tag", Invalidation{Tags: []string{"City:5"}}},
	{"tag among others", Invalidation{Tags: []string{"Country:1", "City", "Country:2"}}},
	{"prefix", Invalidation{Prefixes: []string{"City:"}}},
	{"pattern", Invalidation{Patterns: []string{"C*y:5"}}},
	{"pattern that is a prefix", Invalidation{Patterns: []string{"City:*"}}},
	{"whole name as prefix", Invalidation{Prefixes: []string{"Query.city"}}},
	{"everything", Invalidation{All: true}},
}

func TestInvalidationCountsBeforeItReturns(t *testing.T) {
	for _, what := range whats {
		t.Run(what.name, func(t *testing.T) {
			s := open(t, Config{})
			put(t, s, "k", draft("old", "City", "City:5", "Query.city"), t0)
			want(t, s, "k", t0, Fresh)
			r := invalidate(t, s, what.inv, t0)
			if !r.Logged || r.Shared || r.Position.IsZero() {
				t.Errorf("receipt %+v", r)
			}
			want(t, s, "k", t0, Miss)
			put(t, s, "k", draft("new", "City", "City:5", "Query.city"), t0)
			if e := want(t, s, "k", t0, Fresh); string(e.Body) != "new" {
				t.Errorf("body %q", e.Body)
			}
		})
	}
}

func TestFillUnderWayWhenInvalidatedIsNeverServed(t *testing.T) {
	for _, what := range whats {
		t.Run(what.name, func(t *testing.T) {
			s := open(t, Config{})
			f := lead(t, s, "k", t0)
			invalidate(t, s, what.inv, t0)
			if e := f.Complete(draft("old", "City", "City:5", "Query.city"), t0); e != nil {
				t.Errorf("stored %q", e.Body)
			}
			want(t, s, "k", t0, Miss)
			put(t, s, "k", draft("new", "City", "City:5", "Query.city"), t0)
			want(t, s, "k", t0, Fresh)
		})
	}
}

func TestWhatIsNotNamedStays(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "city", draft("x", "City", "City:5"), t0)
	put(t, s, "none", draft("x"), t0)
	f := lead(t, s, "under way", t0)
	invalidate(t, s, Invalidation{Tags: []string{"City:55", "city:5", "Cit", ""}, Prefixes: []string{"City:5 ", "ity"}, Patterns: []string{"*:55", "C*6"}}, t0)
	f.Complete(draft("x", "City:5"), t0)
	for _, k := range []string{"city", "none", "under way"} {
		want(t, s, k, t0, Fresh)
	}
	if r := invalidate(t, s, Invalidation{}, t0); !r.Logged {
		t.Errorf("nothing named: %+v", r)
	}
	want(t, s, "none", t0, Fresh)
}

func TestSoftInvalidationMakesStaleButPrivateGoes(t *testing.T) {
	for _, what := range whats {
		t.Run(what.name, func(t *testing.T) {
			s := open(t, Config{})
			put(t, s, "public", draft("x", "City", "City:5", "Query.city"), t0)
			private := draft("x", "City", "City:5", "Query.city")
			private.Private = true
			put(t, s, "private", private, t0)
			under := lead(t, s, "under way", t0)
			inv := what.inv
			inv.Soft = true
			invalidate(t, s, inv, t0)
			under.Complete(draft("x", "City", "City:5", "Query.city"), t0)
			want(t, s, "public", t0, Stale)
			want(t, s, "under way", t0, Stale)
			want(t, s, "private", t0, Miss)
			r := s.Lookup(context.Background(), keyOf("public"), t0, Wait{})
			if r.State != Stale || r.Fill == nil {
				t.Fatalf("a stale entry is not to be refreshed: %+v", r)
			}
			r.Fill.Complete(draft("new", "City", "City:5", "Query.city"), t0)
			want(t, s, "public", t0, Fresh)
			invalidate(t, s, what.inv, t0)
			want(t, s, "public", t0, Miss)
		})
	}
}

func TestStaleAfterSoftBecomesInvalidAfterHard(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "k", draft("x", "City"), t0)
	invalidate(t, s, Invalidation{Tags: []string{"City"}, Soft: true}, t0)
	want(t, s, "k", t0, Stale)
	invalidate(t, s, Invalidation{Tags: []string{"City"}}, t0)
	want(t, s, "k", t0, Miss)
	invalidate(t, s, Invalidation{Tags: []string{"City"}, Soft: true}, t0)
	want(t, s, "k", t0, Miss)
}

func TestMoreNamesThanAreRememberedCostEntriesNotTruth(t *testing.T) {
	s := open(t, Config{MaxTombstones: 16})
	put(t, s, "named", draft("x", "Tag:0"), t0)
	put(t, s, "other", draft("x", "Other"), t0)
	f := lead(t, s, "under way", t0)
	for i := range 100 {
		invalidate(t, s, Invalidation{Tags: []string{fmt.Sprint("Tag:", i)}}, t0)
	}
	f.Complete(draft("x", "Tag:1"), t0)
	want(t, s, "named", t0, Miss)
	want(t, s, "under way", t0, Miss)
	st := s.Stats()
	if st.FloorRaises == 0 || st.Tombstones > 16 {
		t.Errorf("%d names, %d raises", st.Tombstones, st.FloorRaises)
	}
	put(t, s, "later", draft("x", "Other"), t0)
	for i := range 15 {
		invalidate(t, s, Invalidation{Tags: []string{fmt.Sprint("More:", i)}}, t0)
	}
	want(t, s, "later", t0, Fresh) // filled after what was forgotten
}

func TestMorePrefixesThanAreRememberedCostEntriesNotTruth(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "named", draft("x", "P0:1"), t0)
	for i := range 3000 {
		invalidate(t, s, Invalidation{Prefixes: []string{fmt.Sprint("P", i, ":")}}, t0)
	}
	want(t, s, "named", t0, Miss)
	if n := s.Stats().PrefixTombstones; n > 1024 {
		t.Errorf("%d prefixes are kept", n)
	}
	put(t, s, "named", draft("x", "P0:1"), t0)
	want(t, s, "named", t0, Fresh)
}

func TestInvalidationsOlderThanAnyEntryAreForgotten(t *testing.T) {
	s := open(t, Config{Retention: time.Hour})
	for i := range 1000 {
		invalidate(t, s, Invalidation{Tags: []string{fmt.Sprint("Tag:", i)}, Prefixes: []string{fmt.Sprint("p", i%10)}}, t0)
	}
	f := lead(t, s, "k", t0)
	invalidate(t, s, Invalidation{Tags: []string{"City"}}, t0)
	later := t0 + int64(2*time.Hour)
	invalidate(t, s, Invalidation{Tags: []string{"Other"}}, later)
	if st := s.Stats(); st.Tombstones != 1 || st.PrefixTombstones != 0 {
		t.Errorf("%d names and %d prefixes are kept", st.Tombstones, st.PrefixTombstones)
	}
	if f.Complete(draft("x", "City"), later) != nil {
		t.Error("a fill older than a forgotten invalidation counts")
	}
}

func TestStormOfUnknownNamesIsCheap(t *testing.T) {
	s := open(t, Config{MaxTombstones: 50_000})
	put(t, s, "k", draft("x", "City"), t0)
	start := time.Now()
	list := make([]string, 1000)
	for round := range 100 {
		for i := range list {
			list[i] = fmt.Sprint("Unknown:", round, ":", i)
		}
		if _, err := s.InvalidateTags(context.Background(), names(list), t0); err != nil {
			t.Fatal(err)
		}
	}
	if d := time.Since(start); d > 10*time.Second { // 100,000 names; the aim is 10,000 in a second beside requests
		t.Errorf("took %v", d)
	}
	if n := s.Stats().Tombstones; n > 50_000 {
		t.Errorf("%d names are kept", n)
	}
}

func TestNamesMayBeReusedAfterInvalidate(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "k", draft("x", "City"), t0)
	list := []string{"City"}
	invalidate(t, s, Invalidation{Tags: list}, t0)
	list[0] = "Country"
	want(t, s, "k", t0, Miss)
}
