package line

import (
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

func TestLifetimesFollowChangesAndDemand(t *testing.T) {
	preset := []policy.View{{Above: 1000, TTL: 60 * time.Second}, {Above: 100, TTL: 120 * time.Second}, {Above: 0, TTL: 300 * time.Second}}
	for _, c := range []struct {
		name     string
		declared string
		mode     policy.Mode
		change   bool // the answer changes all the time
		by       bool
		views    int
		rules    []policy.View
		auth     bool
		ttl      time.Duration
		detail   string
	}{
		{name: "nothing is known", declared: "600", mode: policy.Enforce, by: true, ttl: 600 * time.Second, detail: "upstream"},
		{name: "changes each minute", declared: "600", mode: policy.Enforce, change: true, by: true, ttl: 3 * time.Second, detail: `"adaptive, of 600 s"`},
		{name: "only observed", declared: "600", mode: policy.Observe, change: true, by: true, ttl: 600 * time.Second, detail: "upstream"},
		{name: "off", declared: "600", change: true, by: true, ttl: 600 * time.Second, detail: "upstream"},
		{name: "changes do not count", declared: "600", mode: policy.Enforce, change: true, ttl: 600 * time.Second, detail: "upstream"},
		{name: "never above what is declared", declared: "2", mode: policy.Enforce, change: true, by: true, views: 5000, rules: preset, ttl: 2 * time.Second, detail: "upstream"},
		{name: "above 1,000 views", declared: "600", mode: policy.Enforce, views: 2000, rules: preset, ttl: 60 * time.Second, detail: `"popular, of 600 s"`},
		{name: "above 100 views", declared: "600", mode: policy.Enforce, views: 500, rules: preset, ttl: 120 * time.Second, detail: `"popular, of 600 s"`},
		{name: "else", declared: "600", mode: policy.Enforce, views: 0, rules: preset, ttl: 300 * time.Second, detail: `"popular, of 600 s"`},
		{name: "the lesser of both", declared: "600", mode: policy.Enforce, change: true, by: true, views: 2000, rules: preset, ttl: 3 * time.Second, detail: `"adaptive, of 600 s"`},
		{name: "credentials come last", declared: "600", mode: policy.Enforce, views: 500, rules: preset, auth: true, ttl: 20 * time.Second, detail: `"authenticated, of 600 s"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPolicy(t)
			p.Cache.Adaptive = policy.Adaptive{Mode: c.mode, ByChange: c.by, Probability: 0.1, MinTTL: 3 * time.Second, Window: time.Hour, Views: c.rules}
			l := newLine(t, &p)
			x := &Exchange{Policy: p}
			x.Scope.Authenticated = c.auth
			it := x.next()
			it.Plan, it.class = planner.Build(schema(t), `{ __typename }`, "", planner.Options{}), scope.Public
			if c.change {
				for i := range int64(50) {
					it.prior = &cache.Entry{Body: []byte("old"), Created: noon + (i-1)*int64(time.Minute)}
					l.compare(x, it, []byte("new"), noon+i*int64(time.Minute))
				}
			}
			now := noon - noon%int64(time.Hour) // a window begins
			for range c.views {
				l.views.Count((*[32]byte)(&it.key), time.Hour, now)
			}
			life, why := l.lifetime(x, it, responseHead(t, 200, "Cache-Control: max-age="+c.declared), planner.Facts{}, now)
			var head answer.Stored
			life.describe(&head, nil)
			if why != "" || life.ttl != c.ttl || string(head.Detail) != c.detail {
				t.Errorf("%s %q %s, want %s %s", life.ttl, why, head.Detail, c.ttl, c.detail)
			}
			if short := life.why == sourceAdaptive || life.why == sourcePopular; short != (life.ahead > 0 && life.ahead < life.ttl) && !c.auth {
				t.Errorf("refreshed %s ahead of %s", life.ahead, life.ttl)
			}
			if st := l.Stats(); (st.WouldShorten > 0) != (c.mode == policy.Observe && c.change) || c.mode == policy.Off && st.Changed > 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}
