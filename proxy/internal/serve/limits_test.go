package serve

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestIdleClientWithoutUpstreamIsClosed(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Deadlines.Idle = 100 * time.Millisecond
	r.start(o.address)
	r.dial().ask(bookQuery)
	waitFor(t, func() bool { return r.store.Stats().Stored == 1 })
	c := r.dial()
	if res, _ := c.ask(bookQuery); !isHit(res) { // no upstream connection
		t.Fatal("no hit")
	}
	if !c.ended() || r.server.Stats().Timeouts["idle"] != 1 {
		t.Errorf("%v", r.server.Stats().Timeouts)
	}
}

func TestSlowBody(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.Deadlines.Body = 100 * time.Millisecond
	r.start(o.address)
	whole := post(bookQuery)
	c := r.dial()
	c.send(whole[:len(whole)-5]) // held to be read: nothing has gone to the origin
	if res, _ := c.receive("POST"); res.StatusCode != 408 || res.Header.Get("Weir-Error") != "http.body_timeout" || !c.ended() {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	c = r.dial()
	c.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nstart") // relayed: only the end can be passed on
	if _, err := io.Copy(io.Discard, c.r); err == nil {
		t.Error("an upload that stops ends without a reset")
	}
	if n := r.server.Stats().Timeouts["body"]; n != 2 || o.count() > 1 {
		t.Errorf("counted %d, the origin saw %d", n, o.count())
	}
}

func TestBodySlowerThanInspectWaitIsRelayedUnread(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.policy.InspectWait = 20 * time.Millisecond
	r.start(o.address)
	whole := post(bookQuery)
	c := r.dial()
	c.send(whole[:len(whole)-5])
	waitFor(t, func() bool { return r.line.Stats().Uninspected["slow"] == 1 })
	c.send(whole[len(whole)-5:])
	if _, body := c.receive("POST"); body != bookBody || o.seen[0] != whole[strings.Index(whole, "{"):] {
		t.Errorf("%q, the origin saw %q", body, o.seen)
	}
}

func TestClientThatDoesNotReadIsClosed(t *testing.T) {
	o := startOrigin(t, func(w http.ResponseWriter, _ string) {
		block := make([]byte, 64<<10)
		for range 1000 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	r := newRig(t)
	r.policy.Deadlines.Write = 100 * time.Millisecond
	r.start(o.address)
	c := r.dial()
	c.send(plainGet)
	waitFor(t, func() bool { s := r.server.Stats(); return s.Timeouts["write"] == 1 && s.Connections == 0 })
}

func TestMemoryLadder(t *testing.T) {
	for percent, want := range map[int64]int32{0: 0, 84: 0, 85: pressureLean, 91: pressureLean, 92: pressureIdle, 95: pressureRefuse, 200: pressureRefuse} {
		if got := ladder(percent*1000, 100_000); got != want {
			t.Errorf("%d %%: step %d, want %d", percent, got, want)
		}
	}
}

func TestShortMemoryRefusesConnections(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.config.MemoryLimit = 1
	r.start(o.address)
	early := r.dial()
	waitFor(t, func() bool { return r.server.Stats().Pressure == pressureRefuse })
	res, _ := r.dial().receive("GET")
	if res.StatusCode != 503 || res.Header.Get("Weir-Error") != "overload" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if !early.ended() {
		t.Error("an idle connection lives on")
	}
}

func TestLeanMemoryStillReadsSmallBodies(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	r.dial().ask(bookQuery)
	waitFor(t, func() bool { return r.store.Stats().Stored == 1 })
	r.server.pressure.Store(pressureLean)
	c := r.dial()
	if res, _ := c.ask(bookQuery); !isHit(res) {
		t.Errorf("a small query misses: %v", res.Header)
	}
	c.ask(setBook)
	if res, _ := c.ask(bookQuery); isHit(res) {
		t.Error("a mutation under pressure does not invalidate")
	}
	long := post(`{ now } #` + strings.Repeat("x", 100<<10))
	c.send(long)
	c.receive("POST")
	if n := r.line.Stats().Uninspected["pressure"]; n != 1 {
		t.Errorf("%d requests were relayed unread", n)
	}
}

// draining starts to drain and returns the outcome; the server has stopped accepting when it returns.
func (r *rig) draining(limit time.Duration) <-chan error {
	r.t.Helper()
	out := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		out <- r.server.Drain(ctx)
	}()
	waitFor(r.t, func() bool { return r.server.Draining() })
	return out
}

func TestDrainEndsConnectionsThatNeverSpoke(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.config.DetectWait = 50 * time.Millisecond
	r.start(o.address)
	c := r.dial()
	waitFor(t, func() bool { return r.server.Stats().Connections == 1 })
	if err := <-r.draining(10 * time.Second); err != nil || !c.ended() {
		t.Error(err)
	}
}

func TestDrainWaitsForTunnelsUntilItsEnd(t *testing.T) {
	address := startRaw(t, func(c net.Conn) {
		b := make([]byte, 4096)
		_, _ = c.Read(b)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(c, c)
	})
	for _, ends := range []bool{true, false} {
		t.Run(fmt.Sprintf("ends by itself %v", ends), func(t *testing.T) {
			r := newRig(t)
			r.start(address)
			c := r.dial()
			c.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			c.receive("GET")
			limit := 10 * time.Second
			if !ends {
				limit = 100 * time.Millisecond
			}
			drained := r.draining(limit)
			c.send("ping")
			b := make([]byte, 4)
			if _, err := io.ReadFull(c.r, b); err != nil || string(b) != "ping" {
				t.Fatalf("the tunnel does not work while draining: %q %v", b, err)
			}
			if ends {
				c.c.Close()
			}
			if err := <-drained; (err == nil) != ends {
				t.Error(err)
			}
		})
	}
}

func TestLastAnswerWhileDrainingSaysClose(t *testing.T) {
	o := startOrigin(t, books(func() string { return "a" }))
	r := newRig(t)
	r.start(o.address)
	r.dial().ask(bookQuery)
	waitFor(t, func() bool { return r.store.Stats().Stored == 1 })
	whole := post(bookQuery)
	c := r.dial()
	c.send(whole[:len(whole)-5])
	waitFor(t, func() bool { return r.server.Stats().Requests == 2 })
	drained := r.draining(10 * time.Second)
	c.send(whole[len(whole)-5:])
	if res, _ := c.receive("POST"); !isHit(res) || !res.Close {
		t.Errorf("%v", res.Header)
	}
	c.c.Close()
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestPipelinedHitsBehindASlowAnswerAreBounded(t *testing.T) {
	release := make(chan struct{})
	title := strings.Repeat("x", 100<<10)
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		if body == "/slow" {
			<-release
			return
		}
		books(func() string { return title })(w, body)
	})
	r := newRig(t)
	r.start(o.address)
	r.dial().ask(bookQuery)
	waitFor(t, func() bool { return r.store.Stats().Stored == 1 })
	const n = 200
	c := r.dial()
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.c, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"+strings.Repeat(post(bookQuery), n))
		sent <- err
	}()
	waitFor(t, func() bool { return r.server.Stats().Hits >= 10 })
	if hits := r.server.Stats().Hits; hits > maxKept/(100<<10)+1 {
		t.Errorf("%d answers of 100 KiB wait", hits)
	}
	close(release)
	c.receive("GET")
	for range n {
		if res, body := c.receive("POST"); !isHit(res) || len(body) < len(title) {
			t.Fatalf("%v, %d bytes", res.Header, len(body))
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
