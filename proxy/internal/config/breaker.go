package config

import (
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

func compileBreaker(d *document, at string, p *Breaker) policy.Breaker {
	mode, ok := policy.ParseMode(p.Mode)
	if !ok {
		d.addf(at+"mode", "%q is no mode; write off, observe or enforce", p.Mode)
	}
	between(d, at+"requests", p.Requests, 1, 60_000)
	if !(p.Ratio > 0 && p.Ratio <= 1) {
		d.addf(at+"ratio", "%v is out of range; it must be above 0 and at most 1, for instance 0.5 for half of the requests", p.Ratio)
	}
	return policy.Breaker{Mode: mode, Rules: breaker.Rules{
		Window: duration(d, at+"window", p.Window, time.Second, time.Hour), Requests: p.Requests, Ratio: p.Ratio,
		Open: duration(d, at+"open", p.Open, 10*time.Millisecond, time.Hour),
	}}
}
