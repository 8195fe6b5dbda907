package line

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/cache"
)

// purged is a line of a proxy in virtual time.
type purged struct{ asker }

func (p *purged) soften() {
	p.t.Helper()
	if _, err := p.l.cfg.Cache.Invalidate(context.Background(), cache.Invalidation{Tags: []string{"Book:1"}, Soft: true}, time.Now().UnixNano()); err != nil {
		p.t.Fatal(err)
	}
}

// begin sends the query as somebody.
func (p *purged) begin(lines ...string) (action Action, now int64) {
	p.t.Helper()
	body := jsonBody(bookOf1, "")
	h := requestHead(p.t, "POST /graphql", append(lines, jsonLine, fmt.Sprintf("Content-Length: %d", len(body)))...)
	now = time.Now().UnixNano()
	p.l.Begin(&p.x, h, now)
	p.x.Peer = netip.MustParseAddr("127.0.0.1")
	action, reason := p.l.Decide(context.Background(), &p.x, h, body, now)
	if reason != ReasonNone {
		p.t.Fatal(reason)
	}
	p.x.Forwarded = now
	return action, now
}

// ask returns the title that is answered from the cache, "" when the origin has to be asked. failed is the title that is answered instead
// when the origin fails.
func (p *purged) ask(lines ...string) (title, failed string) {
	p.t.Helper()
	action, now := p.begin(lines...)
	if action != Relay {
		title = titleIn(p.x.Items[0].Entry)
	} else if p.l.Fallback(&p.x, now) {
		failed = titleIn(p.x.Items[0].Entry)
	}
	p.l.AbandonFill(&p.x)
	p.l.Emit(&p.x, now)
	return title, failed
}

func titleIn(e *cache.Entry) (title string) {
	if _, err := fmt.Sscanf(string(e.Body), `{"data":{"book":{"__typename":"Book","id":"1","title":%q}}}`, &title); err != nil {
		return err.Error()
	}
	return title
}

// fill lets the origin answer somebody with a title.
func (p *purged) fill(title string, lines ...string) {
	p.t.Helper()
	action, now := p.begin(lines...)
	if action != Relay {
		p.t.Fatalf("%s is answered without the origin: %s", title, titleIn(p.x.Items[0].Entry))
	}
	r := responseHead(p.t, 200, jsonLine)
	p.x.Fetches = 1
	p.l.Watch(&p.x, r)
	p.l.Finish(context.Background(), &p.x, r, fmt.Appendf(nil, `{"data":{"book":{"__typename":"Book","id":"1","title":%q}}}`, title), now)
	p.l.Emit(&p.x, now)
}

// After a soft purge the answer of before is used for as long as each kind of staleness allows, counted from the purge.
func TestStaleTimesCountFromTheSoftPurge(t *testing.T) {
	for _, again := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			policy := testPolicy(t)
			policy.Cache.StaleWhileRevalidate, policy.Cache.StaleIfError = 3*time.Second, 20*time.Second
			p := &purged{asker{t: t, l: newLine(t, &policy)}}
			p.fill("a")
			time.Sleep(time.Second)
			p.soften()
			start := time.Now()
			for _, c := range []struct {
				after          time.Duration
				answer, failed string
			}{{0, "a", ""}, {2900 * time.Millisecond, "a", ""}, {3100 * time.Millisecond, "", "a"}, {19900 * time.Millisecond, "", "a"}, {20 * time.Second, "", ""}} {
				time.Sleep(time.Until(start.Add(c.after)))
				if answer, failed := p.ask(); answer != c.answer || failed != c.failed {
					t.Errorf("%v after the purge: answered with %q, and with %q when the origin fails", c.after, answer, failed)
				}
				if again { // a purge gives no more time to what was purged
					p.soften()
				}
			}
		})
	}
}

// The purge comes while the origin is asked, and so does the end of the time after it.
func TestSoftPurgeDuringTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := testPolicy(t)
		policy.Cache.StaleIfError = 20 * time.Second
		p := &purged{asker{t: t, l: newLine(t, &policy)}}
		p.fill("a")
		time.Sleep(61 * time.Second) // stale for a second
		if action, _ := p.begin(); action != Relay {
			t.Fatal(action)
		}
		p.soften()
		time.Sleep(18 * time.Second)
		if !p.x.HasFallback(time.Now().UnixNano()) {
			t.Error("no fallback after 19 of 20 seconds")
		}
		time.Sleep(time.Second)
		if p.x.HasFallback(time.Now().UnixNano()) || p.l.Fallback(&p.x, time.Now().UnixNano()) {
			t.Error("a fallback after 20 seconds")
		}
		p.l.AbandonFill(&p.x)
	})
}

// A policy that allows less than the one under which an entry was stored counts from the purge, too.
func TestSoftPurgeUnderAPolicyThatAllowsLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy := testPolicy(t)
		policy.Cache.StaleIfError = 20 * time.Second
		p := &purged{asker{t: t, l: newLine(t, &policy)}}
		p.fill("a")
		p.soften()
		policy.Cache.StaleIfError = 5 * time.Second
		time.Sleep(4900 * time.Millisecond)
		if _, failed := p.ask(); failed != "a" {
			t.Error("no fallback after 4.9 of 5 seconds")
		}
		time.Sleep(200 * time.Millisecond)
		if _, failed := p.ask(); failed != "" {
			t.Error("a fallback after 5 seconds")
		}
	})
}

// A soft purge widens nothing: each tenant, set of roles and user gets at most the answer of before that was made for them.
func TestSoftPurgeKeepsAnswersApart(t *testing.T) {
	for _, class := range []string{"tenant", "roles", "user"} {
		synctest.Test(t, func(t *testing.T) {
			policy := tenants(t, class, nil)
			policy.Cache.StaleWhileRevalidate, policy.Cache.StaleIfError = 3*time.Second, 20*time.Second
			p := &purged{asker{t: t, l: newLine(t, &policy)}}
			who := map[string][]string{"acme": {"X-Who: acme"}, "zenith": {"X-Who: zenith"}, "nobody": nil}
			for name, lines := range who {
				p.fill(name, lines...)
			}
			check := func(when string, stale bool) {
				t.Helper()
				for name, lines := range who {
					answer, failed := p.ask(lines...)
					if answer != "" && answer != name || failed != "" && failed != name || !stale && answer+failed != "" {
						t.Errorf("%s, %s: %s is answered with %q, and with %q when the origin fails", class, when, name, answer, failed)
					}
					if stale && answer+failed == "" && name != "nobody" && class != "user" {
						t.Errorf("%s, %s: %s gets nothing: the test proves little", class, when, name)
					}
				}
				for _, stranger := range []string{"X-Who: other", "X-Who: acme,zenith", "X-Who: "} {
					if answer, failed := p.ask(stranger); answer != "" && answer != "nobody" || failed != "" && failed != "nobody" {
						t.Errorf("%s, %s: %q is answered with %q, and with %q when the origin fails", class, when, stranger, answer, failed)
					}
				}
			}
			p.soften()
			check("at once", true)
			time.Sleep(5 * time.Second)
			check("when only a failure lets the answer of before be used", true)
			time.Sleep(15 * time.Second)
			check("when its time is over", false)
		})
	}
}
