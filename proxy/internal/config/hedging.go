package config

import (
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// Hedging says when a fetch is made a second time, beside the first. Empty values of a subgraph are those for all.
type Hedging struct {
	After string `yaml:"after" json:"after,omitempty" jsonschema:"description=How long to wait for the answer to begin: a time such as 50ms; p95 for as long as 95 of 100 of the last fetches from the subgraph took (p50 to p99.9); or off"`
	Min   string `yaml:"min" json:"min,omitempty" jsonschema:"description=No sooner than that where after is a percentile"`
}

// compile reads the settings; where they are empty, those for all hold.
func (h *Hedging) compile(d *document, at string, all subgraph.Hedging) subgraph.Hedging {
	if h.Min != "" {
		all.Min = duration(d, at+".min", h.Min, 0, time.Minute)
	}
	percent, isPercentile := strings.CutPrefix(h.After, "p")
	switch {
	case h.After == "":
	case h.After == "off":
		all.After, all.Quantile = 0, 0
	case isPercentile:
		p, err := strconv.ParseFloat(percent, 64)
		if err != nil || !(p >= 50 && p <= 99.9) {
			d.addf(at+".after", "%q is no percentile from p50 to p99.9; write for instance p95", h.After)
		}
		all.After, all.Quantile = 0, p/100
	default:
		all.After, all.Quantile = duration(d, at+".after", h.After, time.Millisecond, time.Minute), 0
	}
	return all
}
