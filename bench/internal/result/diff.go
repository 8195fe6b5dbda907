package result

import (
	"errors"
	"fmt"
	"math"
)

// Verdicts of changes.
const (
	Better  = "better"
	Worse   = "worse"
	Same    = "same"    // so close that the difference does not matter
	Unclear = "unclear" // may be noise
)

// Margin is the share within which two values count as the same: one fresh process of the same program differs from the next by as much and more, which the
// noise inside one run cannot show.
const Margin = 0.05

// fewSeconds is the shortest series whose noise can be judged.
const fewSeconds = 20

// Change is one figure in two results.
type Change struct {
	Name    string  `json:"name"`
	Unit    string  `json:"unit"`
	Base    float64 `json:"base"`
	Now     float64 `json:"now"`
	Ratio   float64 `json:"ratio"` // now ÷ base; NaN when base is 0
	Low     float64 `json:"low"`   // of the ratio's 95 % interval; NaN when it cannot be known
	High    float64 `json:"high"`
	Verdict string  `json:"verdict"`
	Why     string  `json:"why"`
}

// Diff says what changed from base to now, and whether it is more than noise.
//
// Figures of runs come from the series: the median over the seconds, or a share of all requests, with the interval of their ratio by a circular block bootstrap
// (Politis and Romano, "A circular block-resampling procedure for stationary data", 1992), because neighbouring seconds are alike: intervals that take requests
// or seconds as independent of each other are too narrow and call equal runs different. Tails beyond the 99th percentile are not kept by second, so that their
// noise is not known from one run.
//
// Rows of comparisons have intervals from independent process instances. Their ratio's interval is recovered from the two (method MOVER: Zou and Donner,
// "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008) on the logarithm's scale; to ask whether two intervals overlap
// would miss real changes.
//
// Where a warning of one of the runs says that it measured something else than the target, no change is called better or worse.
//
// A ratio whose interval lies within Margin of 1, or that is itself within it, is the same; one whose interval does not hold 1 is better or worse; all else is unclear.
func Diff(base, now *File) ([]Change, error) {
	var changes []Change
	if base.Run != nil && now.Run != nil {
		if base.Run.Loop != now.Run.Loop {
			return nil, fmt.Errorf("the base ran a %s loop, this result a %s one: their latencies mean different things; compare runs of one kind", base.Run.Loop, now.Run.Loop)
		}
		if base.Run.Workload != now.Run.Workload {
			return nil, fmt.Errorf("the base ran workload %q, this result %q; compare runs of one workload", base.Run.Workload, now.Run.Workload)
		}
		changes = append(changes, diffRuns(base.Run, now.Run)...)
		doubt(changes, base, now)
	}
	if base.Compare != nil && now.Compare != nil {
		changes = append(changes, diffRows("", base.Compare.Rows, now.Compare.Rows)...)
		if sameMachines(base, now) {
			changes = append(changes, diffSubjects(base.Compare, now.Compare)...)
		}
	}
	for i := range now.Tables {
		for j := range base.Tables {
			if base.Tables[j].Name == now.Tables[i].Name {
				changes = append(changes, diffRows(now.Tables[i].Name+": ", base.Tables[j].Gates, now.Tables[i].Gates)...)
			}
		}
	}
	if changes == nil {
		return nil, errors.New("the base and this result have nothing in common: compare a run with a run, a comparison with a comparison")
	}
	return changes, nil
}

// doubt takes back what was said about runs that measured something else than their target.
func doubt(changes []Change, base, now *File) {
	reason := ""
	for _, f := range []struct {
		name string
		file *File
	}{{"the base", base}, {"this result", now}} {
		for _, w := range f.file.Warnings {
			if w.Code == WarnGenerator || w.Code == WarnNoisy || w.Code == WarnTarget {
				reason = fmt.Sprintf("%s is %s, see its warnings", f.name, w.Code)
			}
		}
		if f.file.Partial != "" {
			reason = f.name + " is partial"
		}
	}
	for i := range changes {
		if v := changes[i].Verdict; reason != "" && (v == Better || v == Worse) {
			changes[i].Verdict, changes[i].Why = Unclear, "beyond its noise, but "+reason
		}
	}
}

// of is "60 seconds each", or "60 and 30 seconds".
func of(a, b int, unit string) string {
	if a == b {
		return fmt.Sprintf("%d %s each", a, unit)
	}
	return fmt.Sprintf("%d and %d %s", a, b, unit)
}

func sameMachines(a, b *File) bool {
	if len(a.Machines) != len(b.Machines) {
		return false
	}
	for i, m := range a.Machines {
		if n := b.Machines[i]; m.CPU != n.CPU || m.CPUs != n.CPUs {
			return false
		}
	}
	return true
}

// judge fills verdict and reason from the ratio and its interval.
func (c *Change) judge(lowerIsBetter bool, method string) {
	better, worse := Better, Worse
	if !lowerIsBetter {
		better, worse = Worse, Better
	}
	inside := func(r float64) bool { return r >= 1/(1+Margin) && r <= 1+Margin }
	switch {
	case c.Base == 0 && c.Now == 0:
		c.Verdict, c.Why = Same, "none in either"
	case math.IsNaN(c.Low) || math.IsNaN(c.High):
		c.Verdict, c.Why = Unclear, method
	case inside(c.Ratio) && (c.Low > 1 || c.High < 1 || inside(c.Low) && inside(c.High)):
		c.Verdict, c.Why = Same, fmt.Sprintf("within %.0f %%; %s", Margin*100, method)
	case c.High < 1:
		c.Verdict, c.Why = better, "beyond noise; "+method
	case c.Low > 1:
		c.Verdict, c.Why = worse, "beyond noise; "+method
	default:
		c.Verdict, c.Why = Unclear, "may be noise; "+method
	}
}

func newChange(name, unit string, base, now float64) Change {
	c := Change{Name: name, Unit: unit, Base: base, Now: now, Ratio: math.NaN(), Low: math.NaN(), High: math.NaN()}
	if base != 0 {
		c.Ratio = now / base
	}
	return c
}

// diffRows compares rows of the same number and name; less is better in all of them.
func diffRows(prefix string, base, now []Row) (changes []Change) {
	for _, n := range now {
		for _, b := range base {
			if b.Row == n.Row && b.What == n.What && b.Unit == n.Unit {
				changes = append(changes, diffIntervals(prefix+n.What, n.Unit, b.Value, n.Value))
				break
			}
		}
	}
	return changes
}

func diffSubjects(base, now *Compare) (changes []Change) {
	for _, n := range now.Subjects {
		for _, b := range base.Subjects {
			if b.Name == n.Name {
				c := diffIntervals(n.Name, "µs/request", b.Micros, n.Micros)
				c.Why += "; absolute, moves with the machine"
				changes = append(changes, c)
				break
			}
		}
	}
	return changes
}

func diffIntervals(name, unit string, base, now Interval) Change {
	c := newChange(name, unit, base.Median, now.Median)
	switch {
	case min(base.N, now.N) < 3:
		c.judge(true, "fewer than 3 instances: measure with more")
		return c
	case base.Median <= 0 || now.Median <= 0:
		// A ratio says nothing at 0: the figures differ when their intervals lie apart.
		if c.Verdict, c.Why = Unclear, "the intervals overlap"; base.Median == now.Median {
			c.Verdict, c.Why = Same, "equal"
		} else if now.High < base.Low {
			c.Verdict, c.Why = Better, "beyond noise: the intervals lie apart"
		} else if now.Low > base.High {
			c.Verdict, c.Why = Worse, "beyond noise: the intervals lie apart"
		}
		return c
	}
	c.Low, c.High = mover(base, now)
	c.judge(true, of(base.N, now.N, "instances"))
	return c
}

// mover is the interval of now ÷ base for positive medians.
func mover(base, now Interval) (low, high float64) {
	log := func(x, median float64) float64 { return math.Log(max(x, median*1e-3)) } // an end at or below 0 has no logarithm
	b, bl, bh := math.Log(base.Median), log(base.Low, base.Median), log(base.High, base.Median)
	n, nl, nh := math.Log(now.Median), log(now.Low, now.Median), log(now.High, now.Median)
	d := n - b
	return math.Exp(d - math.Hypot(n-nl, bh-b)), math.Exp(d + math.Hypot(nh-n, b-bl))
}
