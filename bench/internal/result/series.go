package result

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// diffRuns compares two runs of one kind by their seconds.
func diffRuns(base, now *Run) []Change {
	b, n := wholeSeconds(base), wholeSeconds(now)
	method := of(len(b), len(n), "seconds")
	short := min(len(b), len(n)) < fewSeconds
	var changes []Change
	for _, f := range seriesFigures(base.Loop) {
		x, y := f.of(b), f.of(n)
		c := newChange(f.name, f.unit, x.estimate(nil), y.estimate(nil))
		switch {
		case math.IsNaN(c.Base) || math.IsNaN(c.Now):
			continue // not measured in one of them
		case short:
			c.judge(f.lowerIsBetter, fmt.Sprintf("less than %d seconds: run for longer", fewSeconds))
		default:
			c.Low, c.High = ratioInterval(x, y)
			c.judge(f.lowerIsBetter, method)
		}
		changes = append(changes, c)
	}
	for _, p := range []float64{99.9, 99.99} {
		if x, y := base.Total.Latency, now.Total.Latency; enough(x, p) && enough(y, p) {
			c := newChange(fmt.Sprintf("p%v of the run", p), "µs", float64(x.At(p)), float64(y.At(p)))
			c.judge(true, "one run does not show how much this tail moves: repeat both")
			changes = append(changes, c)
		}
	}
	if base.HighestRate > 0 && now.HighestRate > 0 {
		c := newChange("highest rate that held", "/s", base.HighestRate, now.HighestRate)
		c.judge(false, "one search does not show how much it moves: repeat both")
		changes = append(changes, c)
	}
	return changes
}

// enough reports whether at least ten values lie beyond the percentile.
func enough(h Histogram, percentile float64) bool {
	return float64(h.Count())*(1-percentile/100) >= 10
}

// figure is one number that a set of seconds gives.
type figure struct {
	name, unit    string
	lowerIsBetter bool
	of            func([]Second) *sample
}

func seriesFigures(loop string) []figure {
	latency := func(name string, of func(*Second) int64) figure {
		return figure{name + " of a second, median", "µs", true, func(rows []Second) *sample {
			return medianOf(rows, func(s *Second) (float64, bool) { v := of(s); return float64(v), v > 0 })
		}}
	}
	figures := []figure{
		latency("p50", func(s *Second) int64 { return s.P50 }),
		latency("p90", func(s *Second) int64 { return s.P90 }),
		latency("p99", func(s *Second) int64 { return s.P99 }),
		{"errors", "%", true, func(rows []Second) *sample {
			return shareOf(rows, func(s *Second) (part, whole int64) { return s.Errors, s.Requests })
		}},
		{"cache hits", "%", false, func(rows []Second) *sample {
			return shareOf(rows, func(s *Second) (part, whole int64) { return s.Hits, s.Hits + s.Misses })
		}},
	}
	if loop == "closed" { // an open loop sends what it is told to
		rate := figure{"requests in a second, median", "/s", false, func(rows []Second) *sample {
			return medianOf(rows, func(s *Second) (float64, bool) { return float64(s.Requests), true })
		}}
		figures = append([]figure{rate}, figures...)
	}
	return figures
}

// sample is what a figure takes from each second: a value whose median counts, or part and whole of a share.
type sample struct {
	n           int
	values      []float64 // by second, NaN where there is none; of a share: its value in that second
	order       []int     // of seconds with a value, ascending by it
	part, whole []int64   // of a share
}

func medianOf(rows []Second, of func(*Second) (float64, bool)) *sample {
	s := &sample{n: len(rows), values: make([]float64, len(rows))}
	for i := range rows {
		if v, ok := of(&rows[i]); ok {
			s.values[i], s.order = v, append(s.order, i)
		} else {
			s.values[i] = math.NaN()
		}
	}
	slices.SortStableFunc(s.order, func(a, b int) int { return cmp.Compare(s.values[a], s.values[b]) })
	return s
}

func shareOf(rows []Second, of func(*Second) (part, whole int64)) *sample {
	s := &sample{n: len(rows), values: make([]float64, len(rows)), part: make([]int64, len(rows)), whole: make([]int64, len(rows))}
	for i := range rows {
		s.part[i], s.whole[i] = of(&rows[i])
		s.values[i] = float64(s.part[i]) / float64(s.whole[i])
	}
	return s
}

// estimate is the figure of a sample that holds the i-th second counts[i] times, once when counts is nil; NaN when nothing was measured.
func (s *sample) estimate(counts []int32) float64 {
	count := func(i int) int64 {
		if counts == nil {
			return 1
		}
		return int64(counts[i])
	}
	if s.whole != nil {
		var part, whole int64
		for i := range s.whole {
			part, whole = part+count(i)*s.part[i], whole+count(i)*s.whole[i]
		}
		if whole == 0 {
			return math.NaN()
		}
		return 100 * float64(part) / float64(whole)
	}
	var total, seen int64
	for _, i := range s.order {
		total += count(i)
	}
	lower := math.NaN()
	for _, i := range s.order {
		seen += count(i)
		if math.IsNaN(lower) && seen > (total-1)/2 && total > 0 {
			lower = s.values[i]
		}
		if seen > total/2 {
			return (lower + s.values[i]) / 2
		}
	}
	return math.NaN()
}

// wholeSeconds are the rows of a run without the last when the end of the run cut it off.
func wholeSeconds(r *Run) []Second {
	rows := r.Series
	if n := len(rows); n > 1 && rows[n-1].At-rows[n-2].At < 0.9 {
		return rows[:n-1]
	}
	return rows
}

// ratioInterval is the 95 % interval of now's figure by base's.
func ratioInterval(base, now *sample) (low, high float64) {
	rng := rand.New(rand.NewPCG(2, uint64(base.n)<<32|uint64(now.n)))
	bb, bn := base.blockLength(), now.blockLength()
	b, n := make([]int32, base.n), make([]int32, now.n)
	draws := resamples
	if base.n+now.n > 20_000 {
		draws /= 4 // so many seconds leave little to chance
	}
	ratios := make([]float64, 0, draws)
	for range draws {
		draw(rng, b, bb)
		draw(rng, n, bn)
		if x, y := base.estimate(b), now.estimate(n); x > 0 && !math.IsNaN(y) {
			ratios = append(ratios, y/x)
		}
	}
	if len(ratios) < draws*9/10 { // the base is 0 too often to divide by it
		return math.NaN(), math.NaN()
	}
	slices.Sort(ratios)
	// How many independent pieces the blocks leave decides how far the tails must be widened.
	return middle(ratios, tail(max(min(base.n/bb, now.n/bn), 5)))
}

// draw counts how often each second is in a sample of blocks that start anywhere in the run and go round its end.
func draw(rng *rand.Rand, counts []int32, block int) {
	clear(counts)
	for left := len(counts); left > 0; left -= block {
		at := rng.IntN(len(counts))
		for j := range min(block, left) {
			counts[(at+j)%len(counts)]++
		}
	}
}

// blockLength is the length that makes the error of a circular block bootstrap least for a series that forgets as fast as this one (Politis and White,
// "Automatic block-length selection for the dependent bootstrap", Econometric Reviews 23, 2004, for a first-order autoregression).
func (s *sample) blockLength() int {
	var values []float64
	for _, v := range s.values {
		if !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	n := len(values)
	if n < 4 {
		return 1
	}
	rho := min(max(autocorrelation(values)+1/math.Sqrt(float64(n)), 0), 0.9) // one standard error above the estimate, which is low in short series
	g := 2 * rho / (1 - rho*rho)
	return min(max(int(math.Ceil(math.Cbrt(1.5*g*g*float64(n)))), 1), max(n/5, 1))
}

// autocorrelation of neighbours, by ranks so that one slow second does not hide it.
func autocorrelation(values []float64) float64 {
	ranks := rank(values)
	n := len(ranks)
	mean := float64(n-1) / 2
	var with, all float64
	for i, r := range ranks {
		all += (r - mean) * (r - mean)
		if i > 0 {
			with += (r - mean) * (ranks[i-1] - mean)
		}
	}
	if all == 0 {
		return 0
	}
	return with / all
}

// rank replaces values by their ranks from 0; equal values share the mean of theirs.
func rank(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	ranks := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			ranks[order[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return ranks
}
