package result

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// noisy is a run whose seconds move together (a first-order autoregression with rho) by about sd around level.
func noisy(rng *rand.Rand, n int, level, sd, rho float64) *Run {
	r := &Run{Loop: "open", Workload: "w"}
	x := rng.NormFloat64()
	for i := range n {
		x = rho*x + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		p99 := int64(level * math.Exp(sd*x))
		r.Series = append(r.Series, Second{At: float64(i + 1), P99: p99})
	}
	return r
}

func p99(t *testing.T, changes []Change) Change {
	t.Helper()
	for _, c := range changes {
		if strings.HasPrefix(c.Name, "p99 of a second") {
			return c
		}
	}
	t.Fatalf("%+v", changes)
	return Change{}
}

// TestEqualRunsAreNotCalledDifferent is the rate of false alarms: two runs of the same program, whose seconds may hang together.
func TestEqualRunsAreNotCalledDifferent(t *testing.T) {
	for _, c := range []struct {
		seconds int
		rho     float64
	}{{30, 0}, {30, 0.6}, {60, 0.8}, {120, 0.5}} {
		rng, alarms, outside := rand.New(rand.NewPCG(7, uint64(c.seconds))), 0, 0
		const trials = 100
		for range trials {
			changes, err := Diff(&File{Run: noisy(rng, c.seconds, 4000, 0.15, c.rho)}, &File{Run: noisy(rng, c.seconds, 4000, 0.15, c.rho)})
			if err != nil {
				t.Fatal(err)
			}
			got := p99(t, changes)
			if got.Verdict == Better || got.Verdict == Worse {
				alarms++
			}
			if got.Low > 1 || got.High < 1 {
				outside++
			}
		}
		t.Logf("%d seconds, rho %v: %.3f false alarms, %.3f intervals without the truth", c.seconds, c.rho, float64(alarms)/trials, float64(outside)/trials)
		if share := float64(max(alarms, outside)) / trials; share > 0.08 {
			t.Errorf("%d seconds, rho %v: %.3f of equal runs were called different", c.seconds, c.rho, share)
		}
	}
}

func TestRealChangesAreFound(t *testing.T) {
	for _, c := range []struct {
		factor, sd float64
		verdict    string
	}{{1.25, 0.08, Worse}, {0.8, 0.08, Better}, {1.01, 0.02, Same}, {1.05, 0.3, Unclear}} {
		rng, found := rand.New(rand.NewPCG(9, 9)), 0
		const trials = 40
		for range trials {
			changes, err := Diff(&File{Run: noisy(rng, 60, 4000, c.sd, 0.3)}, &File{Run: noisy(rng, 60, 4000*c.factor, c.sd, 0.3)})
			if err != nil {
				t.Fatal(err)
			}
			if got := p99(t, changes); got.Verdict == c.verdict {
				found++
			}
		}
		if found < 34 {
			t.Errorf("a change by %v was called %s in %d of %d trials", c.factor, c.verdict, found, trials)
		}
	}
}

func find(t *testing.T, changes []Change, name string) Change {
	t.Helper()
	for _, c := range changes {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("%s is not in %+v", name, changes)
	return Change{}
}

func TestChangesOfARun(t *testing.T) {
	base, now := small(1), small(2)
	for _, f := range []*File{base, now} {
		f.Run.Loop, f.Run.Series = "closed", nil
	}
	for i := range 40 {
		s := Second{At: float64(i + 1), Requests: 1000 + int64(i%7), Errors: int64(i % 2), Hits: 700 + int64(i%5), Misses: 300, P50: 900 + int64(i%3), P90: 1300, P99: 1450, Max: 1499}
		base.Run.Series = append(base.Run.Series, s)
		s.Requests, s.Hits, s.P50, s.Errors = s.Requests*2, s.Hits/2, s.P50/2, 0
		now.Run.Series = append(now.Run.Series, s)
	}
	base.Run.HighestRate, now.Run.HighestRate = 1000, 2000
	changes, err := Diff(base, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"p50 of a second, median": Better, "p99 of a second, median": Same, "requests in a second, median": Better, "cache hits": Worse, "errors": Better,
		"highest rate that held": Unclear,
	} {
		if c := find(t, changes, name); c.Verdict != want || c.Why == "" {
			t.Errorf("%+v, want %s", c, want)
		}
	}
	if c := find(t, changes, "p50 of a second, median"); c.Base != 901 || c.Now != 450 {
		t.Errorf("%+v", c)
	}
	now.Run.Series = now.Run.Series[:10]
	changes, err = Diff(base, now)
	if c := find(t, changes, "p50 of a second, median"); err != nil || c.Verdict != Unclear || !strings.Contains(c.Why, "run for longer") {
		t.Errorf("%v %+v", err, c)
	}
}

func TestRunsThatMeasuredSomethingElseAreNotJudged(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for want, spoil := range map[string]func(*File){
		"generator-limited":        func(f *File) { f.Warnings = []Warning{{WarnGenerator, "no processor time"}} },
		"this result is too-noisy": func(f *File) { f.Warnings = []Warning{{WarnNoisy, ""}} },
		"partial":                  func(f *File) { f.Partial = "interrupted" },
		"seconds each":             func(f *File) { f.Warnings = []Warning{{WarnConnections, ""}} },
	} {
		base, now := &File{Run: noisy(rng, 40, 1000, 0.02, 0)}, &File{Run: noisy(rng, 40, 3000, 0.02, 0)}
		spoil(now)
		changes, err := Diff(base, now)
		if err != nil {
			t.Fatal(err)
		}
		if c := p99(t, changes); !strings.Contains(c.Why, want) || (c.Verdict == Worse) != (want == "seconds each") {
			t.Errorf("%+v, want %s", c, want)
		}
	}
}

func TestChangesOfAComparison(t *testing.T) {
	row := func(what string, median, low, high float64) Row {
		return Row{Row: "1", What: what, Unit: "ratio", Value: Interval{median, low, high, low, high, 7}}
	}
	base := &File{Compare: &Compare{Rows: []Row{row("hit", 1.30, 1.27, 1.33), row("relay", 1, 0.9, 1.1), row("heap", 0, 0, 0), row("miss", 1.2, 1.19, 1.21), row("few", 1, 1, 1), row("grown", 0, 0, 1)}}}
	now := &File{Compare: &Compare{Rows: []Row{row("hit", 1.18, 1.16, 1.2), row("relay", 1.12, 1.0, 1.25), row("heap", 0, 0, 0), row("miss", 1.21, 1.2, 1.22), row("few", 3, 3, 3), row("grown", 64, 60, 70)}}}
	now.Compare.Rows[4].Value.N = 1
	changes, err := Diff(base, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"hit": Better, "relay": Unclear, "heap": Same, "miss": Same, "few": Unclear, "grown": Worse} {
		if c := find(t, changes, name); c.Verdict != want {
			t.Errorf("%+v, want %s", c, want)
		}
	}
	if c := find(t, changes, "hit"); math.Abs(c.Ratio-1.18/1.3) > 1e-12 || c.Low < 0.87 || c.High > 0.95 || c.Low > c.Ratio || c.High < c.Ratio {
		t.Errorf("%+v", c)
	}
}

// TestMoverHoldsTheTruth: medians of 7 instances that differ by 12 % from each other.
func TestMoverHoldsTheTruth(t *testing.T) {
	rng, held := rand.New(rand.NewPCG(3, 3)), 0
	instances := func(level float64) Interval {
		v := make([]float64, 9)
		for i := range v {
			v[i] = level * math.Exp(0.12*rng.NormFloat64())
		}
		return Bootstrap(v)
	}
	const trials = 300
	for range trials {
		if low, high := mover(instances(10), instances(12)); low <= 1.2 && 1.2 <= high {
			held++
		}
	}
	if share := float64(held) / trials; share < 0.93 {
		t.Errorf("%.3f of the intervals held the true ratio", share)
	}
}

func TestWhatCannotBeComparedIsRefused(t *testing.T) {
	closed, other := small(1), small(1)
	closed.Run.Loop, other.Run.Workload = "closed", "other"
	for want, base := range map[string]*File{"ran a closed loop": closed, `ran workload "other"`: other, "nothing in common": {Compare: new(Compare)}} {
		if _, err := Diff(base, small(1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestRanksShareTies(t *testing.T) {
	got := rank([]float64{5, 1, 5, 3})
	for i, want := range []float64{2.5, 0, 2.5, 1} {
		if got[i] != want {
			t.Fatalf("%v", got)
		}
	}
	if r := autocorrelation([]float64{1, 2, 3, 4, 5, 6, 7, 8}); r < 0.5 {
		t.Errorf("a slope has autocorrelation %v", r)
	}
	if r := autocorrelation([]float64{1, 1, 1}); r != 0 {
		t.Error(r)
	}
}
