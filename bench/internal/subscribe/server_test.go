package subscribe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/weirproxy/weir/bench/internal/load"
)

const document = "subscription Ticks($n: Int) { tick(n: $n) { n sentAt } }"

// age is how old the server makes its events.
const age = 40 * time.Millisecond

// server speaks all protocols. The n-th stream, from 0, goes as script says; without a script it sends some events and waits for the client to leave.
type server struct {
	t      *testing.T
	script func(n int64) script
	events int // of each stream

	streams   atomic.Int64
	goodbyes  atomic.Int64 // streams the client completed and closed as it should
	headers   atomic.Value // of the last stream
	initially atomic.Value // payload of the last connection_init
}

// script is what a server does beside sending events.
type script struct {
	refuse   int    // HTTP status
	protocol string // chosen in place of the right one
	silent   bool   // nothing is acknowledged
	first    string // message in place of the acknowledgement
	payload  string // of each event, in place of a tick
	then     string // message after the events; it ends the stream
	code     websocket.StatusCode
	drop     bool // the connection, after the events
}

func (s *server) start() load.Target {
	h := httptest.NewServer(s)
	s.t.Cleanup(h.Close)
	return load.Target{Network: "tcp", Address: h.Listener.Addr().String(), Host: "bench.test", Path: "/graphql"}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var c script
	if n := s.streams.Add(1) - 1; s.script != nil {
		c = s.script(n)
	}
	s.headers.Store(r.Header.Clone())
	switch {
	case c.refuse != 0:
		http.Error(w, "not today", c.refuse)
	case r.Host != "bench.test" || r.URL.Path != "/graphql":
		http.Error(w, "wrong address "+r.Host+r.URL.Path, http.StatusNotFound)
	case r.Header.Get("Upgrade") != "":
		s.socket(w, r, c)
	case r.Header.Get("Accept") == "text/event-stream":
		s.sse(w, r, c)
	default:
		http.Error(w, "no subscription", http.StatusNotAcceptable)
	}
}

func (s *server) tick(c script, n int) string {
	if c.payload != "" {
		return c.payload
	}
	return fmt.Sprintf(`{"data":{"tick":{"n":%d,"sentAt":%q}}}`, n, time.Now().Add(-age).Format(time.RFC3339Nano))
}

func (s *server) request(raw []byte) {
	var q struct {
		Query, OperationName string
		Variables            struct{ N int }
	}
	if err := json.Unmarshal(raw, &q); err != nil || q.Query != document || q.OperationName != "Ticks" || q.Variables.N != 3 {
		s.t.Errorf("request %s: %v", raw, err)
	}
}

func (s *server) sse(w http.ResponseWriter, r *http.Request, c script) {
	raw, err := json.Marshal(map[string]any{
		"query": r.FormValue("query"), "operationName": r.FormValue("operationName"), "variables": json.RawMessage(r.FormValue("variables") + " "),
	})
	if r.Method == http.MethodPost {
		raw = make([]byte, r.ContentLength)
		_, err = r.Body.Read(raw)
		if r.Header.Get("Content-Type") != "application/json" {
			s.t.Errorf("content type %q", r.Header.Get("Content-Type"))
		}
	}
	if err != nil && !strings.Contains(err.Error(), "EOF") {
		s.t.Error(err)
	}
	s.request(raw)
	if c.silent {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	if c.protocol != "" {
		w.Header().Set("Content-Type", c.protocol)
	}
	fmt.Fprint(w, ":\n\n")
	for n := range s.events {
		head, tail, _ := strings.Cut(s.tick(c, n), ",") // an event of two lines
		fmt.Fprintf(w, "id: %d\r\nevent: next\r\ndata: %s\r\n", n, head)
		if tail != "" {
			fmt.Fprintf(w, "data:,%s\r\n", tail)
		}
		fmt.Fprint(w, "\r\n: more\r\n")
		_ = http.NewResponseController(w).Flush()
	}
	_ = http.NewResponseController(w).Flush()
	switch {
	case c.then != "":
		fmt.Fprintf(w, "event: %s\n\n", c.then)
	case c.drop:
	default:
		<-r.Context().Done()
		s.goodbyes.Add(1)
	}
}

func (s *server) socket(w http.ResponseWriter, r *http.Request, c script) {
	protocol := r.Header.Get("Sec-WebSocket-Protocol")
	offered := []string{protocol}
	if c.protocol != "" {
		w.Header().Set("Sec-WebSocket-Protocol", c.protocol)
		offered = nil
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: offered})
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
	defer cancel()
	say := func(m string) { _ = conn.Write(ctx, websocket.MessageText, []byte(m)) } // the client may be gone
	hear := func(want string) (m message) {
		if err := wsjson.Read(ctx, conn, &m); err == nil && m.Type != want {
			s.t.Errorf("%s: %q came, not %q", protocol, m.Type, want)
		}
		return m
	}
	if s.initially.Store(string(hear("connection_init").Payload)); c.protocol != "" {
		return
	}
	start, stop, next := "subscribe", "complete", "next"
	if protocol == LegacyWS {
		start, stop, next = "start", "stop", "data"
		say(`{"type":"ka"}`)
	} else {
		say(`{"type":"ping","payload":{"a":[1]}}`)
		if got := string(hear("pong").Payload); got != `{"a":[1]}` {
			s.t.Errorf("pong with %s", got)
		}
	}
	switch {
	case c.silent:
		_, _, _ = conn.Read(ctx) // until the client leaves
		return
	case c.first != "":
		say(c.first)
	default:
		say(`{"type":"connection_ack"}`)
	}
	m := hear(start)
	if m.Type != start {
		return
	}
	s.request(m.Payload)
	for n := range s.events {
		say(fmt.Sprintf(`{"id":%q,"type":%q,"payload":%s}`, m.ID, next, s.tick(c, n)))
		if protocol == TransportWS && n%2 == 1 {
			say(`{"type":"ping"}`)
			hear("pong")
		}
	}
	switch {
	case c.then != "":
		say(strings.ReplaceAll(c.then, "ID", m.ID))
		_, _, _ = conn.Read(ctx) // until the client leaves
	case c.code != 0:
		_ = conn.Close(c.code, "as told")
	case c.drop:
	default:
		hear(stop)
		if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) == websocket.StatusNormalClosure {
			s.goodbyes.Add(1)
		}
	}
}
