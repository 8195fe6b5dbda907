package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
)

// An origin that has answered once and then fails, each in its way: the answer that is there is given again. What is no failure of the
// origin is relayed.
func TestStaleAnswersForEachWayToFail(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails func(c net.Conn, release chan struct{}) // answers the second request
		stale bool
	}{
		{"500", func(c net.Conn, _ chan struct{}) {
			_, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno")
		}, true},
		{"504", func(c net.Conn, _ chan struct{}) {
			_, _ = io.WriteString(c, "HTTP/1.1 504 No\r\nContent-Length: 0\r\n\r\n")
		}, true},
		{"no answer", func(net.Conn, chan struct{}) {}, true},
		{"half a head", func(c net.Conn, _ chan struct{}) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConte") }, true},
		{"silence", func(_ net.Conn, release chan struct{}) { <-release }, true},
		{"404", func(c net.Conn, _ chan struct{}) {
			_, _ = io.WriteString(c, "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno")
		}, false},
		{"errors of fields", func(c net.Conn, _ chan struct{}) {
			_, _ = io.WriteString(c, message(`{"data":{"book":null},"errors":[{"message":"x"}]}`))
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			release := make(chan struct{})
			var asked atomic.Int64
			address := startRaw(t, func(k net.Conn) {
				r := bufio.NewReader(k)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					if asked.Add(1) > 1 {
						c.fails(k, release)
						return
					}
					_, _ = io.WriteString(k, message(bookBody))
				}
			})
			t.Cleanup(func() { close(release) }) // before the origin is waited for
			r := newRig(t)
			r.policy.Cache.MaxTTL = time.Nanosecond
			r.policy.Cache.StaleAfter = 100 * time.Millisecond
			r.start(address)
			k := r.dial()
			k.ask(bookQuery)
			r.stored(1)
			res, body := k.ask(bookQuery)
			if c.stale != (isHit(res) && body == bookBody && res.StatusCode == 200 && strings.Contains(res.Header.Get("Cache-Status"), "ttl=-")) {
				t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
			}
			if n := r.server.Stats().StaleOnError; (n > 0) != c.stale {
				t.Errorf("%d are counted", n)
			}
		})
	}
}

// What may never be stale is not, whatever the origin does; what was invalidated is gone even when the request was under way by then.
func TestNeverStale(t *testing.T) {
	for _, c := range []struct {
		name, control string
		invalidate    bool
	}{
		{"must-revalidate", "max-age=1, must-revalidate", false},
		{"no-cache", "no-cache", false},
		{"private", "max-age=1, private", false},
		{"stale-if-error of nothing", "max-age=1, stale-if-error=0", false},
		{"invalidated while the origin was asked", "max-age=1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var down atomic.Bool
			reached, release := make(chan struct{}, 1), make(chan struct{})
			o := startOrigin(t, func(w http.ResponseWriter, body string) {
				if down.Load() {
					reached <- struct{}{}
					<-release
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				w.Header().Set("Cache-Control", c.control)
				books(func() string { return "a" })(w, body)
			})
			r := newRig(t)
			r.policy.Cache.MaxTTL = time.Nanosecond
			r.start(o.address)
			k := r.dial()
			k.ask(bookQuery)
			k.ask(`{ now }`) // its answer is read when the fetch before is over: until then a request could join that
			down.Store(true)
			k.send(post(bookQuery))
			<-reached
			if c.invalidate {
				r.invalidate(cache.Invalidation{Tags: []string{"Book:1"}})
			}
			close(release)
			if res, body := k.receive("POST"); res.StatusCode != http.StatusServiceUnavailable || isHit(res) {
				t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
			}
		})
	}
}

// An upstream that is slow and has nothing to take its place is waited for.
func TestSlowUpstreamIsWaitedForWhenTheStaleAnswerIsGone(t *testing.T) {
	reached, release := make(chan struct{}, 1), make(chan struct{})
	var slow atomic.Bool
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		if slow.Load() {
			reached <- struct{}{}
			<-release
		}
		books(func() string { return "a" })(w, body)
	})
	r := newRig(t)
	r.policy.Cache.MaxTTL = time.Nanosecond
	r.policy.Cache.StaleAfter = time.Second
	r.start(o.address)
	k := r.dial()
	k.ask(bookQuery)
	r.stored(1)
	slow.Store(true)
	k.send(post(bookQuery))
	<-reached
	r.invalidate(cache.Invalidation{Tags: []string{"Book:1"}})
	time.AfterFunc(1500*time.Millisecond, func() { close(release) })
	if res, body := k.receive("POST"); res.StatusCode != 200 || isHit(res) || body != bookBody {
		t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
	}
	slow.Store(false)
	if res, body := k.ask(`{ now }`); res.StatusCode != 200 || isHit(res) {
		t.Errorf("the next one: %d %v %q", res.StatusCode, res.Header, body)
	}
}
