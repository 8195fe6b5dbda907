package drive

import (
	"fmt"
	"math"

	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	trusted      = 99 // the percentile for which the generator itself warns
	enoughBeyond = 10 // answers beyond a percentile, for it to mean something
)

// distrust finds thresholds that ask for more than the run can tell. What else makes a run doubtful is the generator's to say.
func distrust(r *result.Run, slo []Threshold) (list []result.Warning) {
	p, n := farthest(slo), r.Total.Latency.Count()
	beyond := float64(n) * (100 - p) / 100
	if p <= trusted || n == 0 || beyond >= enoughBeyond {
		return nil
	}
	return []result.Warning{{Code: result.WarnShort, Text: fmt.Sprintf("%s answers are too few for p%v, which rests on the slowest %.0f of them: run longer, until "+
		"there are %s", count(n), p, math.Ceil(beyond), count(int64(math.Ceil(enoughBeyond*100/(100-p)))))}}
}

// farthest is the highest percentile that a threshold of the whole run names.
func farthest(list []Threshold) (p float64) {
	for i := range list {
		if list[i].Operation == "" {
			p = max(p, list[i].percent)
		}
	}
	return p
}
