package config

import (
	"fmt"
	"time"

	"github.com/weirproxy/weir/proxy/internal/policy"
)

func compileAdaptive(d *document, at string, p *Adaptive) policy.Adaptive {
	const day = 24 * time.Hour
	oneOf(d, at+"mode", p.Mode, "off", "observe", "on")
	oneOf(d, at+"by", p.By, "change", "views", "both")
	a := policy.Adaptive{
		Mode: map[string]policy.Mode{"observe": policy.Observe, "on": policy.Enforce}[p.Mode], ByChange: p.By != "views", Probability: p.Probability,
		MinTTL: duration(d, at+"min_ttl", p.MinTTL, time.Millisecond, day), Window: duration(d, at+"window", p.Window, time.Second, day),
	}
	if !(p.Probability >= 0.001 && p.Probability <= 0.9) {
		d.addf(at+"probability", "%v is out of range; it must be 0.001 to 0.9", p.Probability)
	}
	views := compileViews(d, at+"views", p.Views)
	if p.By != "change" && p.Mode != "off" {
		a.Views = views
	}
	return a
}

func compileViews(d *document, at string, list []View) (views []policy.View) {
	for i, v := range list {
		path := fmt.Sprintf("%s[%d]", at, i)
		views = append(views, policy.View{Above: v.Above, TTL: duration(d, path+".ttl", v.TTL, time.Millisecond, 365*24*time.Hour)})
		if v.Above < 0 || i > 0 && v.Above >= list[i-1].Above {
			d.addf(path+".above", "%d does not come after the one before; write the most views first, 0 last", v.Above)
		}
	}
	if n := len(list); n == 0 || list[n-1].Above != 0 {
		d.addf(at, "has no lifetime for all the rest; end it with above: 0")
	}
	return views
}
