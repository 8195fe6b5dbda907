package cache

import (
	"context"
	"testing"
	"time"
)

func TestFillEndsOnce(t *testing.T) {
	s := open(t, Config{})
	for name, second := range map[string]func(*Fill){
		"completed again": func(f *Fill) { f.Complete(draft("second"), t0) },
		"abandoned":       func(f *Fill) { f.Abandon(time.Hour) },
	} {
		f := lead(t, s, name, t0)
		if f.Complete(draft("first"), t0) == nil {
			t.Fatal("not stored")
		}
		second(f)
		if e := want(t, s, name, t0, Fresh); string(e.Body) != "first" {
			t.Errorf("%s: %q is served", name, e.Body)
		}
		if s.flights.Marked(keyOf(name), t0) {
			t.Errorf("%s: marked", name)
		}
	}
	f := lead(t, s, "given up", t0)
	f.Abandon(0)
	if f.Complete(draft("late"), t0) != nil {
		t.Error("an abandoned fill was completed")
	}
	want(t, s, "given up", t0, Miss)
	if st := s.Stats(); st.Stored != 2 || st.Abandoned != 1 {
		t.Errorf("stored %d, abandoned %d", st.Stored, st.Abandoned)
	}
}

func TestLateLeaderDoesNotOverwriteItsSuccessor(t *testing.T) {
	for _, ended := range []bool{true, false} {
		s := open(t, Config{MaxFill: time.Minute})
		lost := lead(t, s, "k", t0)
		later := t0 + int64(time.Minute)
		next := lead(t, s, "k", later)
		if ended {
			next.Complete(draft("new"), later)
		}
		if lost.Complete(draft("old"), later+1) != nil {
			t.Error("the late answer was stored")
		}
		if !ended {
			want(t, s, "k", later+1, Miss)
			next.Complete(draft("new"), later+2)
		}
		if e := want(t, s, "k", later+2, Fresh); string(e.Body) != "new" {
			t.Errorf("%q is served", e.Body)
		}
		if st := s.Stats(); st.RefusedLate != 1 {
			t.Errorf("%d refused as late", st.RefusedLate)
		}
	}
}

func TestFollowersGetAnAnswerThatIsTooBigToKeep(t *testing.T) {
	s := open(t, Config{MaxBytes: 1 << 20, MaxEntryBytes: 1000})
	f := lead(t, s, "k", t0)
	results := follow(context.Background(), s, "k", 3, Wait{Collapse: time.Minute})
	if f.Complete(draft(string(make([]byte, 2000))), t0) != nil {
		t.Fatal("stored")
	}
	for range 3 {
		r := <-results
		if r.Fill != nil { // came after the end
			r.Fill.Abandon(0)
			continue
		}
		if !r.Collapsed || len(r.Entry.Body) != 2000 {
			t.Errorf("%+v", r)
		}
	}
	want(t, s, "k", t0, Miss)
}

func TestEachMissIsCountedOnceForItsReason(t *testing.T) {
	s := open(t, Config{})
	put(t, s, "expired", &Draft{TTL: time.Second}, t0)
	put(t, s, "invalid", draft("x", "tag"), t0)
	invalidate(t, s, Invalidation{Tags: []string{"tag"}}, t0)
	before := s.Stats()
	later := t0 + int64(2*time.Second)
	for _, k := range []string{"expired", "invalid", "absent"} {
		lead(t, s, k, later).Abandon(0)
	}
	after := s.Stats()
	if after.MissAbsent-before.MissAbsent != 1 || after.MissExpired-before.MissExpired != 1 || after.MissInvalid-before.MissInvalid != 1 {
		t.Errorf("absent %d, expired %d, invalid %d", after.MissAbsent-before.MissAbsent, after.MissExpired-before.MissExpired,
			after.MissInvalid-before.MissInvalid)
	}
}

// What is to be refreshed ahead of its end is, by one of those who ask, and the others are served meanwhile.
func TestEntryIsRefreshedAhead(t *testing.T) {
	s := open(t, Config{})
	d := draft("old")
	d.Ahead = 20 * time.Second
	put(t, s, "k", d, t0)
	want(t, s, "k", t0+int64(39*time.Second), Fresh)
	late := t0 + int64(41*time.Second)
	want(t, s, "k", late, Stale)
	r := s.Lookup(t.Context(), keyOf("k"), late, Wait{})
	if r.State != Fresh || r.Fill == nil {
		t.Fatalf("%+v", r)
	}
	want(t, s, "k", late, Fresh)
	r.Fill.Complete(draft("new"), late)
	if e := want(t, s, "k", late, Fresh); string(e.Body) != "new" {
		t.Errorf("%s", e.Body)
	}
}

// The memory of a fill serves the next look-up of the same caller once it has ended and nobody has waited for it; a caller who may still see it keeps it as it is.
func TestFillIsUsedAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		use   func(s *Store, f *Fill)
		again bool
	}{
		{"completed", func(_ *Store, f *Fill) { f.Complete(draft("x"), t0) }, true},
		{"of times only", func(_ *Store, f *Fill) {
			d := draft("x")
			d.TimesOnly = true
			if e := f.Complete(d, t0); e.Created != t0 || e.Soft <= t0 || e.Body != nil {
				t.Errorf("%+v", e)
			}
		}, true},
		{"abandoned", func(_ *Store, f *Fill) { f.Abandon(time.Hour) }, true},
		{"not stored", func(_ *Store, f *Fill) { f.Complete(&Draft{}, t0) }, true},
		{"under way", func(*Store, *Fill) {}, false},
		{"asked for by another", func(s *Store, f *Fill) {
			s.Lookup(t.Context(), keyOf("k"), t0, Wait{})
			f.Complete(draft("x"), t0)
		}, false},
	} {
		s := open(t, Config{})
		f := lead(t, s, "k", t0)
		c.use(s, f)
		next := s.Lookup(t.Context(), keyOf("next"), t0, Wait{Spare: f}).Fill
		if (next == f) != c.again {
			t.Errorf("%s: used again: %v", c.name, next == f)
		}
		if next.Complete(draft("next", "tag"), t0) == nil {
			t.Errorf("%s: the next was not stored", c.name)
		}
		if e := want(t, s, "next", t0, Fresh); string(e.Body) != "next" {
			t.Errorf("%s: %q is served", c.name, e.Body)
		}
	}
}

// A look-up that finds somebody else's fill does not lose the memory that it brought.
func TestSpareOfAFollowerStaysSpare(t *testing.T) {
	s := open(t, Config{})
	mine, other := lead(t, s, "mine", t0), lead(t, s, "other", t0)
	mine.Abandon(0)
	if r := s.Lookup(t.Context(), keyOf("other"), t0, Wait{Spare: mine}); r.Fill != nil {
		t.Fatal("two lead")
	}
	if f := s.Lookup(t.Context(), keyOf("mine"), t0, Wait{Spare: mine}).Fill; f != mine {
		t.Error("not used again")
	}
	other.Abandon(0)
}
