package serve

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

// failing is a sidecar whose breaker opens after two failures, in front of an origin that answers books or, while status is set, with that.
type failing struct {
	*rig
	origin *origin
	status atomic.Int64
}

func newFailing(t *testing.T, mode policy.Mode, edit ...func(*policy.Policy)) *failing {
	t.Helper()
	f := &failing{}
	f.origin = startOrigin(t, func(w http.ResponseWriter, body string) {
		if s := f.status.Load(); s != 0 {
			w.WriteHeader(int(s))
			return
		}
		books(func() string { return "a" })(w, body)
	})
	f.rig = newRig(t)
	f.policy.Breaker = policy.Breaker{Mode: mode, Rules: breaker.Rules{Window: time.Minute, Requests: 3, Ratio: 0.6, Open: time.Hour}}
	f.policy.Cache.MaxTTL = time.Nanosecond
	for _, e := range edit {
		e(&f.policy)
	}
	f.start(f.origin.address)
	return f
}

// fail makes the breaker open: one request that is answered fills the cache, two fail.
func (f *failing) fail(k *client) {
	f.t.Helper()
	k.ask(bookQuery)
	f.stored(1)
	f.status.Store(http.StatusServiceUnavailable)
	for range 2 {
		k.ask(nowQuery)
	}
	f.is("open")
}

func (f *failing) is(state string) {
	f.t.Helper()
	if st := f.server.Stats(); st.Breakers[state] != 1 {
		f.t.Fatalf("the breaker is %v, not %s", st.Breakers, state)
	}
}

func TestOpenBreakerAnswersStaleAtOnce(t *testing.T) {
	for _, mode := range []policy.Mode{policy.Observe, policy.Enforce} {
		t.Run(mode.String(), func(t *testing.T) {
			f := newFailing(t, mode)
			k := f.dial()
			f.fail(k)
			before := f.origin.count()
			res, body := k.ask(bookQuery)
			if !isHit(res) || body != bookBody || !strings.HasSuffix(res.Header.Get("Cache-Status"), "; detail=breaker-open") {
				t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
			}
			if st := f.server.Stats(); f.origin.count() != before || st.StaleUnasked != 1 || st.StaleOnError != 0 {
				t.Errorf("%d requests more, %+v", f.origin.count()-before, st)
			}
			f.invalidate(cache.Invalidation{Tags: []string{"Book:1"}})
			if res, body = k.ask(bookQuery); isHit(res) || res.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("invalidated: %d %v %q", res.StatusCode, res.Header, body)
			}
		})
	}
}

// What an open breaker does with requests that have no stale answer: in observe mode the origin answers, in enforce mode nobody asks it.
func TestOpenBreakerWithoutStaleAnswer(t *testing.T) {
	plain := "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"
	unread := "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
	for _, c := range []struct {
		name, request string
		refused       bool // in enforce mode
	}{
		{"mutation", post(setBook), true},
		{"uncacheable query", post(nowQuery), true},
		{"another book", post(`{ book(id: 2) { title } }`), true},
		{"batch with a mutation", batch(bookQuery, setBook), true},
		{"what is not read", unread, true},
		{"no GraphQL", plain, false},
	} {
		for _, mode := range []policy.Mode{policy.Off, policy.Observe, policy.Enforce} {
			t.Run(c.name+", "+mode.String(), func(t *testing.T) {
				f := newFailing(t, mode)
				k := f.dial()
				if mode != policy.Off {
					f.fail(k)
				}
				f.status.Store(0) // nobody has noticed yet
				before := f.origin.count()
				k.send(c.request)
				res, body := k.receive("POST")
				if refused := c.refused && mode == policy.Enforce; !refused {
					if res.StatusCode != http.StatusOK || f.origin.count() != before+1 || res.Header.Get("Weir-Error") != "" {
						t.Errorf("%d %v %q, %d requests", res.StatusCode, res.Header, body, f.origin.count()-before)
					}
					return
				}
				after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
				if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Weir-Error") != "upstream.breaker" || f.origin.count() != before ||
					after < 2800 || after > 4400 || !strings.Contains(body, `"code":"upstream.breaker"`) {
					t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
				}
			})
		}
	}
}

func batch(queries ...string) string {
	items := make([]string, 0, len(queries))
	for _, q := range queries {
		items = append(items, `{"query":`+quote(q)+`}`)
	}
	body := "[" + strings.Join(items, ",") + "]"
	return fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// Each way to fail opens, and what is the client's own doing, one operation's, or another service's behind the same address does not.
func TestWhatOpensTheBreaker(t *testing.T) {
	status := func(n int) func(net.Conn, chan struct{}) {
		return func(c net.Conn, _ chan struct{}) {
			_, _ = fmt.Fprintf(c, "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n", n)
		}
	}
	get := "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, c := range []struct {
		name, request string
		answer        func(c net.Conn, release chan struct{})
		state         string
	}{
		{"502", post(nowQuery), status(502), "open"},
		{"503", post(nowQuery), status(503), "open"},
		{"504", post(nowQuery), status(504), "open"},
		{"no answer", post(nowQuery), func(net.Conn, chan struct{}) {}, "open"},
		{"half a head", post(nowQuery), func(c net.Conn, _ chan struct{}) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConte") }, "open"},
		{"500", post(nowQuery), status(500), "closed"},
		{"429", post(nowQuery), status(429), "closed"},
		{"503 of another path", get, status(503), "closed"},
		{"503 of what is not read", strings.Replace(post(nowQuery), `"query"`, `"quer_"`, 1), status(503), "closed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			release := make(chan struct{})
			address := startRaw(t, func(k net.Conn) {
				req, err := http.ReadRequest(bufio.NewReader(k))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				c.answer(k, release)
			})
			t.Cleanup(func() { close(release) })
			r := newRig(t)
			r.policy.Breaker.Rules = breaker.Rules{Window: time.Minute, Requests: 3, Ratio: 1, Open: time.Hour}
			r.start(address)
			for range 3 {
				k := r.dial()
				k.send(c.request)
				_, _ = io.Copy(io.Discard, k.r)
				k.c.Close()
			}
			if st := r.server.Stats(); st.Breakers[c.state] != 1 {
				t.Errorf("%v", st.Breakers)
			}
		})
	}
}

func TestBreakerOpensWithoutAnybodyListening(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	r := newRig(t)
	r.policy.Breaker.Rules.Requests = 3
	r.start(l.Addr().String())
	for range 3 {
		if res, _ := r.dial().ask(nowQuery); res.StatusCode != http.StatusBadGateway {
			t.Fatal(res.StatusCode)
		}
	}
	if st := r.server.Stats(); st.Breakers["open"] != 1 || st.BreakerChanges["open"] != 1 {
		t.Errorf("%v", st)
	}
}

// An upstream that hangs: what is ended by stale_after opens, and then nobody waits for it.
func TestBreakerOpensForAnUpstreamThatHangs(t *testing.T) {
	var hangs atomic.Bool
	release := make(chan struct{})
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		if hangs.Load() {
			<-release
		}
		books(func() string { return "a" })(w, body)
	})
	t.Cleanup(func() { close(release) })
	r := newRig(t)
	r.policy.Breaker.Rules.Requests, r.policy.Breaker.Rules.Open = 3, time.Hour
	r.policy.Cache.MaxTTL, r.policy.Cache.StaleAfter = time.Nanosecond, 50*time.Millisecond
	r.start(o.address)
	k := r.dial()
	k.ask(bookQuery)
	r.stored(1)
	hangs.Store(true)
	for range 3 {
		if res, _ := r.dial().ask(bookQuery); !isHit(res) {
			t.Fatal(res.Header)
		}
	}
	before := o.count()
	if res, _ := r.dial().ask(bookQuery); !strings.Contains(res.Header.Get("Cache-Status"), "detail=breaker-open") || o.count() != before {
		t.Errorf("%v, %d requests", res.Header, o.count()-before)
	}
}

// Clients that leave before the answer do not open the breaker. They send mutations: the end of a client is kept from the origin while the cache
// waits for an answer, and this origin answers never.
func TestClientsThatLeaveDoNotOpenTheBreaker(t *testing.T) {
	reached := make(chan struct{}, 8)
	address := startRaw(t, func(k net.Conn) { // gives up when it sees the client's end
		_, err := http.ReadRequest(bufio.NewReader(k))
		reached <- struct{}{}
		if err == nil {
			_, _ = io.Copy(io.Discard, k)
		}
	})
	r := newRig(t)
	r.policy.Breaker.Rules.Requests = 2
	r.start(address)
	for i := range 8 {
		k := r.dial()
		k.send(post(setBook))
		<-reached
		if i%2 == 0 {
			_ = k.c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, k.r)
		} else {
			_ = k.c.(*net.TCPConn).SetLinger(0)
		}
		k.c.Close()
	}
	within(t, func() bool { return r.server.Stats().Connections == 0 })
	if st := r.server.Stats(); st.Breakers["closed"] != 1 {
		t.Errorf("%v", st.Breakers)
	}
}

// While the breaker is open nothing is fetched in the background; when its time is over such a fetch may be the probe.
func TestRefreshesHoldOffAndProbe(t *testing.T) {
	for _, open := range []time.Duration{time.Hour, time.Millisecond} {
		t.Run(open.String(), func(t *testing.T) {
			f := newFailing(t, policy.Observe, func(p *policy.Policy) { p.Cache.StaleWhileRevalidate, p.Breaker.Rules.Open = time.Hour, open })
			k := f.dial()
			f.fail(k)
			f.status.Store(0)
			before := f.origin.count()
			time.Sleep(2 * time.Millisecond) // the shorter time is over, the longer is not
			if res, _ := k.ask(bookQuery); !isHit(res) {
				t.Fatal(res.Header)
			}
			if open == time.Hour {
				within(t, func() bool { return f.server.Stats().RefreshesHeld == 1 }) // the answer may come first
				if st := f.server.Stats(); f.origin.count() != before {
					t.Errorf("%d requests, %+v", f.origin.count()-before, st)
				}
				return
			}
			within(t, func() bool { return f.server.Stats().Breakers["closed"] == 1 })
			if f.origin.count() != before+1 {
				t.Errorf("%d requests", f.origin.count()-before)
			}
		})
	}
}

// within waits until the condition holds.
func within(t *testing.T, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come true")
		}
	}
}
