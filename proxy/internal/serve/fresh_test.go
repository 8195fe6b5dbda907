package serve

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
)

func (r *rig) invalidate(inv cache.Invalidation) {
	r.t.Helper()
	if _, err := r.store.Invalidate(context.Background(), inv, time.Now().UnixNano()); err != nil {
		r.t.Fatal(err)
	}
}

// stored waits until so many answers were stored.
func (r *rig) stored(n uint64) {
	r.t.Helper()
	waitFor(r.t, func() bool { return r.store.Stats().Stored == n })
}

func TestAgeOfTheOriginIsAddedToThatOfAHit(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		w.Header().Set("Age", "20")
		books(func() string { return "a" })(w, body)
	})
	r := newRig(t)
	r.start(o.address)
	c := r.dial()
	c.ask(bookQuery)
	r.stored(1)
	res, _ := c.ask(bookQuery)
	if age := res.Header.Get("Age"); age != "20" && age != "21" {
		t.Errorf("Age %q", age)
	}
	if s := res.Header.Get("Cache-Status"); s != "weir; hit; ttl=39; detail=declared" && s != "weir; hit; ttl=40; detail=declared" {
		t.Errorf("Cache-Status %q", s)
	}
}

func TestHoldOffAfterAnInvalidation(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Cache.HoldOff = 1500 * time.Millisecond
	r.start(o.address)
	c := r.dial()
	c.ask(bookQuery)
	r.stored(1)
	if res, _ := c.ask(bookQuery); !strings.Contains(res.Header.Get("Cache-Status"), "detail=declared") {
		t.Errorf("before: %v", res.Header)
	}
	c.ask(setBook)
	c.ask(bookQuery)
	r.stored(2)
	res, _ := c.ask(bookQuery)
	if s := res.Header.Get("Cache-Status"); s != `weir; hit; ttl=1; detail="hold-off, of 60 s"` && s != `weir; hit; ttl=0; detail="hold-off, of 60 s"` {
		t.Errorf("after a mutation: %q", s)
	}
}

func TestSoftInvalidatedEntryNeverShowsTimeLeft(t *testing.T) {
	var version atomic.Int64
	hold := make(chan struct{})
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		if version.Load() > 0 {
			<-hold
		}
		books(func() string { return fmt.Sprint(version.Load()) })(w, body)
	})
	r := newRig(t)
	r.policy.Cache.StaleWhileRevalidate = time.Hour
	r.start(o.address)
	c := r.dial()
	_, old := c.ask(bookQuery)
	r.stored(1)
	version.Store(1)
	r.invalidate(cache.Invalidation{Tags: []string{"Book:1"}, Soft: true})
	for range 3 {
		res, body := c.ask(bookQuery)
		if s := res.Header.Get("Cache-Status"); body != old || s != "weir; hit; ttl=0; detail=invalidated" {
			t.Errorf("%q %q", s, body)
		}
	}
	close(hold)
	waitFor(t, func() bool { _, body := c.ask(bookQuery); return strings.Contains(body, `"title":"1"`) })
	if o.count() != 2 {
		t.Errorf("the origin was asked %d times", o.count())
	}
}

// A soft invalidation of what may never be stale is a hard one, and so is one without time to revalidate in.
func TestSoftInvalidationWithoutStaleTimeIsHard(t *testing.T) {
	for _, control := range []string{"must-revalidate", "max-age=60, stale-while-revalidate=0"} {
		var version atomic.Int64
		o := startOrigin(t, func(w http.ResponseWriter, body string) {
			w.Header().Set("Cache-Control", control)
			books(func() string { return fmt.Sprint(version.Load()) })(w, body)
		})
		r := newRig(t)
		r.policy.Cache.StaleWhileRevalidate = time.Hour
		r.start(o.address)
		c := r.dial()
		c.ask(bookQuery)
		r.stored(1)
		version.Store(1)
		r.invalidate(cache.Invalidation{Tags: []string{"Book:1"}, Soft: true})
		if res, body := c.ask(bookQuery); isHit(res) || !strings.Contains(body, `"title":"1"`) {
			t.Errorf("%s: %v %q", control, res.Header, body)
		}
	}
}
