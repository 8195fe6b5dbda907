package soak

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirproxy/weir/bench/internal/result"
)

func line(n int, perHour, level float64, noise func(i int) float64) (s, v []float64) {
	for i := range n {
		t := float64(i) * 5
		s = append(s, t)
		v = append(v, level+perHour*t/3600+noise(i))
	}
	return s, v
}

func TestSlopeOfALineIsExact(t *testing.T) {
	s, v := line(50, 720, 1000, func(int) float64 { return 0 })
	got := TheilSen(s, v)
	if math.Abs(got.PerHour-720) > 1e-6 || math.Abs(got.Low-720) > 1e-6 || math.Abs(got.High-720) > 1e-6 || got.N != 50 {
		t.Errorf("%+v", got)
	}
}

func TestSlopeDoesNotFollowWildPoints(t *testing.T) {
	s, v := line(120, 100, 1000, func(i int) float64 {
		if i%10 == 9 {
			return 1e6
		}
		return 0
	})
	if got := TheilSen(s, v); math.Abs(got.PerHour-100) > 1 {
		t.Errorf("%+v", got)
	}
}

func TestIntervalHoldsTheTruthMostOfTheTime(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	const runs = 400
	inside := 0
	for range runs {
		s, v := line(40, 60, 1000, func(int) float64 { return r.NormFloat64() * 5 })
		if got := TheilSen(s, v); got.Low <= 60 && got.High >= 60 {
			inside++
		}
	}
	if share := float64(inside) / runs; share < 0.92 || share > 0.985 {
		t.Errorf("the 95 %% interval held the truth in %.1f %% of the runs", 100*share)
	}
}

func TestTooFewPoints(t *testing.T) {
	for n := range 3 {
		s, v := line(n, 1, 1, func(int) float64 { return 0 })
		if got := TheilSen(s, v); !math.IsInf(got.Low, -1) || !math.IsInf(got.High, 1) {
			t.Errorf("%d points: %+v", n, got)
		}
	}
}

func TestVerdict(t *testing.T) {
	tolerance := Tolerance{Share: 0.05, Absolute: 2}
	for _, c := range []struct {
		what string
		s    Slope
		want string
	}{
		{"leak", Slope{PerHour: 500, Low: 400, High: 600, Level: 1000, N: 9}, Growing},
		{"nothing", Slope{PerHour: 0, Low: -1, High: 1, Level: 1000, N: 9}, Flat},
		{"shrinking", Slope{PerHour: -500, Low: -600, High: -400, Level: 1000, N: 9}, Flat},
		{"within the share", Slope{PerHour: 49, Low: 45, High: 51, Level: 1000, N: 9}, Unsure},
		{"at the share", Slope{PerHour: 49, Low: 45, High: 50, Level: 1000, N: 9}, Flat},
		{"a flat estimate that may be a leak", Slope{PerHour: 0, Low: -900, High: 900, Level: 1000, N: 9}, Unsure},
		{"within the absolute", Slope{PerHour: 1.5, Low: 1, High: 2.5, Level: 10, N: 9}, Unsure},
		{"at the absolute", Slope{PerHour: 1.5, Low: 1, High: 2, Level: 10, N: 9}, Flat},
		{"wide", Slope{PerHour: 100, Low: -50, High: 300, Level: 1000, N: 9}, Unsure},
		{"no data", TheilSen(nil, nil), Unsure},
	} {
		if got := tolerance.Verdict(c.s); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestBlocksKeepTheSlope(t *testing.T) {
	s, v := line(240, 360, 50, func(int) float64 { return 0 })
	bs, bv := Blocks(s, v, 60)
	if len(bs) != 60 || len(bv) != 60 {
		t.Fatalf("%d and %d blocks", len(bs), len(bv))
	}
	if got := TheilSen(bs, bv); math.Abs(got.PerHour-360) > 1e-6 {
		t.Errorf("%+v", got)
	}
}

func TestSlopeIsBetweenTheEndsOfItsInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), 3, 60).Draw(t, "values")
		s := make([]float64, len(v))
		for i := range s {
			s[i] = float64(i)
		}
		got := TheilSen(s, v)
		if got.Low > got.PerHour || got.PerHour > got.High {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheOutcomeHasThreeVerdicts(t *testing.T) {
	judged := func(verdicts ...string) *Outcome {
		var all []Judged
		for _, v := range verdicts {
			all = append(all, Judged{Subject: "a", Gauge: "RSS", Unit: "B", Verdict: v})
		}
		return &Outcome{Tables: []result.Table{SlopeTable(all, 0, 0)}}
	}
	for _, c := range []struct {
		all  []string
		want string
	}{
		{[]string{Flat, Flat}, Flat},
		{[]string{Flat, Unsure, Flat}, Unsure},
		{[]string{Unsure, Growing, Flat}, Growing},
		{nil, Flat},
	} {
		if got := judged(c.all...).Verdict(); got != c.want {
			t.Errorf("%v: %s, want %s", c.all, got, c.want)
		}
	}
	if g := judged(Unsure).Tables[0].Gates[0]; g.Pass || g.Missed() || g.Remark != "unsure: run longer" {
		t.Errorf("%+v", g)
	}
}

func TestAColumnShowsItsNewestValue(t *testing.T) {
	c := column{[]float64{1, 16, 31}, []float64{10, 20, 30}}
	for at, want := range map[float64]float64{0: 10, 1: 10, 15: 10, 16: 20, 30: 20, 99: 30} {
		if got := c.at(at); got != want {
			t.Errorf("at %g: %g, want %g", at, got, want)
		}
	}
}
