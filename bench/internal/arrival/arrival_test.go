package arrival

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// collect takes the due times of all n threads up to end, merged; end 0 is the end of the plan.
func collect(t interface{ Fatalf(string, ...any) }, p Plan, n int, seed uint64, end time.Duration) []time.Duration {
	var all []time.Duration
	for thread := range n {
		last := time.Duration(0)
		for times := p.Times(thread, n, seed); ; {
			due, ok := times.Next()
			if !ok || end > 0 && due >= end {
				break
			}
			if due < last {
				t.Fatalf("%s: %v after %v", p, due, last)
			}
			all, last = append(all, due), due
		}
	}
	slices.Sort(all)
	return all
}

func parse(t *testing.T, text string) Plan {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != text {
		t.Errorf("%s becomes %s", text, p)
	}
	return p
}

func TestKnownTimes(t *testing.T) {
	for text, want := range map[string]string{
		"constant:4/1s":        "[0s 250ms 500ms 750ms]",
		"constant:0.1/30s":     "[0s 10s 20s]",
		"steps:2/1s,0/2s,1/2s": "[0s 500ms 3s 4s]",
		"ramp:0..4/2s":         "[0s 1s 1.414213562s 1.732050807s]",
		"ramp:4..0/2s":         "[0s 267.949192ms 585.786437ms 1s]",
		"ramp:0..2/1s,2/1s":    "[0s 1s 1.5s]",
		"steps:1.5/1s,1.5/1s":  "[0s 666.666666ms 1.333333333s]",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(collect(t, p, 1, 0, 0)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := fmt.Sprint(collect(t, Recorded([]time.Duration{3e9, 1e9, 2e9}, 2), 1, 0, 0)); got != "[500ms 1s 1.5s]" {
		t.Error(got)
	}
}

func TestConstantRateDoesNotDriftInADay(t *testing.T) {
	times := parse(t, "constant:3000").Times(2, 3, 0).(*even)
	times.next += 3 * 86_399 * 1000 // the arrivals before, as a sum of whole numbers
	if due, _ := times.Next(); due != 86_399*time.Second+666_666 {
		t.Error(due)
	}
}

func TestCountIsTheIntegralAndThreadsAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []leg
		integral := 0.0
		for range rapid.IntRange(1, 5).Draw(t, "legs") {
			l := leg{from: rapid.Float64Range(0, 500).Draw(t, "from"), length: time.Duration(rapid.Int64Range(1, 3e9).Draw(t, "length"))}
			l.to = rapid.SampledFrom([]float64{l.from, 0, rapid.Float64Range(0, 500).Draw(t, "to")}).Draw(t, "which")
			list = append(list, l)
			integral += (l.from + l.to) / 2 * l.length.Seconds()
		}
		p := newLegs("ramp", false, list...)
		whole := collect(t, p, 1, 0, 0)
		if want := math.Ceil(integral); math.Abs(float64(len(whole))-want) > 1e-6 && math.Abs(integral-math.Round(integral)) > 1e-6 {
			t.Fatalf("%d arrivals, the integral is %v", len(whole), integral)
		}
		if split := collect(t, p, rapid.IntRange(2, 7).Draw(t, "threads"), 0, 0); !slices.Equal(whole, split) {
			t.Fatalf("%d arrivals on one thread, %d on several", len(whole), len(split))
		}
		// Every arrival is due where the integral reaches its number.
		for k, due := range whole {
			reached := 0.0
			for _, l := range p.list {
				x := min(max(0, (due-l.start).Seconds()), l.length.Seconds())
				reached += l.from*x + (l.to-l.from)/l.length.Seconds()*x*x/2
			}
			if math.Abs(reached-float64(k)) > 1e-5 {
				t.Fatalf("arrival %d is due at %v, where the integral is %v", k, due, reached)
			}
		}
	})
}

func TestRecordedThreadsAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOf(rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "")) })).Draw(t, "times")
		p := Recorded(slices.Clone(times), rapid.Float64Range(0.1, 10).Draw(t, "speed"))
		if one, many := collect(t, p, 1, 0, 0), collect(t, p, 3, 0, 0); len(one) != len(times) || !slices.Equal(one, many) {
			t.Fatalf("%v %v", one, many)
		}
	})
}

// Counts of a Poisson process in windows have mean and variance equal to the rate's integral; by the seed the figures do not move.
func TestPoissonCountsHaveTheMeanAndTheVarianceOfTheRate(t *testing.T) {
	const windows, perWindow = 4000, 25.0
	for _, threads := range []int{1, 4} {
		counts := make([]float64, windows)
		for _, due := range collect(t, parse(t, "poisson:2500"), threads, 7, windows*10*time.Millisecond) {
			counts[due/(10*time.Millisecond)]++
		}
		mean, variance := moments(counts)
		// Standard errors: of the mean sqrt(25/4000) = 0.08, of the variance about 25·sqrt(2/4000) = 0.56.
		if math.Abs(mean-perWindow) > 4*0.08 || math.Abs(variance-perWindow) > 4*0.57 {
			t.Errorf("%d threads: mean %v, variance %v, want %v", threads, mean, variance, perWindow)
		}
	}
}

func TestPoissonRampFollowsTheRate(t *testing.T) {
	const runs = 400
	var late, early []float64
	for seed := range uint64(runs) {
		first, second := 0.0, 0.0
		for _, due := range collect(t, parse(t, "poisson-ramp:0..100/2s"), 2, seed, 0) {
			if due < time.Second {
				first++
			} else {
				second++
			}
		}
		early, late = append(early, first), append(late, second)
	}
	for name, c := range map[string]struct {
		counts []float64
		want   float64
	}{"first second": {early, 25}, "second second": {late, 75}} {
		mean, variance := moments(c.counts)
		if math.Abs(mean-c.want) > 4*math.Sqrt(c.want/runs) || math.Abs(variance-c.want) > 4*c.want*math.Sqrt(2.0/runs) {
			t.Errorf("%s: mean %v, variance %v, want %v", name, mean, variance, c.want)
		}
	}
}

func moments(v []float64) (mean, variance float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		variance += (x - mean) * (x - mean) / float64(len(v)-1)
	}
	return mean, variance
}

func TestPoissonIsDeterministicBySeedAndThread(t *testing.T) {
	p := parse(t, "poisson:100")
	a, b := collect(t, p, 2, 1, time.Second), collect(t, p, 2, 1, time.Second)
	if !slices.Equal(a, b) || slices.Equal(a, collect(t, p, 2, 2, time.Second)) {
		t.Error("the seed does not decide")
	}
	x, _ := p.Times(0, 2, 1).Next()
	if y, _ := p.Times(1, 2, 1).Next(); x == y {
		t.Error("two threads have the same times")
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	for _, p := range []Plan{Constant(1000), Poisson(1000), parse(t, "ramp:1..1000/10s"), parse(t, "poisson-steps:10/1m,1000/1h"), Recorded(make([]time.Duration, 5000), 1)} {
		times := p.Times(0, 1, 1)
		if n := testing.AllocsPerRun(1000, func() { times.Next() }); n != 0 {
			t.Errorf("%s: %v allocations", p, n)
		}
	}
}

func TestAPlanWithoutARateIsOverAtOnce(t *testing.T) {
	for _, p := range []Plan{Constant(0), Poisson(-1), Constant(math.NaN()), Recorded(nil, 0)} {
		if due, ok := p.Times(0, 1, 1).Next(); ok {
			t.Errorf("%s: %v", p, due)
		}
	}
	times := Constant(1e-12).Times(1, 2, 0) // the second arrival is past what a Duration holds
	if due, ok := times.Next(); ok {
		t.Error(due)
	}
}

func TestStringsAreReadAgain(t *testing.T) {
	for _, text := range []string{"constant:1000", "poisson:0.5", "constant:10/1m30s", "ramp:100..2000/30s", "poisson-ramp:0..10/1h,10/5m", "steps:500/10s,1000/1h30m"} {
		parse(t, text)
	}
	if s := Recorded([]time.Duration{0, 90e9}, 2).String(); s != "recorded: 2 arrivals in 45s at 2 times the recorded speed" {
		t.Error(s)
	}
}

func TestErrorsSayWhatWasExpected(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "expected KIND:RATE; write one of constant:1000, poisson:1000",
		"1000":                           "a kind is missing; write constant:1000 or poisson:1000",
		"uniform:5":                      `there is no kind "uniform"; write one of constant:1000`,
		"constant:fast":                  `"fast" is no rate; expected requests per second, 0 or 0.001 to 10000000, for example constant:1000`,
		"constant:-5":                    `"-5" is no rate`,
		"constant:NaN":                   `"NaN" is no rate`,
		"constant:0":                     `"0" is not one rate above 0; write constant:1000`,
		"constant:1..2/3s":               `write constant:1000, or ramp:100..2000/30s for a rate that moves`,
		"constant:20000000":              "is no rate",
		"poisson:":                       `"" is no rate`,
		"ramp:100..2000":                 `"100..2000" does not say how long; expected RATE/DURATION, for example ramp:100..2000/30s`,
		"ramp:100..2000/30":              `"30" is no duration; expected one above 0 and up to a year such as 500ms, 30s`,
		"ramp:1..2/-3s":                  `"-3s" is no duration`,
		"ramp:1..2/9000h":                `"9000h" is no duration`,
		"steps:1/1s,":                    `"" is no rate`,
		"steps:1..2/1s":                  `the step "1..2/1s" has a rate that moves; write steps:500/10s,1000/10s, or ramp:1..2/1s`,
		"poisson-steps:0/1s":             "every rate is 0; write for example poisson-steps:500/10s,1000/10s",
		strings.Repeat("steps:,", 5_000): "5001 legs, the maximum is 1000",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range strings.Split(Forms, ", ") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q: %s: %v", text, p, err)
		}
		times, last := p.Times(0, 1, 1), time.Duration(0)
		for range 100 {
			due, ok := times.Next()
			if !ok {
				return
			}
			if due < last || due < 0 {
				t.Fatalf("%q: %v after %v", text, due, last)
			}
			last = due
		}
	})
}

func BenchmarkNext(b *testing.B) {
	for _, text := range []string{"constant:1000", "poisson:1000", "ramp:1..1000000/100h"} {
		p, _ := Parse(text)
		b.Run(text, func(b *testing.B) {
			times := p.Times(0, 2, 1)
			for b.Loop() {
				times.Next()
			}
		})
	}
}
