package serve

import (
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// While nothing happens the watch rests, whoever is connected; what begins then has its deadlines all the same.
func TestWatchRestsWhileNothingHappens(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Deadlines.Head = 100 * time.Millisecond
	r.start(o.address)
	rests := func() bool { return r.server.resting.Load() }
	waitFor(t, rests)
	c := r.dial()
	c.ask(bookQuery) // has an upstream connection from now on
	waitFor(t, rests)
	before := r.server.clock.Load()
	c.send("GET / HT")
	began := time.Now()
	res, _ := c.receive("GET")
	if took := time.Since(began); res.StatusCode != 408 || took > restEvery/2 {
		t.Errorf("%d after %s", res.StatusCode, took)
	}
	if r.server.clock.Load() == before {
		t.Error("the clock rests")
	}
}

// beginning tells of each request whether the watch rests when it has begun, and when something will be due.
type beginning struct {
	Stages
	server *Server
	rests  chan bool
	due    chan time.Duration
}

func (b *beginning) Begin(x *line.Exchange, h *wire.RequestHead, now int64) (line.Class, line.Reason) {
	b.rests <- b.server.resting.Load()
	b.due <- b.server.sweep()
	return b.Stages.Begin(x, h, now)
}

// A request is looked after from its begin on: its client may leave, whatever makes its answer.
func TestRequestEndsTheRest(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	b := &beginning{rests: make(chan bool, 1), due: make(chan time.Duration, 1)}
	r.wrap = func(s Stages) Stages { b.Stages = s; return b }
	r.start(o.address)
	b.server = r.server
	c := r.dial()
	for i := range 3 {
		c.ask(bookQuery) // a miss, and two hits
		if rests, due := <-b.rests, <-b.due; rests || due != 0 {
			t.Errorf("request %d: the watch rests: %v, for %s", i, rests, due)
		}
		waitFor(t, r.server.resting.Load)
	}
}

func TestIdleConnectionEndsInTimeWhileTheWatchRests(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Deadlines.Idle = 2 * time.Second
	r.start(o.address)
	r.dial().ask(bookQuery)
	waitFor(t, func() bool { return r.store.Stats().Stored == 1 })
	c := r.dial()
	if res, _ := c.ask(bookQuery); !isHit(res) { // no upstream connection
		t.Fatal("no hit")
	}
	began := time.Now()
	waitFor(t, r.server.resting.Load)
	if !c.ended() || time.Since(began) > restEvery/2 {
		t.Errorf("it lived for %s", time.Since(began))
	}
}

// What a request notes as its time is not from before the rest.
func TestClockIsRightAfterARest(t *testing.T) {
	r := newRig(t)
	r.start("127.0.0.1:1")
	s := r.server
	waitFor(t, s.resting.Load)
	s.clock.Store(1)
	if now := time.Now().UnixNano(); s.now() < now || s.resting.Load() {
		t.Error("the clock is behind, or the watch rests on")
	}
}
