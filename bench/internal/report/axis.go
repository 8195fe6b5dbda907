package report

import (
	"math"
	"strconv"
)

// axis maps values to a length; its ticks are at round values.
type axis struct {
	Label    string
	Log      bool
	Zero     bool // 0 belongs to it
	Format   func(float64) string
	Fixed    []tick // instead of round values
	min, max float64
}

type tick struct {
	At   float64
	Text string
}

// holds reports whether a value has a place on the axis: NaN has none, what is not above 0 has none on a logarithmic one, and what nothing measures would
// leave the range in which the arithmetic here works.
func (a *axis) holds(v float64) bool {
	return math.Abs(v) < 1e200 && (!a.Log || v > 1e-200)
}

// fit sets the ends to hold all values that have a place.
func (a *axis) fit(values ...float64) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !a.holds(v) {
			continue
		}
		low, high = min(low, v), max(high, v)
	}
	if low > high { // nothing to show
		low, high = 0, 1
		if a.Log {
			low = 0.1
		}
	}
	if a.Log {
		a.min, a.max = low, high
		if high/low < 1.5 {
			a.min, a.max = low/1.5, high*1.5
		}
		return
	}
	if a.Zero {
		low, high = min(low, 0), max(high, 0)
	}
	if high-low < max(1e-200, 1e-12*max(math.Abs(low), math.Abs(high))) { // as good as one value
		low, high = low-math.Max(1, math.Abs(low)*0.1), high+math.Max(1, math.Abs(high)*0.1)
		if a.Zero && low < 0 && high > 0 {
			low = 0
		}
	}
	a.min, a.max = low, high
}

// share is where v lies, 0 at the axis' low end and 1 at its high end.
func (a *axis) share(v float64) float64 {
	if a.Log {
		return math.Log(max(v, a.min)/a.min) / math.Log(a.max/a.min)
	}
	return (v - a.min) / (a.max - a.min)
}

// ticks are round values; round widens the ends to them.
func (a *axis) ticks(n int) []tick {
	if a.Fixed != nil {
		var in []tick
		for _, t := range a.Fixed {
			if t.At >= a.min-1e-9 && t.At <= a.max+1e-9 {
				in = append(in, t)
			}
		}
		return in
	}
	if a.Log {
		return a.logTicks(n)
	}
	step := roundStep((a.max - a.min) / float64(n))
	var list []tick
	for i, at := 0, math.Ceil(a.min/step-1e-9)*step; i < 50 && at <= a.max+step*1e-9; i, at = i+1, at+step {
		list = append(list, tick{clean(at, step), a.text(clean(at, step))})
	}
	return list
}

// round widens a linear axis to whole steps.
func (a *axis) round(n int) {
	if a.Log || a.Fixed != nil {
		return
	}
	step := roundStep((a.max - a.min) / float64(n))
	a.min, a.max = clean(math.Floor(a.min/step+1e-9)*step, step), clean(math.Ceil(a.max/step-1e-9)*step, step)
}

func (a *axis) logTicks(n int) []tick {
	factors := []float64{1}
	if math.Log10(a.max/a.min) < 2.5 {
		factors = []float64{1, 2, 5}
	}
	if math.Log10(a.max/a.min) < 0.7 {
		factors = []float64{1, 1.5, 2, 3, 4, 5, 6, 8}
	}
	var list []tick
	for e := math.Floor(math.Log10(a.min)); e <= math.Ceil(math.Log10(a.max)); e++ {
		for _, f := range factors {
			if v := f * math.Pow(10, e); v >= a.min*(1-1e-9) && v <= a.max*(1+1e-9) {
				list = append(list, tick{v, a.text(v)})
			}
		}
	}
	for len(list) > n+3 { // many decades: every second
		var thin []tick
		for i := 0; i < len(list); i += 2 {
			thin = append(thin, list[i])
		}
		list = thin
	}
	return list
}

func (a *axis) text(v float64) string {
	if a.Format != nil {
		return a.Format(v)
	}
	return short(v)
}

// roundStep is 1, 2 or 5 times a power of ten, at least x.
func roundStep(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 0) {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(x)))
	for _, f := range []float64{1, 2, 5, 10} {
		if f*base >= x*(1-1e-9) {
			return f * base
		}
	}
	return 10 * base
}

// clean takes the dust of binary fractions off a multiple of step.
func clean(v, step float64) float64 {
	digits := max(0, 2-int(math.Floor(math.Log10(step))))
	if digits > 300 {
		return v
	}
	c, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	if err != nil {
		return v
	}
	return c + 0 // no negative zero
}
