package line

import (
	"context"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

func TestLifetimesSayWhy(t *testing.T) {
	const book = `{ book(id: 1) { id } }`
	tenant := scope.Scope{Class: scope.Tenant, Authenticated: true}
	invalidated := func(t *testing.T, l *Line, x *Exchange) {
		x.Policy.Cache.HoldOff = 2 * time.Second
		x.Items[0].Plan.Inspect([]byte(`{"data":{"book":{"__typename":"Book","id":"1"}}}`), &x.Items[0].tags)
		if _, err := l.cfg.Cache.Invalidate(context.Background(), cache.Invalidation{Tags: []string{"Book:1"}}, time.Now().UnixNano()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		lines  []string
		scope  scope.Scope
		facts  planner.Facts
		change func(t *testing.T, l *Line, x *Exchange)
		ttl    time.Duration
		stale  bool
		detail string
	}{
		{name: "hint", ttl: time.Minute, stale: true, detail: "declared"},
		{name: "upstream", lines: []string{"Cache-Control: max-age=7"}, ttl: 7 * time.Second, stale: true, detail: "upstream"},
		{name: "what has aged", lines: []string{"Age: 10"}, ttl: 50 * time.Second, stale: true, detail: "declared"},
		{name: "negative", facts: planner.Facts{Negative: true}, ttl: 5 * time.Second, stale: true, detail: `"negative, of 60 s"`},
		{name: "authenticated", scope: tenant, ttl: 20 * time.Second, stale: true, detail: `"authenticated, of 60 s"`},
		{
			name: "policy", ttl: 9 * time.Second, stale: true, detail: `"max-ttl, of 60 s"`,
			change: func(_ *testing.T, _ *Line, x *Exchange) { x.Policy.Cache.MaxTTL = 9 * time.Second },
		},
		{
			name: "control plane", ttl: 2 * time.Minute, stale: true, detail: "lease",
			change: func(_ *testing.T, _ *Line, x *Exchange) { x.Items[0].Lease = &policy.Lease{TTL: 2 * time.Minute} },
		},
		{name: "invalidated a moment ago", change: invalidated, ttl: 2 * time.Second, stale: true, detail: `"hold-off, of 60 s"`},
		{
			name: "asked for a moment after an invalidation", ttl: 2 * time.Second, stale: true, detail: `"hold-off, of 60 s"`,
			change: func(t *testing.T, l *Line, x *Exchange) {
				invalidated(t, l, x)
				x.Forwarded += int64(x.Policy.Cache.HoldOff) - int64(time.Second) // however late the answer is
			},
		},
		{
			name: "asked for when replicas have caught up", ttl: time.Minute, stale: true, detail: "declared",
			change: func(t *testing.T, l *Line, x *Exchange) {
				invalidated(t, l, x)
				x.Forwarded += int64(x.Policy.Cache.HoldOff) + int64(time.Second)
			},
		},
		{
			name: "credentials come last", scope: tenant, ttl: time.Second, stale: true, detail: `"authenticated, of 60 s"`,
			change: func(t *testing.T, l *Line, x *Exchange) {
				invalidated(t, l, x)
				x.Policy.Cache.AuthenticatedMax = time.Second
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPolicy(t)
			l := newLine(t, &p)
			x := &Exchange{Policy: p, Scope: c.scope, Forwarded: time.Now().UnixNano()}
			x.next().class = c.scope.Class
			x.Items[0].Plan = planner.Build(schema(t), book, "", planner.Options{})
			if c.change != nil {
				c.change(t, l, x)
			}
			life, why := l.lifetime(x, &x.Items[0], responseHead(t, 200, c.lines...), c.facts, noon)
			life.settle(l, x, &x.Items[0])
			var head answer.Stored
			life.describe(&head, nil)
			if why != "" || life.ttl != c.ttl || (life.stale > 0) != c.stale || life.revalidate > 0 && life.why == sourceHoldOff || string(head.Detail) != c.detail {
				t.Errorf("%+v %q %s, want %s, stale %v, %s", life, why, head.Detail, c.ttl, c.stale, c.detail)
			}
		})
	}
}

// An upstream may allow less than policy does of each kind of staleness by itself.
func TestStaleTimesAreTheLesserOfPolicyAndUpstream(t *testing.T) {
	for _, c := range []struct {
		control           string
		revalidate, stale time.Duration
	}{
		{"max-age=5", 30 * time.Second, 10 * time.Minute},
		{"max-age=5, stale-while-revalidate=3", 3 * time.Second, 10 * time.Minute},
		{"max-age=5, stale-while-revalidate=0, stale-if-error=60", 0, time.Minute},
		{"max-age=5, stale-while-revalidate=20, stale-if-error=4", 20 * time.Second, 20 * time.Second},
		{"max-age=5, stale-while-revalidate=99999, stale-if-error=99999", 30 * time.Second, 10 * time.Minute},
		{"max-age=5, must-revalidate, stale-while-revalidate=9", 0, 0},
		{"max-age=5, proxy-revalidate", 0, 0},
	} {
		p := testPolicy(t)
		p.Cache.StaleWhileRevalidate = 30 * time.Second
		l := newLine(t, &p)
		x := &Exchange{Policy: p}
		x.next().Plan = planner.Build(schema(t), `{ book(id: 1) { id } }`, "", planner.Options{})
		life, why := l.lifetime(x, &x.Items[0], responseHead(t, 200, "Cache-Control: "+c.control), planner.Facts{}, noon)
		if why != "" || life.revalidate != c.revalidate || life.stale != c.stale {
			t.Errorf("%s: revalidate %s, stale %s, want %s and %s", c.control, life.revalidate, life.stale, c.revalidate, c.stale)
		}
	}
}
