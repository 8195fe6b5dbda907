package origin

import (
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const cityQuery = `{"query":"query City($id: ID!) { city(id: $id) { name population } }","operationName":"City","variables":{"id":"1796236"}}`

const sample = 4000

func built(t *testing.T, spec Spec) *Server {
	t.Helper()
	if spec.Listen == "" {
		spec.Listen = "127.0.0.1:0"
	}
	s, err := Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// post asks the handler without a network.
func post(s *Server, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", mediaJSON)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// arrivals sends n requests a millisecond apart, whatever becomes of those before, and returns how long each took, in the order they were sent.
func arrivals(s *Server, n int) []time.Duration {
	took := make([]time.Duration, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			begin := time.Now()
			post(s, cityQuery)
			took[i] = time.Since(begin)
		})
		<-time.After(time.Millisecond) // of the bubble's clock: nobody waits
	}
	all.Wait()
	return took
}

// TestStallIsKnownExactly: at 1,000 a second with a stall of 1 s in 10 s, a tenth of all requests waits 1 ms to 1 s. The quantiles follow, and a generator's
// report can be compared with them.
func TestStallIsKnownExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := built(t, Spec{Latency: []string{"stall:1s/10s"}})
		took := arrivals(s, 10_000)
		for i, got := range took {
			want := time.Duration(0)
			if at := time.Duration(i%10_000) * time.Millisecond; at >= 9*time.Second {
				want = 10*time.Second - at
			}
			if got != want {
				t.Fatalf("request %d took %s, want %s", i, got, want)
			}
		}
		slices.Sort(took)
		if p99 := took[9_900]; p99 != 901*time.Millisecond {
			t.Errorf("p99 %s", p99)
		}
		w := s.Truth().Waits
		if w.Requests != 1000 || w.Stalled != 1000 || w.SumUS != 1000*1001/2*1000 || w.Decided != w.Measured || w.Decided.Max < 999_000 || w.Decided.Max > 1_001_000 {
			t.Errorf("%+v", w)
		}
	})
}

func TestLatenciesAddUpByOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := built(t, Spec{Latency: []string{"2ms", "3ms#City", "100ms#mutation", "4ms#query.city", "stall:5s..6s"}, Faults: Faults{DelayMS: 1, Rules: []string{"delay=5ms#City"}}})
		if took := arrivals(s, 1)[0]; took != 15*time.Millisecond {
			t.Errorf("%s", took)
		}
		if err := s.SetFaults(Faults{Latency: []string{"7ms"}}); err != nil {
			t.Fatal(err)
		}
		if took := arrivals(s, 1)[0]; took != 7*time.Millisecond {
			t.Errorf("after a change %s", took)
		}
		if err := s.SetFaults(Faults{}); err != nil {
			t.Fatal(err)
		}
		if took := arrivals(s, 1)[0]; took != 9*time.Millisecond {
			t.Errorf("as at the start %s", took)
		}
	})
}

func TestTheSameSeedWaitsTheSame(t *testing.T) {
	series := func(seed uint64) (took []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			took = arrivals(built(t, Spec{Seed: seed, Latency: []string{"lognormal:p50=5ms,p99=50ms"}}), sample)
		})
		return took
	}
	first := series(7)
	if !slices.Equal(first, series(7)) {
		t.Error("one seed, two series")
	}
	if slices.Equal(first, series(8)) {
		t.Error("two seeds, one series")
	}
	slices.Sort(first)
	for q, ms := range map[float64]float64{0.5: 5, 0.9: 17.78, 0.99: 50} {
		if got := first[int(q*sample)].Seconds() * 1e3; math.Abs(got-ms) > ms*0.15 {
			t.Errorf("quantile %v: %v ms, want %v", q, got, ms)
		}
	}
}

func TestWrongSpecsNameTheCure(t *testing.T) {
	for want, spec := range map[string]Spec{
		"write stall:DURATION/EVERY": {Latency: []string{"stall:1s"}},
		"250us, 5ms or 1s":           {Latency: []string{"fast"}},
		"write stall:FROM..TO":       {Latency: []string{"stall:1s.."}},
		"write TYPE.FIELD":           {Burn: []string{"City.ranks=1us"}},
		"16KiB or 10MB":              {Size: "constant:huge"},
		"no field City.nam":          {Faults: Faults{Rules: []string{"partial=City.nam"}}},
		"kind \"rset\" is unknown":   {Faults: Faults{Rules: []string{"rset"}}},
		"error_rate is 0..1":         {Faults: Faults{ErrorRate: 2}},
	} {
		if _, err := Open(spec); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "origin: ") {
			t.Errorf("%+v: %v, want %q", spec, err, want)
		}
	}
}
