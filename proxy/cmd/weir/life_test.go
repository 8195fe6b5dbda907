package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

// weir plan names each bound of a lifetime before there is an answer, and how demand and changes would shorten it.
func TestPlanExplainsTheLifetime(t *testing.T) {
	views := []policy.View{{Above: 1000, TTL: time.Minute}, {Above: 0, TTL: 5 * time.Minute}}
	p := policy.Cache{
		Enabled: true, MaxTTL: 2 * time.Minute, NegativeTTL: 10 * time.Second, AuthenticatedMax: time.Hour, HoldOff: 2 * time.Second, StaleWhileRevalidate: 5 * time.Second,
		StaleIfError: 10 * time.Minute, StaleErrorCodes: []string{"DOWN", "INTERNAL_SERVER_ERROR"},
		Adaptive: policy.Adaptive{Mode: policy.Enforce, ByChange: true, Probability: 0.1, Window: 5 * time.Minute, Views: views},
	}
	for _, c := range []struct {
		name  string
		cache planner.CachePolicy
		mode  policy.Mode
		off   bool
		want  []string // in order, each in a row of its own
	}{
		{"bounded by max_ttl", planner.CachePolicy{Cacheable: true, MaxAge: 600}, policy.Enforce, false, []string{
			"fresh 2m0s (max-ttl); at most 10s of nothing (negative), 2m0s with verified credentials (authenticated), 2s of what",
			"adaptive is less where it would be out of date at its end with a probability above 0.1",
			"popular is less above 1000 views in 5m0s: 1m0s", "popular is less above 0 views in 5m0s: 2m0s",
			"stale 5s while it is fetched again, 10m0s when the upstream fails", "errors with these codes count as a failure: DOWN, INTERNAL_SERVER_ERROR",
		}},
		{"only counted", planner.CachePolicy{Cacheable: true, MaxAge: 30, Private: true}, policy.Observe, false, []string{
			"fresh 30s (declared)", "adaptive would be less, and is only counted,", "popular would be less", "popular would be less", "stale never: it is for one user",
		}},
		{"by the upstream", planner.CachePolicy{}, policy.Off, false, []string{"fresh upstream;", "stale", "errors"}},
		{"hints forbid it", planner.CachePolicy{Hinted: true}, policy.Enforce, false, nil},
		{"the cache is off", planner.CachePolicy{Cacheable: true, MaxAge: 30}, policy.Enforce, true, nil},
	} {
		var rows []string
		p.Adaptive.Mode, p.Enabled = c.mode, !c.off
		printLife(func(name, format string, args ...any) {
			rows = append(rows, strings.TrimSpace(name)+" "+fmt.Sprintf(format, args...))
		}, &planner.Description{Kind: planner.KindQuery, Cache: c.cache}, &p)
		if !slices.EqualFunc(rows, c.want, strings.HasPrefix) {
			t.Errorf("%s: %q", c.name, rows)
		}
	}
}
