package serve

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
)

// The origin answers the refresh of a GET with 304: the entry lives on, with what the 304 says, and its body is not sent again.
func TestRefreshThatFindsNothingNewRenewsTheEntry(t *testing.T) {
	var asked, notModified atomic.Int64
	o := startOrigin(t, func(http.ResponseWriter, string) {})
	o.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("X-Round", fmt.Sprint(asked.Load()))
		if r.Header.Get("If-None-Match") == `"v1"` && r.Header.Get("If-Modified-Since") == "" {
			notModified.Add(1)
			w.Header().Set("Cache-Control", "max-age=50")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, bookBody)
	})
	r := newRig(t)
	r.policy.Cache.StaleWhileRevalidate = time.Hour
	r.start(o.address)
	c := r.dial()
	c.send(getBook("GET", "1.1"))
	c.receive("GET")
	r.stored(1)
	r.invalidate(cache.Invalidation{Tags: []string{"Book:1"}, Soft: true})
	c.send(getBook("GET", "1.1", `If-None-Match: "mine"`, "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT"))
	if res, body := c.receive("GET"); body != bookBody || !strings.Contains(res.Header.Get("Cache-Status"), "invalidated") {
		t.Errorf("%v %q", res.Header, body)
	}
	waitFor(t, func() bool { return r.line.Stats().Renewed == 1 })
	c.send(getBook("GET", "1.1"))
	res, body := c.receive("GET")
	if body != bookBody || res.Header.Get("Cache-Control") != "max-age=50" || res.Header.Get("X-Round") != "2" || res.Header.Get("ETag") != `"v1"` ||
		res.Header.Get("Content-Type") != "application/json" || !strings.Contains(res.Header.Get("Cache-Status"), "detail=upstream") {
		t.Errorf("%v %q", res.Header, body)
	}
	if notModified.Load() != 1 || asked.Load() != 2 {
		t.Errorf("%d of %d", notModified.Load(), asked.Load())
	}
	// It is found by its tags as before.
	r.invalidate(cache.Invalidation{Tags: []string{"Book:1"}})
	c.send(getBook("GET", "1.1"))
	if res, _ := c.receive("GET"); isHit(res) || asked.Load() != 3 {
		t.Errorf("%v", res.Header)
	}
}

func TestConditionsAreReplaced(t *testing.T) {
	head := "GET / HTTP/1.1\r\nHost: x\r\nIF-none-match: \"a\"\r\nRange: bytes=0-1\r\nX: If-Match: y\r\n"
	for etag, want := range map[string]string{
		"":     "GET / HTTP/1.1\r\nHost: x\r\nX: If-Match: y\r\n\r\nbody",
		`"v1"`: "GET / HTTP/1.1\r\nHost: x\r\nX: If-Match: y\r\nIf-None-Match: \"v1\"\r\n\r\nbody",
	} {
		if got := string(conditional([]byte(head+"\r\nbody"), len(head)+2, []byte(etag))); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
