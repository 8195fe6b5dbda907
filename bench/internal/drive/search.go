package drive

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	defaultStart     = 100
	defaultStep      = 5 * time.Second
	defaultTolerance = 0.05
	lowestRate       = 1
	keptUp           = 0.95 // of the asked rate must be achieved: what is not answered has no latency
	wide             = 2    // a miss by this factor needs no second try
	maxChecks        = 6    // of the final rate
	maxRounds        = 3    // of closing in
	busyLimit        = 0.9  // share of its threads' time at which the generator can do no more
)

func (s *Search) complete(slo []Threshold) error {
	if len(slo) == 0 {
		return inputf("the search for the highest rate needs conditions that must hold: add --slo p99=5ms,errors=0.1%%")
	}
	if s.Start == 0 {
		s.Start = defaultStart
	}
	if s.Step == 0 {
		s.Step = defaultStep
	}
	if s.Tolerance == 0 {
		s.Tolerance = defaultTolerance
	}
	if s.Start < lowestRate || s.Step < 0 || s.Tolerance < 0 || s.Tolerance >= 1 {
		return inputf("search: the first rate is at least %d/s, steps last longer than 0, the tolerance is between 0 and 1; it has %v/s, %v and %v",
			lowestRate, s.Start, s.Step, s.Tolerance)
	}
	return nil
}

// finder is one search.
type finder struct {
	d      *driver
	steps  []result.Step
	held   float64   // highest rate that held; 0: none yet
	missed []float64 // that missed, falling
	last   *outcome
	why    string // it ended early
}

// search doubles the rate until a step misses (or halves it until one holds), bisects between what held and what missed, tries what missed again, for other
// work on the machine may have made it miss, and checks the final rate.
func (d *driver) search(ctx context.Context) (*outcome, error) {
	f := &finder{d: d}
	rate := rounded(d.cfg.Search.Start)
	for range maxRounds {
		if err := f.approach(ctx, rate); err != nil {
			return nil, err
		}
		if f.held == 0 || f.over() || f.why != "" {
			break
		}
		risen, err := f.again(ctx)
		if err != nil {
			return nil, err
		}
		if rate = f.next(); !risen || f.over() || rate == 0 {
			break
		}
	}
	highest := f.held // of a search that was cut short; its file is marked as partial
	if f.held > 0 && !f.over() {
		var err error
		if highest, err = f.confirm(ctx); err != nil {
			return nil, err
		}
	}
	o := f.last
	o.run.Search, o.run.HighestRate = f.steps, highest
	if f.why != "" {
		o.warnings = append([]result.Warning{{Code: result.WarnGenerator, Text: f.why}}, without(o.warnings, result.WarnGenerator)...)
	}
	return o, nil
}

func without(list []result.Warning, code string) (rest []result.Warning) {
	for _, w := range list {
		if w.Code != code {
			rest = append(rest, w)
		}
	}
	return rest
}

// approach closes in on the rate between held and missed, from a first rate.
func (f *finder) approach(ctx context.Context, rate float64) error {
	for ; rate > 0; rate = f.next() {
		held, err := f.twice(ctx, rate)
		switch {
		case err != nil:
			return err
		case f.over():
			return nil
		case held:
			f.held = rate
		case f.limited():
			f.why = fmt.Sprintf("the search ended at %s/s because the generator, not the target, was the limit there: the target may do more; give --threads more, "+
				"or run on several machines and merge the results", grouped(rate))
			f.say("%s", f.why)
			return nil
		default:
			f.missed = append(f.missed, rate)
		}
	}
	return nil
}

// next is the rate to try; 0 when the search is as close as it should be.
func (f *finder) next() float64 {
	if len(f.missed) == 0 {
		return rounded(2 * f.held)
	}
	missed := f.missed[len(f.missed)-1]
	if f.held == 0 {
		if rate := rounded(missed / 2); rate >= lowestRate {
			return rate
		}
		return 0
	}
	rate := rounded(math.Sqrt(f.held * missed))
	if missed-f.held <= f.d.cfg.Search.Tolerance*f.held || rate <= f.held || rate >= missed {
		return 0
	}
	return rate
}

// again tries what missed once more, from the lowest on, as long as it holds now. risen reports whether anything did.
func (f *finder) again(ctx context.Context) (risen bool, err error) {
	for len(f.missed) > 0 {
		lowest := f.missed[len(f.missed)-1]
		held, err := f.try(ctx, lowest, "again")
		if err != nil || !held || f.over() {
			return risen, err
		}
		f.held, f.missed, risen = lowest, f.missed[:len(f.missed)-1], true
	}
	return risen, nil
}

// over reports whether no further step makes sense: the target cannot be reached any more, or somebody ended the search.
func (f *finder) over() bool {
	return f.last.cut || f.last.err != nil && f.last.run.Total.Requests == 0
}

// confirm tries the highest rate that held once more, and lower ones where it does not.
func (f *finder) confirm(ctx context.Context) (float64, error) {
	rate, down := f.held, f.d.cfg.Search.Tolerance
	for range maxChecks {
		held, err := f.try(ctx, rate, "check")
		if err != nil || f.over() {
			return 0, err
		}
		if held {
			return rate, nil
		}
		if rate, down = rounded(rate*(1-min(down, 0.5))), 2*down; rate < lowestRate {
			break
		}
	}
	return 0, nil
}

// twice tries a rate; a near miss may be the machine's, so it gets a second try.
func (f *finder) twice(ctx context.Context, rate float64) (held bool, err error) {
	if held, err = f.try(ctx, rate, "step"); held || err != nil || f.over() || f.last.err != nil || f.farOff() && !f.limited() {
		return held, err
	}
	return f.try(ctx, rate, "step")
}

// farOff reports whether the last step missed by far.
func (f *finder) farOff() bool {
	if uncovered(f.d.cfg.Thresholds, &f.last.run) > 0 {
		return true
	}
	step := f.steps[len(f.steps)-1]
	for i := range f.d.cfg.Thresholds {
		t, c := &f.d.cfg.Thresholds[i], step.Thresholds[i]
		worse, better := c.Value, c.Limit
		if t.atLeast() {
			worse, better = better, worse
		}
		if !c.Pass && worse >= wide*better {
			return true
		}
	}
	return false
}

// try is one step.
func (f *finder) try(ctx context.Context, rate float64, word string) (held bool, err error) {
	cfg := f.d.cfg
	l := cfg.leg()
	l.arrivals, l.duration, l.requests = arrival.Constant(rate), cfg.Search.Step, 0
	if cfg.Search.Poisson {
		l.arrivals = arrival.Poisson(rate)
	}
	l.seed += uint64(len(f.steps)) // a cache must not know the requests from the step before
	label := fmt.Sprintf("%s %d: %s/s", word, len(f.steps)+1, grouped(rate))
	o, err := f.d.once(ctx, l, label)
	if err != nil {
		return false, err
	}
	f.last = o
	if f.over() {
		return false, nil
	}
	held = judge(cfg.Thresholds, &o.run) && o.err == nil
	step := result.Step{Rate: rate, Achieved: o.run.Total.Rate, Thresholds: append([]result.Threshold(nil), o.run.Thresholds...)}
	kept := result.Threshold{Condition: "achieved=" + strconv.Itoa(100*keptUp) + "%", Value: 100 * step.Achieved / rate, Limit: 100 * keptUp}
	// The count of a Poisson process, and of a short step, moves by its root.
	kept.Pass = step.Achieved >= keptUp*rate-3*math.Sqrt(rate/l.duration.Seconds())
	step.Thresholds = append(step.Thresholds, kept)
	step.Held = held && kept.Pass
	f.steps = append(f.steps, step)
	f.say("%s  %s", label, f.verdict(&step))
	return step.Held, nil
}

func (f *finder) say(format string, args ...any) {
	if !f.d.cfg.Quiet {
		f.d.screen.Say(format, args...)
	}
}

// limited reports whether the generator, not the target, made the last step miss. It did when its threads had no time left. When it was merely late, it did
// not where requests waited for a connection, nor where the time from sent to answered would miss as well.
func (f *finder) limited() bool {
	o := f.last
	switch {
	case !has(o.warnings, result.WarnGenerator):
		return false
	case o.run.Generator.Busy > busyLimit:
		return true
	case has(o.warnings, result.WarnConnections):
		return false
	}
	sent := o.run
	sent.Total.Latency = o.run.Total.Service
	for i := range f.d.cfg.Thresholds {
		if t := &f.d.cfg.Thresholds[i]; t.Operation == "" && t.ofLatency() && !t.Check(&sent).Pass {
			return false
		}
	}
	return true
}

// verdict says in a line how a step went.
func (f *finder) verdict(s *result.Step) string {
	text := "held "
	if !s.Held {
		text = "missed"
	}
	for i, c := range s.Thresholds {
		if i == len(f.d.cfg.Thresholds) {
			if !c.Pass {
				text += fmt.Sprintf("  only %s/s were achieved", grouped(s.Achieved))
			}
			continue
		}
		text += fmt.Sprintf("  %s %s: %s", mark(c.Pass), c.Condition, f.d.cfg.Thresholds[i].format(c.Value))
	}
	if n := uncovered(f.d.cfg.Thresholds, &f.last.run); n > 0 {
		text += fmt.Sprintf("  errors %s (%s)", count(n), kinds(f.last.run.Total.Failures))
	}
	if f.last.err != nil {
		text += "  " + f.last.err.Error()
	}
	return text
}

func mark(pass bool) string {
	if pass {
		return "✓"
	}
	return "✗"
}

// rounded keeps three digits that count.
func rounded(rate float64) float64 {
	if rate <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(rate))-2)
	return math.Round(rate/unit) * unit
}
