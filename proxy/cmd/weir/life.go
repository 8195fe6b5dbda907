package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

// printLife tells what policy makes of the lifetime that the schema gives, as far as it is known before an answer; Cache-Status names the
// one that counted.
func printLife(row func(name, format string, args ...any), d *planner.Description, p *policy.Cache) {
	c := &d.Cache
	if !c.Cacheable && (c.Hinted || d.Kind != planner.KindQuery) || !p.Enabled {
		return
	}
	fresh, text := time.Duration(c.MaxAge)*time.Second, "upstream"
	if c.Cacheable {
		source := "declared"
		if p.MaxTTL > 0 && p.MaxTTL < fresh {
			fresh, source = p.MaxTTL, "max-ttl"
		}
		text = fmt.Sprintf("%s (%s)", fresh, source)
	}
	atMost := func(d time.Duration) string {
		if c.Cacheable {
			d = min(d, fresh)
		}
		return d.String()
	}
	row("  fresh", "%s; at most %s of nothing (negative), %s with verified credentials (authenticated), %s of what was invalidated a moment ago (hold-off)",
		text, atMost(p.NegativeTTL), atMost(p.AuthenticatedMax), atMost(p.HoldOff))
	if a := &p.Adaptive; a.Mode != policy.Off {
		mode := "would be less, and is only counted,"
		if a.Mode == policy.Enforce {
			mode = "is less"
		}
		if a.ByChange {
			row("  adaptive", "%s where it would be out of date at its end with a probability above %g", mode, a.Probability)
		}
		for _, v := range a.Views {
			row("  popular", "%s above %d views in %s: %s", mode, v.Above, a.Window, atMost(v.TTL))
		}
	}
	if c.Private {
		row("  stale", "never: it is for one user")
		return
	}
	row("  stale", "%s while it is fetched again, %s when the upstream fails; less where the upstream says so", p.StaleWhileRevalidate, p.StaleIfError)
	if len(p.StaleErrorCodes) > 0 {
		row("  errors", "with these codes count as a failure: %s", strings.Join(p.StaleErrorCodes, ", "))
	}
}
