package cache

import (
	"context"
	"math"
	"testing"
	"time"
)

func TestEntryIsFreshThenStaleThenGone(t *testing.T) {
	second := int64(time.Second)
	cases := []struct {
		name   string
		draft  Draft
		states map[int64]State // by seconds
	}{
		{"fresh only", Draft{TTL: 10 * time.Second}, map[int64]State{0: Fresh, 9: Fresh, 10: Miss, 1000: Miss}},
		{"with stale time", Draft{TTL: 10 * time.Second, StaleFor: 5 * time.Second}, map[int64]State{9: Fresh, 10: Stale, 14: Stale, 15: Miss}},
		{"private is never stale", Draft{TTL: 10 * time.Second, StaleFor: time.Hour, Private: true}, map[int64]State{9: Fresh, 10: Miss}},
		{"negative", Draft{TTL: 10 * time.Second, Negative: true}, map[int64]State{9: Fresh, 10: Miss}},
		{"retention bounds both", Draft{TTL: 200 * time.Second, StaleFor: time.Hour}, map[int64]State{99: Fresh, 100: Miss}},
		{"retention bounds stale", Draft{TTL: 20 * time.Second, StaleFor: time.Hour}, map[int64]State{20: Stale, 99: Stale, 100: Miss}},
		{"longest stale time", Draft{TTL: time.Second, StaleFor: math.MaxInt64 - time.Hour}, map[int64]State{0: Fresh, 99: Stale, 100: Miss}},
		{"clock set back a little", Draft{TTL: 10 * time.Second}, map[int64]State{-4: Fresh}},
		{"clock set back", Draft{TTL: 10 * time.Second}, map[int64]State{-3600: Miss, 1: Fresh}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, Config{Retention: 100 * time.Second, EarlyRefresh: -1})
			put(t, s, "k", &c.draft, t0)
			for at, state := range c.states {
				want(t, s, "k", t0+at*second, state)
				r := s.Lookup(context.Background(), keyOf("k"), t0, Wait{}) // leaves things as they are
				if r.Fill != nil {
					t.Fatalf("fresh entry asks for a fill")
				}
			}
		})
	}
}

func TestNoTimeToLiveIsNotStored(t *testing.T) {
	s := open(t, Config{})
	for _, ttl := range []time.Duration{0, -time.Second} {
		if lead(t, s, "k", t0).Complete(&Draft{TTL: ttl, StaleFor: time.Hour}, t0) != nil {
			t.Errorf("TTL %v is stored", ttl)
		}
	}
	if n := s.Stats().RefusedTTL; n != 2 {
		t.Errorf("%d counted", n)
	}
}

func TestJitterOnlyShortens(t *testing.T) {
	s := open(t, Config{Jitter: 0.1})
	shorter := false
	for range 50 {
		e := put(t, s, "k", draft("x", "a"), t0)
		d := time.Duration(e.Soft - t0)
		if d > time.Minute || d < 54*time.Second {
			t.Fatalf("lives %v of a minute", d)
		}
		shorter = shorter || d < time.Minute
		invalidate(t, s, Invalidation{All: true}, t0)
	}
	if !shorter {
		t.Error("no jitter")
	}
}

func TestOneCallerRefreshesEarly(t *testing.T) {
	s := open(t, Config{})
	d := draft("old", "a")
	d.FetchMicros = 20_000_000 // so slow that the early refresh begins long before the end
	for range 100 {            // the draw may leave a refresh out
		invalidate(t, s, Invalidation{All: true}, t0)
		e := put(t, s, "k", d, t0)
		early := int64(0)
		for at := t0; at < e.Soft && early == 0; at += int64(time.Second) {
			if _, state := s.Get(keyOf("k"), at); state == Stale {
				early = at
			}
		}
		if early == 0 {
			continue
		}
		want(t, s, "k", early, Fresh) // for everybody else
		r := s.Lookup(context.Background(), keyOf("k"), early, Wait{})
		if r.State != Fresh || r.Fill == nil {
			t.Fatalf("the caller that should refresh got %+v", r)
		}
		if other := s.Lookup(context.Background(), keyOf("k"), early, Wait{Collapse: time.Hour}); other.State != Fresh || other.Fill != nil {
			t.Fatalf("another caller got %+v", other)
		}
		r.Fill.Complete(draft("new", "a"), early)
		if e := want(t, s, "k", early, Fresh); string(e.Body) != "new" {
			t.Fatalf("body %q", e.Body)
		}
		return
	}
	t.Error("no early refresh in 100 entries")
}

func TestConfigurationIsChecked(t *testing.T) {
	for name, cfg := range map[string]Config{
		"too small":          {MaxBytes: 1000},
		"entry too large":    {MaxBytes: 1 << 20, MaxEntryBytes: 1 << 20},
		"jitter":             {Jitter: 0.7},
		"negative time":      {ReadBudget: -time.Second},
		"few tombstones":     {MaxTombstones: 3},
		"empty address":      {Redis: []string{""}},
		"master without any": {RedisMaster: "m"},
	} {
		if s, err := Open(cfg); err == nil {
			t.Errorf("%s: no error", name)
			_ = s.Close()
		}
	}
}
