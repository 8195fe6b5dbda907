package arrival

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds of what may be typed.
const (
	maxRate   = 10_000_000
	minRate   = 0.001
	maxLegs   = 1000
	maxLength = 365 * 24 * time.Hour
)

// Forms are the plans that Parse reads, for help texts.
const Forms = "constant:1000, poisson:1000, ramp:100..2000/30s, steps:500/10s,1000/10s, poisson-ramp:100..2000/30s, poisson-steps:500/10s,1000/10s"

// Parse reads a plan. Rates are per second.
//
//	constant:1000              endless, evenly spaced; constant:1000/30s ends after 30 s
//	poisson:1000               endless, independent arrivals; poisson:1000/30s ends
//	ramp:100..2000/30s         the rate moves evenly; more legs follow after commas, with one rate or two: ramp:0..1000/30s,1000/2m
//	steps:500/10s,1000/10s     one rate after the other
//	poisson-ramp:…             the same with independent arrivals, and poisson-steps:…
func Parse(text string) (Plan, error) {
	kind, rest, ok := strings.Cut(text, ":")
	if !ok {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return nil, fmt.Errorf("arrivals %.60q: a kind is missing; write constant:%s or poisson:%s", text, text, text)
		}
		return nil, fmt.Errorf("arrivals %.60q: expected KIND:RATE; write one of %s", text, Forms)
	}
	switch kind {
	case "constant", "poisson":
		l, err := parseLeg(text, rest, kind+":1000 or "+kind+":1000/30s", false)
		if err != nil {
			return nil, err
		}
		if l.from != l.to || l.from == 0 {
			return nil, fmt.Errorf("arrivals %.60q: %.60q is not one rate above 0; write %s:1000, or %s for a rate that moves", text, rest, kind,
				map[string]string{"constant": "ramp:100..2000/30s", "poisson": "poisson-ramp:100..2000/30s"}[kind])
		}
		return newLegs(kind, kind == "poisson", l), nil
	case "ramp", "poisson-ramp":
		return parseLegs(text, kind, rest, kind+":100..2000/30s")
	case "steps", "poisson-steps":
		return parseLegs(text, kind, rest, kind+":500/10s,1000/10s")
	}
	return nil, fmt.Errorf("arrivals %.60q: there is no kind %.20q; write one of %s", text, kind, Forms)
}

func parseLegs(text, kind, rest, example string) (Plan, error) {
	if n := strings.Count(rest, ",") + 1; n > maxLegs {
		return nil, fmt.Errorf("arrivals %.60q: %d legs, the maximum is %d", text, n, maxLegs)
	}
	var list []leg
	total := 0.0
	for part := range strings.SplitSeq(rest, ",") {
		l, err := parseLeg(text, strings.TrimSpace(part), example, true)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(kind, "steps") && l.from != l.to {
			return nil, fmt.Errorf("arrivals %.60q: the step %.60q has a rate that moves; write %s, or ramp:%s", text, part, example, part)
		}
		list = append(list, l)
		total += l.from + l.to
	}
	if total == 0 {
		return nil, fmt.Errorf("arrivals %.60q: every rate is 0; write for example %s", text, example)
	}
	return newLegs(kind, strings.HasPrefix(kind, "poisson"), list...), nil
}

// parseLeg reads RATE or FROM..TO, then /DURATION.
func parseLeg(text, part, example string, needLength bool) (leg, error) {
	rates, span, bounded := strings.Cut(part, "/")
	from, to, moves := strings.Cut(rates, "..")
	if !moves {
		to = from
	}
	var l leg
	for _, r := range []struct {
		text string
		into *float64
	}{{from, &l.from}, {to, &l.to}} {
		v, err := strconv.ParseFloat(strings.TrimSpace(r.text), 64)
		if err != nil || v != 0 && !(v >= minRate && v <= maxRate) {
			return l, fmt.Errorf("arrivals %.60q: %.60q is no rate; expected requests per second, 0 or %v to %d, for example %s", text, r.text, minRate, maxRate, example)
		}
		*r.into = v
	}
	if !bounded {
		if needLength || moves {
			return l, fmt.Errorf("arrivals %.60q: %.60q does not say how long; expected RATE/DURATION, for example %s", text, part, example)
		}
		return l, nil
	}
	d, err := time.ParseDuration(strings.TrimSpace(span))
	if err != nil || d <= 0 || d > maxLength {
		return l, fmt.Errorf("arrivals %.60q: %.60q is no duration; expected one above 0 and up to a year such as 500ms, 30s, 5m, 1h30m, for example %s", text, span, example)
	}
	l.length = d
	return l, nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// length writes 5m for 5m0s.
func length(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
