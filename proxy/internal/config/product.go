package config

import (
	"strings"
	"time"
	"unicode/utf8"
)

// SLO is what the owner of a subgraph promises.
type SLO struct {
	Latency      string  `yaml:"latency" json:"latency,omitempty" jsonschema:"description=Up to which a fetch is fast enough"`
	LatencyRatio float64 `yaml:"latency_ratio" json:"latency_ratio,omitempty" jsonschema:"description=Of the fetches\\, those that are fast enough: 0 to 1; default 0.99"`
	Availability float64 `yaml:"availability" json:"availability,omitempty" jsonschema:"description=Of the fetches\\, those with a usable answer: 0 to 1\\, for instance 0.999"`
}

// Product is a subgraph as something that an owner offers others. Zero values are not promised.
type Product struct {
	Owner, Contract string
	Latency         time.Duration
	LatencyRatio    float64
	Availability    float64
}

// defaultLatencyRatio holds where only the latency is given.
const defaultLatencyRatio = 0.99

// maxLabel bounds what becomes a label of metrics, bytes.
const maxLabel = 200

func (s *Subgraph) product(d *document, at string) (p Product) {
	p = Product{Owner: s.Owner, Contract: s.Contract, LatencyRatio: s.SLO.LatencyRatio, Availability: s.SLO.Availability}
	for _, l := range []struct{ at, value string }{{at + ".owner", s.Owner}, {at + ".contract", s.Contract}} {
		if len(l.value) > maxLabel || !utf8.ValidString(l.value) || strings.ContainsFunc(l.value, func(r rune) bool { return r < ' ' }) {
			d.addf(l.at, "it becomes a label of metrics: write one line of at most %d bytes", maxLabel)
		}
	}
	for _, r := range []struct {
		at    string
		value float64
	}{{at + ".slo.latency_ratio", p.LatencyRatio}, {at + ".slo.availability", p.Availability}} {
		if r.value < 0 || r.value >= 1 {
			d.addf(r.at, "%v is out of range; write a part of the fetches below 1, for instance 0.999", r.value)
		}
	}
	switch {
	case s.SLO.Latency != "":
		if p.Latency = duration(d, at+".slo.latency", s.SLO.Latency, time.Millisecond, time.Hour); p.LatencyRatio == 0 {
			p.LatencyRatio = defaultLatencyRatio
		}
	case p.LatencyRatio != 0:
		d.addf(at+".slo.latency_ratio", "it says how many fetches take up to slo.latency, which is missing")
	}
	return p
}
