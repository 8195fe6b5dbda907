package result

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBootstrapOfKnownValues(t *testing.T) {
	v := Bootstrap([]float64{3, 1, 2, math.NaN(), math.Inf(1)})
	if v.Median != 2 || v.Min != 1 || v.Max != 3 || v.N != 3 || v.Low != 1 || v.High != 3 {
		t.Errorf("%+v", v)
	}
	if v := Bootstrap([]float64{7}); v != (Interval{7, 7, 7, 7, 7, 1}) {
		t.Errorf("%+v", v)
	}
	if v := Bootstrap([]float64{1, 2}); v.Median != 1.5 || v.Low != 1 || v.High != 2 {
		t.Errorf("%+v", v)
	}
	if v := Bootstrap(nil); v.N != 0 || !math.IsNaN(v.Median) {
		t.Errorf("%+v", v)
	}
}

func TestBootstrapIsDeterministicAndIgnoresOrder(t *testing.T) {
	v := []float64{1.1, 1.4, 1.2, 1.25, 1.19, 1.3, 1.05}
	a := Bootstrap(v)
	slices.Reverse(v)
	if b := Bootstrap(v); a != b {
		t.Errorf("%+v %+v", a, b)
	}
}

// TestBootstrapHoldsTheTruth draws samples of a known median; the interval must hold it about 19 times in 20.
func TestBootstrapHoldsTheTruth(t *testing.T) {
	for _, n := range []int{7, 12, 50} {
		rng, held := rand.New(rand.NewPCG(5, uint64(n))), 0
		const trials = 300
		for range trials {
			v := make([]float64, n)
			for i := range v {
				v[i] = math.Exp(rng.NormFloat64() * 0.2)
			}
			if b := Bootstrap(v); b.Low <= 1 && 1 <= b.High {
				held++
			}
		}
		if share := float64(held) / trials; share < 0.92 || share > 0.995 {
			t.Errorf("n = %d: the interval held the median in %.3f of the trials", n, share)
		}
	}
}

func TestMedianOfCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for n := 1; n < 12; n++ {
		sorted := make([]float64, n)
		for i := range sorted {
			sorted[i] = float64(i * i)
		}
		for range 100 {
			counts, sample := make([]uint32, n), []float64{}
			for range n {
				i := rng.IntN(n)
				counts[i]++
				sample = append(sample, sorted[i])
			}
			slices.Sort(sample)
			if got, want := medianOfCounts(sorted, counts), median(sample); got != want {
				t.Fatalf("%v: %v, want %v", sample, got, want)
			}
		}
	}
}
