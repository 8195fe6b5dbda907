package soak

import (
	"math"
	"slices"
)

// Slope is a Theil–Sen estimate: the median of the slopes between all pairs of points, with a 95 % confidence interval. A few wild points do not move it.
type Slope struct {
	PerHour   float64
	Low, High float64
	Level     float64 // median of the values
	N         int
}

const z95 = 1.959964

// TheilSen estimates the slope of values over seconds. With fewer than three points there is none: everything is 0 and the interval without bounds.
//
// The interval is Sen's: the slopes whose ranks lie within z·√(n(n−1)(2n+5)/18) of the middle. It supposes that what is beside the line of one point
// does not depend on the one before; samples of a process do depend a little, so the series is thinned to blocks first (see Blocks).
func TheilSen(seconds, values []float64) Slope {
	n := len(values)
	s := Slope{N: n, Level: median(slices.Clone(values)), Low: math.Inf(-1), High: math.Inf(1)}
	if n < 3 || len(seconds) != n {
		return s
	}
	slopes := make([]float64, 0, n*(n-1)/2)
	for i := range n {
		for j := i + 1; j < n; j++ {
			if dt := seconds[j] - seconds[i]; dt > 0 {
				slopes = append(slopes, (values[j]-values[i])/dt*3600)
			}
		}
	}
	if len(slopes) == 0 {
		return s
	}
	slices.Sort(slopes)
	s.PerHour = middle(slopes)
	f := float64(n)
	half := z95 * math.Sqrt(f*(f-1)*(2*f+5)/18)
	last := len(slopes) - 1
	low := int(math.Floor((float64(len(slopes)) - half) / 2))
	high := int(math.Ceil((float64(len(slopes)) + half) / 2))
	s.Low, s.High = slopes[min(max(low, 0), last)], slopes[min(max(high, 0), last)]
	return s
}

// Blocks replaces each run of samples by its median, so that at most n points are left.
func Blocks(seconds, values []float64, n int) (s, v []float64) {
	size := (len(values) + n - 1) / n
	if size <= 1 {
		return seconds, values
	}
	for i := 0; i+size <= len(values); i += size {
		s = append(s, middle(seconds[i:i+size]))
		v = append(v, median(slices.Clone(values[i:i+size])))
	}
	return s, v
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return middle(v)
}

// middle of sorted values.
func middle(v []float64) float64 {
	mid := len(v) / 2
	if len(v)%2 == 1 {
		return v[mid]
	}
	return (v[mid-1] + v[mid]) / 2
}

// Tolerance says how much growth is none: a share of the level per hour, or an absolute amount per hour where that is more.
type Tolerance struct {
	Share    float64
	Absolute float64
}

// Verdicts.
const (
	Flat    = "flat"
	Growing = "growing"
	Unsure  = "unsure" // the interval holds both: run longer
)

// Verdict judges a slope by its whole interval: flat when even the high end is within the tolerance, growing when even the low end is beyond it. What remains
// cannot be told: an estimate alone proves neither.
func (t Tolerance) Verdict(s Slope) string {
	limit := t.Limit(s.Level)
	switch {
	case s.N < 3:
		return Unsure
	case s.Low > limit:
		return Growing
	case s.High <= limit:
		return Flat
	}
	return Unsure
}

// Limit is the tolerance in units per hour at a level.
func (t Tolerance) Limit(level float64) float64 { return max(t.Share*math.Abs(level), t.Absolute) }
