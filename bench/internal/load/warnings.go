package load

import (
	"fmt"
	"math"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	fewRequests  = 1000 // p99 then rests on the 10 slowest
	busyLimit    = 0.9
	lateLimit    = time.Millisecond
	waitedLimit  = 0.01
	noisySeconds = 5
	noisySpread  = 0.25 // standard deviation of the rate by its mean
)

// Warnings are the reasons to distrust the result, each with its cure.
func (r *Runner) Warnings() []result.Warning {
	run := r.Result()
	var w []result.Warning
	add := func(code, format string, args ...any) {
		w = append(w, result.Warning{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	if n := run.Total.Requests; n < fewRequests {
		add(result.WarnShort, "only %d requests: percentiles above p90 mean little below %d; run longer", n, fewRequests)
	}
	g := &run.Generator
	late := time.Duration(g.Lateness.At(99)) * time.Microsecond
	switch {
	case g.Busy > busyLimit:
		add(result.WarnGenerator, "the generator's threads were busy %.0f %% of the time: it, not the target, may be the limit; give it more --threads or processors", 100*g.Busy)
	case late > lateLimit:
		add(result.WarnGenerator, "1 %% of the requests were sent more than %s after they were due though a connection was free: the generator lacked processor time", late)
	}
	if share := float64(g.Waited) / float64(max(1, run.Total.Requests)); share > waitedLimit {
		add(result.WarnConnections, "%.0f %% of the requests waited for a free connection (the wait is in their latency); raise --connections, or the target cannot keep up", 100*share)
	}
	if spread, ok := rateSpread(run.Series); ok && r.cfg.Arrivals == nil && spread > noisySpread {
		add(result.WarnNoisy, "the rate moved by %.0f %% (standard deviation over its seconds): something else uses this machine, or the target pauses; run longer or elsewhere", 100*spread)
	}
	return w
}

// rateSpread is the relative standard deviation of the requests in whole seconds, the first and last apart.
func rateSpread(series []result.Second) (float64, bool) {
	if len(series) < noisySeconds+2 {
		return 0, false
	}
	inner := series[1 : len(series)-1]
	var sum, squares float64
	for _, s := range inner {
		sum += float64(s.Requests)
		squares += float64(s.Requests) * float64(s.Requests)
	}
	mean := sum / float64(len(inner))
	if mean == 0 {
		return 0, false
	}
	return math.Sqrt(max(0, squares/float64(len(inner))-mean*mean)) / mean, true
}
