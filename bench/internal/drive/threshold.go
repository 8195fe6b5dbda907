package drive

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

// Metrics of thresholds.
const (
	metricLatency = "latency" // a percentile
	metricMax     = "max"
	metricMean    = "mean"
	metricErrors  = "errors"
	metricRate    = "rate"
	metricHits    = "hits"
)

// Threshold is one condition of a run, of everything or of one operation.
type Threshold struct {
	Condition string // as typed
	Operation string // "" for all
	metric    string
	percent   float64 // of a percentile
	limit     float64 // in unit
	unit      string  // µs, ms, s, min, %, /s, or "" for a plain share
	scale     float64 // of one unit: microseconds for a duration, shares for % and ""
}

const thresholdForms = "p50|p90|p99|p99.9|max|mean=5ms, errors=0.1%, rate=1000 (at least), hits=90% (at least), and City:p99=10ms for one operation"

// ParseThresholds reads conditions; each text may hold several, with commas between them.
func ParseThresholds(texts ...string) ([]Threshold, error) {
	var list []Threshold
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			t, err := parseThreshold(strings.TrimSpace(part))
			if err != nil {
				return nil, inputf("threshold %q: %w; write %s", strings.TrimSpace(part), err, thresholdForms)
			}
			list = append(list, t)
		}
	}
	return list, nil
}

func parseThreshold(text string) (Threshold, error) {
	t := Threshold{Condition: text}
	left, value, ok := cutLast(text, '=')
	if !ok {
		return t, errors.New("there is no = in it")
	}
	metric := left
	if operation, m, ok := cutLast(left, ':'); ok {
		if t.Operation, metric = strings.TrimSpace(operation), m; t.Operation == "" {
			return t, errors.New("the operation before : is empty")
		}
	}
	value, metric = strings.TrimSpace(value), strings.TrimSpace(metric)
	var err error
	switch {
	case metric == metricMax, metric == metricMean:
		t.metric = metric
		t.limit, t.unit, t.scale, err = parseLatency(value)
	case metric == metricErrors, metric == metricHits:
		t.metric = metric
		t.limit, t.unit, t.scale, err = parseShare(value)
	case metric == metricRate:
		t.metric, t.unit, t.scale = metric, "/s", 1
		if t.limit, err = number(strings.TrimSuffix(value, "/s")); err == nil && t.limit <= 0 {
			err = errors.New("a rate is above 0")
		}
	case strings.HasPrefix(metric, "p"):
		t.metric = metricLatency
		if t.percent, err = number(metric[1:]); err != nil || t.percent <= 0 || t.percent >= 100 {
			return t, fmt.Errorf("%q is no percentile between p0 and p100", metric)
		}
		t.limit, t.unit, t.scale, err = parseLatency(value)
	default:
		err = fmt.Errorf("%q cannot be measured", metric)
	}
	return t, err
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, fmt.Errorf("%q is no number", s)
	}
	return v, nil
}

// parseLatency keeps the unit that was typed, so that the value is printed in the same.
func parseLatency(s string) (limit float64, unit string, scale float64, err error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, "", 0, fmt.Errorf("%q is no duration above 0 with its unit, like 5ms", s)
	}
	us := float64(d) / float64(time.Microsecond)
	switch {
	case strings.HasSuffix(s, "ms"):
		unit, scale = "ms", 1e3
	case strings.HasSuffix(s, "us"), strings.HasSuffix(s, "µs"), strings.HasSuffix(s, "μs"), strings.HasSuffix(s, "ns"):
		unit, scale = "µs", 1
	case strings.HasSuffix(s, "s"):
		unit, scale = "s", 1e6
	default:
		unit, scale = "min", 60e6
	}
	return us / scale, unit, scale, nil
}

func parseShare(s string) (limit float64, unit string, scale float64, err error) {
	digits, percent := strings.CutSuffix(s, "%")
	if scale = 1; percent {
		unit, scale = "%", 0.01
	}
	if limit, err = number(strings.TrimSpace(digits)); err != nil {
		return 0, "", 0, err
	}
	if share := limit * scale; share < 0 || share > 1 {
		return 0, "", 0, fmt.Errorf("%q is no share from 0%% to 100%%", s)
	}
	return limit, unit, scale, nil
}

// atLeast reports whether the value must not fall below the limit; else it must not exceed it.
func (t *Threshold) atLeast() bool { return t.metric == metricRate || t.metric == metricHits }

func (t *Threshold) ofLatency() bool {
	return t.metric == metricLatency || t.metric == metricMax || t.metric == metricMean
}

// Check judges a run. What was not measured (no answer, no Cache-Status) does not hold.
func (t *Threshold) Check(r *result.Run) result.Threshold {
	out := result.Threshold{Condition: t.Condition, Limit: t.limit}
	s := &r.Total
	if t.Operation != "" {
		s = nil
		for i := range r.Operations {
			if r.Operations[i].Name == t.Operation {
				s = &r.Operations[i].Stats
			}
		}
	}
	if s == nil {
		return out
	}
	value, measured := t.measure(s)
	out.Value = value / t.scale
	if t.atLeast() {
		out.Pass = measured && out.Value >= t.limit
	} else {
		out.Pass = measured && out.Value <= t.limit
	}
	return out
}

func (t *Threshold) measure(s *result.Stats) (value float64, measured bool) {
	answered := s.Latency.Count() > 0
	switch t.metric {
	case metricMax:
		return float64(s.Latency.Max()), answered
	case metricMean:
		return s.Latency.Mean(), answered
	case metricErrors:
		return share(s.Errors, s.Requests), s.Requests > 0
	case metricHits:
		return share(s.Hits, s.Hits+s.Misses), s.Hits+s.Misses > 0
	case metricRate:
		return s.Rate, s.Requests > 0
	}
	return float64(s.Latency.At(t.percent)), answered
}

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// format prints a value in the condition's unit.
func (t *Threshold) format(v float64) string {
	switch t.unit {
	case "%":
		return percent(v / 100)
	case "/s":
		return grouped(v) + "/s"
	case "":
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return significant(v) + " " + t.unit
}

// known refuses a condition of an operation that the workload does not have.
func known(list []Threshold, labels []load.Label) error {
	if len(labels) == 0 {
		return nil
	}
	names := make([]string, len(labels))
	for i, l := range labels {
		names[i] = l.Name
	}
	for _, t := range list {
		found := t.Operation == ""
		for _, name := range names {
			found = found || name == t.Operation
		}
		if !found {
			return inputf("threshold %q: the workload has no operation %s; it has %s", t.Condition, t.Operation, strings.Join(names, ", "))
		}
	}
	return nil
}

// judge fills the run's thresholds and reports whether it holds. Where no threshold speaks of errors there must be none, and never a stale entity.
func judge(list []Threshold, r *result.Run) (holds bool) {
	holds = true
	r.Thresholds = nil
	for i := range list {
		checked := list[i].Check(r)
		r.Thresholds = append(r.Thresholds, checked)
		holds = holds && checked.Pass
	}
	return holds && uncovered(list, r) == 0 && r.Total.StaleEntities == 0
}

// uncovered counts the errors that no threshold speaks of.
func uncovered(list []Threshold, r *result.Run) int64 {
	n := r.Total.Errors
	if r.Subscriptions != nil {
		n += r.Subscriptions.Errors
	}
	for i := range list {
		if list[i].metric != metricErrors {
			continue
		}
		if list[i].Operation == "" {
			return 0
		}
		for _, op := range r.Operations {
			if op.Name == list[i].Operation {
				n -= op.Stats.Errors
			}
		}
	}
	return n
}
