package load

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/origin"
)

func mix(t *testing.T) *Mix {
	t.Helper()
	cities, err := origin.TopCities(500)
	if err != nil {
		t.Fatal(err)
	}
	countries, err := origin.CountryCodes()
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMix(cities, countries, Operations())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func target(t *testing.T, url string) Target {
	t.Helper()
	v, err := ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func runner(t *testing.T, cfg Config) *Runner {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOriginAnswersTheMix(t *testing.T) {
	o, err := origin.New("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := o.Stop(); err != nil {
			t.Error(err)
		}
	}()
	r := runner(t, Config{
		Targets: []Target{target(t, o.URL())}, Mix: mix(t), Connections: 4, Requests: 1000, Mutations: 0.2, Ledger: NewLedger(),
		OnStale: func(s Stale) { t.Errorf("stale: %+v", s) },
	})
	r.Run(t.Context())
	got := r.Report()
	if got.Requests != 1000 || got.Errors != 0 || got.Reads+got.Mutations != 1000 || got.Mutations < 100 || got.Mutations > 300 {
		t.Errorf("%+v", got)
	}
	if got.P50 <= 0 || got.P99 < got.P50 || got.Max < got.P99 || got.Bytes == 0 {
		t.Errorf("latency or bytes: %+v", got)
	}
	counts := o.Counts()
	for _, name := range []string{"query.city", "query.country", "query.cities", "query.stats", "mutation.setPopulation"} {
		if counts[name] == 0 {
			t.Errorf("%s was never asked: %v", name, counts)
		}
	}
}

// stalling answers at once, but one request waits.
func stalling(stall time.Duration) *httptest.Server {
	var n atomic.Int64
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 20 {
			pause := time.NewTimer(stall)
			defer pause.Stop()
			select {
			case <-pause.C:
			case <-r.Context().Done():
			}
		}
		w.Header().Set("Cache-Status", "weir; hit; ttl=5")
		if _, err := io.WriteString(w, `{"data":{}}`); err != nil {
			return
		}
	}))
}

// TestOpenLoopCountsTheQueue is the coordinated-omission test: with one connection a stall of 600 ms delays the 60 requests that were due meanwhile, and an
// open loop must show them all; a closed loop sees one.
func TestOpenLoopCountsTheQueue(t *testing.T) {
	slow := func(rate float64) int64 {
		s := stalling(600 * time.Millisecond)
		defer s.Close()
		r := runner(t, Config{Targets: []Target{target(t, s.URL)}, Mix: mix(t), Connections: 1, Requests: 150, Rate: rate})
		r.Run(t.Context())
		if got := r.Report(); got.Errors != 0 || got.Hits != 150 {
			t.Fatalf("%+v", got)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		var n int64
		for _, bar := range r.total.latency.Distribution() {
			if bar.From > 300_000 {
				n += bar.Count
			}
		}
		return n
	}
	if n := slow(100); n < 20 {
		t.Errorf("open loop saw %d slow requests, about 30 were due", n)
	}
	if n := slow(0); n < 1 || n > 5 { // 1, and what a busy machine adds
		t.Errorf("closed loop saw %d slow requests, want 1", n)
	}
}

func TestContextEndsARequestUnderWay(t *testing.T) {
	entered := make(chan struct{}, 8)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		entered <- struct{}{}
		<-r.Context().Done()
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r := runner(t, Config{Targets: []Target{target(t, s.URL)}, Mix: mix(t), Connections: 2, Timeout: time.Minute})
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	<-entered
	cancel()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the run goes on after its context ended")
	}
	if got := r.Report(); got.Errors != 0 {
		t.Errorf("the end of the run was counted as a failure: %+v", got)
	}
}

func TestFailuresAreCountedByKind(t *testing.T) {
	answers := map[string]struct {
		status int
		body   string
	}{
		FailStatus: {503, "no"},
		FailErrors: {200, `{"errors":[{"message":"no"}],"data":null}`},
	}
	for want, a := range answers {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(a.status)
			if _, err := io.WriteString(w, a.body); err != nil {
				return
			}
		}))
		r := runner(t, Config{Targets: []Target{target(t, s.URL)}, Mix: mix(t), Connections: 1, Requests: 5})
		r.Run(t.Context())
		if got := r.Report(); got.Errors != 5 || got.Failures[want] != 5 {
			t.Errorf("%s: %+v", want, got)
		}
		s.Close()
		r = runner(t, Config{Targets: []Target{target(t, s.URL)}, Mix: mix(t), Connections: 1, Requests: 2})
		r.Excuse(true)
		r.Run(t.Context())
		if got := r.Report(); got.Errors != 0 || got.Excused != 2 {
			t.Errorf("server gone, excused: %+v", got)
		}
	}
}

func TestCacheStatus(t *testing.T) {
	for v, want := range map[string]Cache{
		"":                              {},
		"weir; hit; ttl=57":             {Hit: true},
		"weir; hit; ttl=-4":             {Hit: true, Stale: true},
		"weir; fwd=uri-miss":            {},
		"weir; fwd=stale; ttl=-1":       {},
		"far; hit, weir; fwd=uri-miss":  {},
		"far; fwd=miss, weir;hit;ttl=1": {Hit: true},
	} {
		if got := (&Answer{CacheStatus: v}).Cache(); got != want {
			t.Errorf("%q: %+v, want %+v", v, got, want)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for raw, want := range map[string]Target{
		"http://a:81":      {"tcp", "a:81", "a:81", "/graphql"},
		"http://a/api?x=1": {"tcp", "a:80", "a", "/api?x=1"},
		"unix:/run/w.sock": {"unix", "/run/w.sock", "localhost", "/graphql"},
	} {
		if got, err := ParseTarget(raw); err != nil || got != want {
			t.Errorf("%q: %+v %v", raw, got, err)
		}
	}
	for _, raw := range []string{"", "a:81", "https://a", "unix:"} {
		if _, err := ParseTarget(raw); err == nil {
			t.Errorf("%q was accepted", raw)
		}
	}
}
