package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// origin accepts subscriptions; the test plays the subgraph on each.
func origin(t *testing.T) (url string, arrived <-chan *websocket.Conn) {
	t.Helper()
	conns := make(chan *websocket.Conn, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol}})
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = c.CloseNow() })
		conns <- c
	}))
	t.Cleanup(s.Close)
	return s.URL, conns
}

func expect(t *testing.T, c *websocket.Conn, typ string) {
	t.Helper()
	var m message
	if _, b, err := c.Read(t.Context()); err != nil || json.Unmarshal(b, &m) != nil || m.Type != typ {
		t.Fatalf("%s %v, want %s", b, err, typ)
	}
}

func say(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// accept plays the subgraph up to the subscription.
func accept(t *testing.T, c *websocket.Conn) *websocket.Conn {
	t.Helper()
	expect(t, c, "connection_init")
	say(t, c, `{"type":"ping"}`)
	expect(t, c, "pong")
	say(t, c, `{"type":"connection_ack"}`)
	expect(t, c, "subscribe")
	return c
}

func subscribe(t *testing.T, h *Hub, payload, user string) *Feed {
	t.Helper()
	f, err := h.Subscribe(0, []byte(payload), http.Header{"X-User": {user}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A hundred that ask the same share one upstream, which is told when the last one leaves; another user has another.
func TestShared(t *testing.T) {
	url, arrived := origin(t)
	h := New(Config{Targets: []Target{{URL: url}}})
	defer h.Close()
	var all []*Feed
	for range 100 {
		all = append(all, subscribe(t, h, `{"query":"q"}`, "a"))
	}
	c := accept(t, <-arrived)
	say(t, c, `{"id":"1","type":"next","payload":{"data":1}}`)
	for _, f := range all {
		if got := <-f.Events(); string(got) != `{"data":1}` {
			t.Fatalf("%s", got)
		}
	}
	other := subscribe(t, h, `{"query":"q"}`, "b")
	otherConn := accept(t, <-arrived)
	var reads sync.WaitGroup
	defer reads.Wait()
	reads.Go(func() { // the close is answered
		for err := error(nil); err == nil; {
			_, _, err = otherConn.Read(context.Background())
		}
	})
	if s := h.Stats(); s != (Stats{Feeds: 101, Sources: 2, Events: 1}) {
		t.Errorf("%+v", s)
	}
	for _, f := range all {
		f.Close()
		f.Close()
	}
	expect(t, c, "complete")
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("%v, want a close in order", err)
	}
	again := subscribe(t, h, `{"query":"q"}`, "a")
	last := accept(t, <-arrived)
	_ = last.CloseNow()
	if _, open := <-again.Events(); open || !errors.Is(again.Err(), ErrLost) {
		t.Errorf("open %v, %v", open, again.Err())
	}
	go h.Close()
	if _, open := <-other.Events(); open || !errors.Is(other.Err(), ErrShut) {
		t.Errorf("open %v, %v", open, other.Err())
	}
	if _, err := h.Subscribe(0, nil, nil, nil); !errors.Is(err, ErrShut) {
		t.Errorf("%v", err)
	}
}

// One that does not read is dropped with what it has, and the others miss nothing.
func TestSlow(t *testing.T) {
	url, arrived := origin(t)
	h := New(Config{Targets: []Target{{URL: url}}, Queue: 2, MaxFeeds: 2})
	defer h.Close()
	slow, quick := subscribe(t, h, `{}`, ""), subscribe(t, h, `{}`, "")
	if _, err := h.Subscribe(0, nil, nil, nil); !errors.Is(err, ErrFull) {
		t.Errorf("%v", err)
	}
	c := accept(t, <-arrived)
	for i := range 3 {
		say(t, c, fmt.Sprintf(`{"id":"1","type":"next","payload":%d}`, i))
		if got := <-quick.Events(); string(got) != fmt.Sprint(i) {
			t.Fatalf("%s", got)
		}
	}
	say(t, c, `{"id":"1","type":"complete"}`)
	if _, open := <-quick.Events(); open || quick.Err() != nil {
		t.Errorf("open %v, %v", open, quick.Err())
	}
	n := 0
	for range slow.Events() {
		n++
	}
	if n != 2 || !errors.Is(slow.Err(), ErrSlow) || h.Stats().Slow != 1 {
		t.Errorf("%d events, %v, %+v", n, slow.Err(), h.Stats())
	}
}

func TestRefused(t *testing.T) {
	url, arrived := origin(t)
	h := New(Config{Targets: []Target{{URL: url}}})
	defer h.Close()
	f := subscribe(t, h, `{}`, "")
	say(t, accept(t, <-arrived), `{"id":"1","type":"error","payload":[{"message":"no"}]}`)
	_, open := <-f.Events()
	var r *Refused
	if open || !errors.As(f.Err(), &r) || string(r.Errors) != `[{"message":"no"}]` {
		t.Errorf("open %v, %v", open, f.Err())
	}
}
