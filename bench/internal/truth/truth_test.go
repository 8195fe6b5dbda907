package truth

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQuantileOfTheCycleInTheIssue(t *testing.T) {
	c := Cycle{Stall: time.Second, Every: 10 * time.Second}
	for q, want := range map[float64]time.Duration{0.5: 0, 0.9: 0, 0.95: 500 * time.Millisecond, 0.99: 900 * time.Millisecond, 1: time.Second} {
		if got := c.Quantile(q); (got - want).Abs() > time.Microsecond {
			t.Errorf("quantile %g is %s, want %s", q, got, want)
		}
	}
}

// The formula against the rule it was derived from, by drawing arrivals.
func TestQuantileMatchesTheRule(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		c := Cycle{Stall: time.Duration(1 + r.Int64N(int64(time.Second)))}
		c.Every = c.Stall + time.Duration(1+r.Int64N(int64(10*time.Second)))
		const n = 20_000
		var waits [n]time.Duration
		for i := range waits {
			waits[i] = c.wait(time.Duration(i) * c.Every / n * 3) // three whole cycles
		}
		slices.Sort(waits[:])
		for _, q := range []float64{0.5, 0.9, 0.99} {
			got, want := waits[int(q*n)], c.Quantile(q)
			if (got - want).Abs() > c.Every/n*4 {
				t.Errorf("%+v: quantile %g by drawing %s, by formula %s", c, q, got, want)
			}
		}
	}
}

func TestImpossibleCycles(t *testing.T) {
	for _, c := range []Cycle{{}, {time.Second, time.Second}, {-1, time.Second}} {
		if s, err := Start(c); err == nil {
			t.Errorf("%+v was accepted", c)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

const report = `Running 2s test @ http://127.0.0.1:7001/graphql
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.18ms  812.30us  21.40ms   94.12%
    Req/Sec    54.10k     4.02k   60.11k    80.00%
  Latency Distribution
     50%    1.02ms
     75%    1.30ms
     90%    1.71ms
     99%  900.12us
  108200 requests in 2.00s, 118.66MB read
Requests/sec:  54051.17
Transfer/sec:     59.28MB
`

func TestParseWrk(t *testing.T) {
	w, err := parseWrk([]byte(report))
	want := Wrk{Requests: 108200, Rate: 54051.17, P50: 1020 * time.Microsecond, P90: 1710 * time.Microsecond, P99: 900120 * time.Nanosecond, Max: 21400 * time.Microsecond}
	if err != nil || w != want {
		t.Errorf("%+v %v, want %+v", w, err, want)
	}
	for bad, says := range map[string]string{
		"": "something else", report[:300]: "something else",
		report + "  Socket errors: connect 0, read 12, write 0, timeout 3\n": "read 12",
		report + "  Non-2xx or 3xx responses: 7\n":                           "responses: 7",
	} {
		if _, err := parseWrk([]byte(bad)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}

func FuzzParseWrk(f *testing.F) {
	f.Add([]byte(report))
	f.Fuzz(func(t *testing.T, out []byte) {
		if w, err := parseWrk(out); err == nil && (w.Requests < 0 || w.Rate < 0) {
			t.Errorf("%q: %+v", out, w)
		}
	})
}
