package drive

import (
	"fmt"
	"math"

	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	enoughBeyond = 10   // answers beyond a percentile, for it to mean something
	busyShare    = 0.9  // of the generator's threads: it is the limit
	noisyShare   = 0.25 // of the rate: its standard deviation from second to second
	noisySeconds = 5
)

// distrust finds the reasons not to trust a run, with their cures.
func distrust(r *result.Run, cfg *Config) (list []result.Warning) {
	if p := farthest(cfg.Thresholds); r.Total.Requests > 0 {
		if n := r.Total.Latency.Count(); float64(n)*(100-p)/100 < enoughBeyond {
			list = append(list, result.Warning{Code: result.WarnShort, Text: fmt.Sprintf("%s answers are too few for p%v, which rests on the slowest %.0f of them: "+
				"run longer, until there are %s", count(n), p, math.Ceil(float64(n)*(100-p)/100), count(int64(math.Ceil(enoughBeyond*100/(100-p)))))})
		}
	}
	if r.Generator.Busy >= busyShare {
		list = append(list, result.Warning{Code: result.WarnGenerator, Text: fmt.Sprintf("the generator was busy %.0f %% of the time: it, not the target, may be what was "+
			"measured; give --threads more, or a processor of its own", 100*r.Generator.Busy)})
	}
	if deviation, steady := unrest(r); steady && deviation > noisyShare {
		list = append(list, result.Warning{Code: result.WarnNoisy, Text: fmt.Sprintf("the rate moved by %.0f %% from second to second: run longer, or on a machine "+
			"without other work", 100*deviation)})
	}
	return list
}

// farthest is the highest percentile that somebody relies on: p99, or that of a threshold.
func farthest(list []Threshold) float64 {
	p := 99.0
	for i := range list {
		if list[i].Operation == "" {
			p = max(p, list[i].percent)
		}
	}
	return p
}

// unrest is the standard deviation of the seconds' rates as a share of their mean, beyond what chance does to a count. Plans that change their rate have none.
func unrest(r *result.Run) (deviation float64, known bool) {
	if !steady(r.Arrivals) || len(r.Series) < noisySeconds+2 {
		return 0, false
	}
	rows := r.Series[1 : len(r.Series)-1] // the first and the last second are not whole
	var sum, squares float64
	for _, s := range rows {
		sum += float64(s.Requests)
	}
	mean := sum / float64(len(rows))
	if mean == 0 {
		return 0, false
	}
	for _, s := range rows {
		squares += (float64(s.Requests) - mean) * (float64(s.Requests) - mean)
	}
	variance := squares/float64(len(rows)) - mean
	return math.Sqrt(max(variance, 0)) / mean, true
}
