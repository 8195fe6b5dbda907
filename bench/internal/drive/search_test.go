package drive

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

// queue is a target with one server: latency grows as 1/(1-load), and beyond its capacity answers stay out.
type queue struct {
	capacity float64
	noise    float64 // of the latency, a share
	random   *rand.Rand
	limit    float64 // of the generator; 0: none
	tries    []float64

	disturbed int // the first tries are slow whatever the rate
}

func (q *queue) start(l leg) (runner, error) {
	rate := rateOf(l)
	q.tries = append(q.tries, rate)
	s := &scripted{leg: l, rate: min(rate, q.capacity), latency: 10 * time.Second}
	if rate < q.capacity {
		s.latency = time.Duration(float64(time.Millisecond) / (1 - rate/q.capacity))
	}
	if len(q.tries) <= q.disturbed {
		s.latency = 50 * time.Millisecond
	}
	if q.noise > 0 {
		s.latency = time.Duration(float64(s.latency) * (1 + q.noise*(2*q.random.Float64()-1)))
	}
	if q.limit > 0 && rate > q.limit {
		s.rate, s.warnings = q.limit, []result.Warning{{Code: result.WarnGenerator, Text: "busy"}}
	}
	return s, nil
}

func rateOf(l leg) (n float64) {
	times := l.arrivals.Times(0, 1, 1)
	for {
		if due, more := times.Next(); !more || due >= time.Second {
			return n
		}
		n++
	}
}

func find(t *testing.T, q *queue, s Search, slo ...string) (f *result.File, out, lines string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q.tries = nil
		cfg := Config{Load: load.Config{Duration: time.Hour}, Search: &s, Thresholds: thresholds(t, slo...), start: q.start}
		f, out, lines, err = drive(t, t.Context(), cfg, nil)
	})
	return f, out, lines, err
}

func TestSearchFindsTheKnee(t *testing.T) {
	for _, capacity := range []float64{40, 700, 5000, 23456} {
		q := &queue{capacity: capacity}
		f, _, _, err := find(t, q, Search{Tolerance: 0.02}, "p99=5ms")
		if err != nil {
			t.Fatal(err)
		}
		want := 0.8 * capacity // 1 ms / (1 - 0.8) = 5 ms
		if got := f.Run.HighestRate; got > 1.001*want || got < want*(1-0.03)-1 {
			t.Errorf("capacity %v: found %v, the truth is %v; steps %v", capacity, got, want, q.tries)
		}
		last := f.Run.Search[len(f.Run.Search)-1]
		if !last.Held || last.Rate != f.Run.HighestRate || !f.Run.Thresholds[0].Pass {
			t.Errorf("the final rate was not checked again: %+v", last)
		}
		first := q.tries
		if again, _, _, _ := find(t, q, Search{Tolerance: 0.02}, "p99=5ms"); again.Run.HighestRate != f.Run.HighestRate || len(q.tries) != len(first) {
			t.Errorf("not deterministic: %v, %v", first, q.tries)
		}
	}
}

func TestSearchBearsNoise(t *testing.T) {
	for seed := range uint64(8) {
		q := &queue{capacity: 5000, noise: 0.1, random: rand.New(rand.NewPCG(seed, 1))}
		f, _, _, err := find(t, q, Search{}, "p99=5ms")
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Run.HighestRate; got < 3400 || got > 4200 { // 1/(1-x) = 5±10 %: 3,890 to 4,091, and the tolerance
			t.Errorf("seed %d: %v", seed, got)
		}
	}
}

func TestSearchForgetsABusyMachine(t *testing.T) {
	q := &queue{capacity: 5000, disturbed: 7} // the first steps all miss by far
	f, _, _, err := find(t, q, Search{Start: 400}, "p99=5ms")
	if err != nil || f.Run.HighestRate < 3800 || f.Run.HighestRate > 4000 {
		t.Errorf("%v %v: %v", err, f.Run.HighestRate, q.tries)
	}
}

func TestSearchWithoutALatencyStillSeesTheCapacity(t *testing.T) {
	f, _, _, err := find(t, &queue{capacity: 1000}, Search{}, "errors=1%")
	if err != nil || f.Run.HighestRate < 950 || f.Run.HighestRate > 1100 {
		t.Errorf("%v %v", err, f.Run.HighestRate)
	}
}

func TestSearchReport(t *testing.T) {
	f, out, lines, err := find(t, &queue{capacity: 1000}, Search{Start: 200, Tolerance: 0.1, Step: 3 * time.Second}, "p99=5ms,errors=0.1%")
	if err != nil || f.Run.Arrivals != "constant:"+out[strings.Index(out, "constant:")+9:][:3] {
		t.Errorf("%v %s", err, f.Run.Arrivals)
	}
	golden(t, "search.txt", lines+"\n"+out)
}

func TestSearchThatHoldsNowhere(t *testing.T) {
	f, out, _, err := find(t, &queue{capacity: 1e9}, Search{Start: 50}, "p99=500us")
	if ExitCode(err) != ExitMissed || f.Run.HighestRate != 0 || !strings.Contains(out, "no rate was found that holds") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSearchEndsWhereTheGeneratorEnds(t *testing.T) {
	f, out, lines, err := find(t, &queue{capacity: 1e9, limit: 2000}, Search{}, "p99=5ms")
	if err != nil || f.Run.HighestRate != 1600 || !has(f.Warnings, result.WarnGenerator) {
		t.Errorf("%v %v %v", err, f.Run.HighestRate, f.Warnings)
	}
	for _, text := range []string{out, lines} {
		if !strings.Contains(text, "the search ended at 3,200/s because the generator, not the target, was the limit") {
			t.Error(text)
		}
	}
}

func TestALateGeneratorIsNotTheLimitWhereTheTargetIs(t *testing.T) {
	q := &queue{capacity: 1000}
	start := func(l leg) (runner, error) {
		r, err := q.start(l)
		s := r.(*scripted)
		s.punctual, s.warnings = true, []result.Warning{{Code: result.WarnGenerator, Text: "late"}}
		return s, err
	}
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Search: &Search{}, Thresholds: thresholds(t, "p99=2ms"), start: start}
		f, out, _, err := drive(t, t.Context(), cfg, nil)
		if err != nil || f.Run.HighestRate < 470 || f.Run.HighestRate > 510 || strings.Contains(out, "the search ended") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func TestSearchThatIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		cfg := Config{Search: &Search{}, Thresholds: thresholds(t, "p99=5ms"), start: (&queue{capacity: 1e6}).start}
		f, out, _, err := drive(t, ctx, cfg, nil)
		if ExitCode(err) != ExitMissed || len(f.Run.Search) != 2 || f.Partial == "" || f.Run.HighestRate != 200 || !strings.Contains(out, "held until then, not checked again: 200/s") {
			t.Errorf("%v %+v\n%s", err, f, out)
		}
	})
}

func TestSearchNeedsConditions(t *testing.T) {
	for _, cfg := range []Config{
		{Search: &Search{}},
		{Search: &Search{Tolerance: 2}, Thresholds: thresholds(t, "p99=5ms")},
		{Search: &Search{Start: 0.5}, Thresholds: thresholds(t, "p99=5ms")},
	} {
		if _, _, _, err := drive(t, t.Context(), cfg, &scripted{}); ExitCode(err) != ExitInput {
			t.Errorf("%+v: %v", cfg.Search, err)
		}
	}
}
