package subscribe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

var protocols = []string{TransportWS, LegacyWS, SSE, SSEGet}

func config(target load.Target, protocol string) Config {
	return Config{
		Target: target, Name: "Ticks", Document: document, Variables: []byte(`{"n":3}`), Protocol: protocol, TimePath: "data.tick.sentAt",
		OpenWithin: time.Millisecond,
	}
}

// runUntil ends the run when so many are open and so many events came.
func runUntil(t *testing.T, c Config, open, events int64) *result.Subscriptions {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := Run(ctx, c, func(o, e int64) {
		if o >= open && e >= events {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatalf("never %d open and %d events: %+v", open, events, got)
	}
	return got
}

func TestEveryProtocolCountsWhatArrivesAndLeavesInOrder(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			s := &server{t: t, events: 5}
			c := config(s.start(), protocol)
			c.Open, c.Headers, c.Init = 8, map[string]string{"Authorization": "Bearer x"}, []byte(`{"token":"y"}`)
			got := runUntil(t, c, 8, 40)
			if got.Wanted != 8 || got.Opened != 8 || got.Open != 8 || got.Events != 40 || got.Errors != 0 || got.Name != "Ticks" || got.Protocol != protocol {
				t.Errorf("%+v", got)
			}
			if got.Setup.Count() != 8 || got.Delay.Count() != 40 || got.Delay.At(0) < age.Microseconds()*99/100 || got.PerSecond <= 0 {
				t.Errorf("setup of %d, delay of %d, at least %d µs, %v per second", got.Setup.Count(), got.Delay.Count(), got.Delay.At(0), got.PerSecond)
			}
			if least := int64(40 * len(`{"data":{"tick":{"n":1,"sentAt":"2026-01-01T00:00:00Z"}}}`)); got.Bytes < least || got.Bytes > 2*least {
				t.Errorf("%d bytes", got.Bytes)
			}
			if a := s.headers.Load().(http.Header).Get("Authorization"); a != "Bearer x" {
				t.Errorf("authorization %q", a)
			}
			if p := s.initially.Load(); strings.HasSuffix(protocol, "ws") && p != `{"token":"y"}` {
				t.Errorf("connection_init with %v", p)
			}
			if !waitFor(t, func() bool { return s.goodbyes.Load() == 8 }) {
				t.Errorf("%d of 8 were completed and closed", s.goodbyes.Load())
			}
		})
	}
}

// waitFor asks until the answer is yes; the other side may still be at work.
func waitFor(t *testing.T, done func() bool) bool {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for range 1000 {
		if done() {
			return true
		}
		<-ticker.C
	}
	return false
}

func TestAStreamThatEndsIsCountedAndOpenedAgain(t *testing.T) {
	for _, c := range []struct {
		protocol, kind string
		first          script
	}{
		{TransportWS, "closed 4403", script{code: 4403}},
		{TransportWS, failIO, script{drop: true}},
		{TransportWS, failCompleted, script{then: `{"id":"ID","type":"complete"}`}},
		{TransportWS, failErrors, script{then: `{"id":"ID","type":"error","payload":[{"message":"no"}]}`}},
		{TransportWS, failProtocol, script{then: `{"id":"ID","type":"what"}`}},
		{TransportWS, failProtocol, script{then: `{"id":"2","type":"next","payload":{}}`}},
		{TransportWS, failProtocol, script{then: `{"id":`}},
		{TransportWS, failProtocol, script{then: `{}`}},
		{LegacyWS, "closed 1011", script{code: 1011}},
		{LegacyWS, failErrors, script{then: `{"id":"ID","type":"error","payload":{"message":"no"}}`}},
		{LegacyWS, failCompleted, script{then: `{"id":"ID","type":"complete"}`}},
		{SSE, failIO, script{drop: true}},
		{SSE, failCompleted, script{then: "complete"}},
		{SSE, failProtocol, script{then: "next\ndata: {"}},
	} {
		t.Run(c.protocol+" "+c.kind, func(t *testing.T) {
			s := &server{t: t, events: 1, script: func(n int64) (nth script) {
				if n < 2 {
					nth = c.first
				}
				return nth
			}}
			cfg := config(s.start(), c.protocol)
			cfg.Open = 2
			var mu sync.Mutex
			var told []string
			cfg.OnFailure = func(kind string, err error) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, kind+": "+err.Error())
			}
			got := runUntil(t, cfg, 2, 4)
			if got.Opened != 4 || got.Open != 2 || got.Errors != 2 || got.Failures[c.kind] != 2 || got.Events != 4 {
				t.Errorf("opened %d, open %d, events %d, failures %v", got.Opened, got.Open, got.Events, got.Failures)
			}
			if len(told) != 1 || !strings.HasPrefix(told[0], c.kind+": ") {
				t.Errorf("told %q", told)
			}
		})
	}
}

func TestAnEventMayCarryAFailure(t *testing.T) {
	for payload, kind := range map[string]string{
		`{"data":{"tick":null},"errors":[{"message":"no"}]}`: failErrors,
		`{"data":{"tick":null},"errors":[ ]}`:                failNoTime,
		`{"data":{"tick":{"sentAt":"yesterday"}}}`:           failNoTime,
	} {
		for _, protocol := range protocols {
			s := &server{t: t, events: 3, script: func(int64) script { return script{payload: payload} }}
			got := runUntil(t, config(s.start(), protocol), 1, 3)
			if got.Events != 3 || got.Errors != 3 || got.Failures[kind] != 3 || got.Delay.Count() != 0 || got.Opened != 1 {
				t.Errorf("%s: %s: %+v", protocol, payload, got)
			}
		}
	}
}

func TestAServerThatDoesNotOpenEndsTheRunAtOnce(t *testing.T) {
	for _, c := range []struct {
		protocol, want string
		script         script
	}{
		{TransportWS, "status 403: the handshake was refused: \"not today", script{refuse: 403}},
		{TransportWS, "protocol: failed to WebSocket dial", script{protocol: "other"}},
		{TransportWS, "timeout: no connection_ack within 100ms", script{silent: true}},
		{TransportWS, `protocol: "next" before connection_ack`, script{first: `{"type":"next"}`}},
		{LegacyWS, `graphql errors: connection_error: {"message":"who are you"}`, script{first: `{"type":"connection_error","payload":{"message":"who are you"}}`}},
		{SSE, "status 500: the server refused", script{refuse: 500}},
		{SSE, "status 302", script{refuse: 302}},
		{SSE, `the answer is "text/html", not text/event-stream`, script{protocol: "text/html", drop: true}},
		{SSEGet, "timeout: no answer within 100ms", script{silent: true}},
	} {
		s := &server{t: t, script: func(int64) script { return c.script }}
		cfg := config(s.start(), c.protocol)
		cfg.Open, cfg.Setup, cfg.Duration = 50, 100*time.Millisecond, 5*time.Second
		got, err := Run(t.Context(), cfg, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), cfg.Target.Address+"/graphql") {
			t.Errorf("%s: error %v, want %q", c.protocol, err, c.want)
		}
		if got == nil || got.Errors != 1 || got.Opened != 0 || s.streams.Load() != 1 {
			t.Errorf("%s: %d streams tried, %+v", c.protocol, s.streams.Load(), got)
		}
	}
}

func TestATargetThatIsDownIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := load.Target{Network: "tcp", Address: l.Addr().String(), Host: "x", Path: "/graphql"}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, protocol := range protocols {
		got, err := Run(t.Context(), config(down, protocol), nil)
		if err == nil || !strings.Contains(err.Error(), "connect: ") || !strings.Contains(err.Error(), down.Address) || got.Failures[failConnect] != 1 {
			t.Errorf("%s: %v, %+v", protocol, err, got)
		}
	}
}

func TestOverAUnixSocketUntilTheDurationIsOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, events: 1}
	h := httptest.NewUnstartedServer(s)
	h.Listener = l
	h.Start()
	defer h.Close()
	for _, protocol := range protocols {
		c := config(load.Target{Network: "unix", Address: path, Host: "bench.test", Path: "/graphql"}, protocol)
		c.Duration = 300 * time.Millisecond
		if got, err := Run(t.Context(), c, nil); err != nil || got.Events != 1 || got.Errors != 0 {
			t.Errorf("%s: %v, %+v", protocol, err, got)
		}
	}
}

func TestWrongConfigurationsAreRefused(t *testing.T) {
	for want, c := range map[string]Config{
		`protocol "carrier pigeon" is unknown; use graphql-transport-ws`: {Document: "x", Protocol: "carrier pigeon"},
		"none may be negative":         {Document: "x", Open: -1},
		"the document is empty":        {Document: " "},
		`variables "[]"`:               {Document: "x", Variables: []byte("[]")},
		`connection_init payload "{a"`: {Document: "x", Init: []byte("{a")},
	} {
		if _, err := Run(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// memory is a stream that gives its events and then waits or fails.
type memory struct {
	events int
	err    error
	over   chan struct{}
}

func (m *memory) next() ([]byte, error) {
	if m.events--; m.events >= 0 {
		return []byte(`{"data":{}}`), nil
	}
	if m.err != nil {
		return nil, m.err
	}
	<-m.over
	return nil, net.ErrClosed
}

func (m *memory) end() { close(m.over) }

func TestOpeningIsSpreadEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		c := Config{Open: 5, OpenWithin: 10 * time.Second}
		r := &run{Config: c, tally: newTally(&c), open: func(context.Context) (stream, error) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Since(began))
			return &memory{over: make(chan struct{})}, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var work sync.WaitGroup
		work.Go(func() { r.openRest(ctx, &work) })
		work.Wait()
		if got, want := fmt.Sprint(at), "[2s 4s 6s 8s]"; got != want {
			t.Errorf("opened at %s, want %s", got, want)
		}
	})
}

func TestTheWaitBeforeOpeningAgainDoublesUntilEventsCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		c := Config{Open: 1}
		r := &run{Config: c, tally: newTally(&c), open: func(context.Context) (stream, error) {
			at = append(at, time.Since(began))
			if len(at) == 4 { // events, then a failure
				return &memory{events: 2, err: failed(failIO, "gone"), over: make(chan struct{})}, nil
			}
			return nil, failed(failConnect, "refused")
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		r.keep(ctx, nil)
		want := "[0s 100ms 300ms 700ms 800ms 1s 1.4s 2.2s 3.8s 7s 12s 17s]"
		if got := fmt.Sprint(at); got != want {
			t.Errorf("opened at %s, want %s", got, want)
		}
		got := r.tally.result(time.Since(began))
		if got.Opened != 1 || got.Open != 0 || got.Events != 2 || got.Failures[failConnect] != 11 || got.Failures[failIO] != 1 || got.PerSecond != 0.1 {
			t.Errorf("%+v", got)
		}
	})
}
