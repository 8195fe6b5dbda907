package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// frame is one message of the GraphQL protocols over WebSocket.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

const changed = `{"data":{"setBook":{"id":"1","title":"Dams"}}}`

// talker is an origin that answers books over HTTP and, over WebSocket, each operation with the frames that its query names in a comment.
func talker(t *testing.T, mode websocket.CompressionMode, scripts map[string][]frame) *httptest.Server {
	t.Helper()
	o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"data":{"book":{"id":"1","title":"Weirs"}}}`)
			return
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			Subprotocols: []string{"graphql-transport-ws", "graphql-ws"}, CompressionMode: mode, CompressionThreshold: 1,
		})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(4 << 20)
		for {
			_, raw, err := c.Read(r.Context())
			if err != nil {
				return
			}
			var m frame
			var body struct{ Query string }
			if json.Unmarshal(raw, &m) != nil || len(m.Payload) > 0 && json.Unmarshal(m.Payload, &body) != nil {
				return
			}
			_, script, _ := strings.Cut(body.Query, "# ")
			script, _, _ = strings.Cut(script, "\n")
			if m.Type == "complete" || m.Type == "stop" {
				script = "echo"
			}
			for _, f := range scripts[script] {
				if f.Type == "close" {
					return
				}
				f.ID = m.ID
				b, err := json.Marshal(f)
				if err != nil || c.Write(r.Context(), websocket.MessageText, b) != nil {
					return
				}
			}
		}
	}))
	t.Cleanup(o.Close)
	return o
}

func book(t *testing.T, r *rig) string {
	t.Helper()
	head, _ := do(t, r.address, http.MethodPost, "/graphql", `{"query":"{ book(id: 1) { id title } }"}`)
	return head.Header.Get("Cache-Status")
}

// cached asks until the book comes from the cache.
func cached(t *testing.T, r *rig) {
	t.Helper()
	eventually(t, "a hit", func() bool { return strings.Contains(book(t, r), "hit") })
}

func dial(t *testing.T, r *rig, protocol string, mode websocket.CompressionMode) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://"+r.address+"/graphql", &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Subprotocols: []string{protocol}, CompressionMode: mode, CompressionThreshold: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(4 << 20)
	t.Cleanup(func() { c.CloseNow() })
	return c
}

func send(t *testing.T, c *websocket.Conn, f frame) {
	t.Helper()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Write(t.Context(), websocket.MessageText, b); err != nil {
		t.Fatal(err)
	}
}

// receive reads one frame; false when the connection ended.
func receive(t *testing.T, c *websocket.Conn) (f frame, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, raw, err := c.Read(ctx)
	if err != nil {
		return f, false
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f, true
}

func payload(query string) json.RawMessage {
	b, _ := json.Marshal(map[string]string{"query": query}) // a map of strings always can be
	return b
}

const setBook = "mutation Set { setBook(id: 1, title: \"Dams\") { id title } } # "

// TestMutationsInATunnelInvalidate: when a client has seen the result of a mutation over WebSocket, or its end, nobody gets the old answer.
func TestMutationsInATunnelInvalidate(t *testing.T) {
	result := json.RawMessage(changed)
	long := json.RawMessage(`{"data":{"setBook":{"id":"1","title":"` + strings.Repeat("Dams ", 20_000) + `"}}}`)
	scripts := map[string][]frame{
		"next": {{Type: "next", Payload: result}, {Type: "complete"}}, "data": {{Type: "data", Payload: result}, {Type: "complete"}},
		"long": {{Type: "next", Payload: long}}, "error": {{Type: "error", Payload: json.RawMessage(`[{"message":"no"}]`)}},
		"silent": {{Type: "complete"}}, "gone": {{Type: "close"}}, "later": {}, "echo": {{Type: "pong"}},
	}
	for _, mode := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionNoContextTakeover, websocket.CompressionContextTakeover} {
		r := start(t, configuration(t, talker(t, mode, scripts).URL, nil))
		for _, c := range []struct{ protocol, start, script string }{
			{"graphql-transport-ws", "subscribe", "next"},
			{"graphql-ws", "start", "data"},
			{"graphql-transport-ws", "subscribe", "long"},
			{"graphql-transport-ws", "subscribe", "error"},
			{"graphql-transport-ws", "subscribe", "silent"},
			{"graphql-transport-ws", "subscribe", "gone"},
		} {
			cached(t, r)
			ws := dial(t, r, c.protocol, mode)
			send(t, ws, frame{ID: "q", Type: c.start, Payload: payload("{ book(id: 1) { id } } # " + map[string]string{"subscribe": "next", "start": "data"}[c.start])})
			if _, ok := receive(t, ws); !ok || !strings.Contains(book(t, r), "hit") {
				t.Fatalf("%v %+v: a query over WebSocket invalidated", mode, c)
			}
			if _, ok := receive(t, ws); !ok {
				t.Fatal("the query was not completed")
			}
			send(t, ws, frame{ID: "m", Type: c.start, Payload: payload(setBook + c.script)})
			if _, ok := receive(t, ws); ok == (c.script == "gone") {
				t.Errorf("compression %v, %s: answered %v", mode, c.script, ok)
			}
			if got := book(t, r); strings.Contains(got, "hit") {
				t.Errorf("compression %v, %s, %s: after the mutation the cache answers %q", mode, c.protocol, c.script, got)
			}
			ws.CloseNow()
		}
		// A client that gives up: the origin may be at work. What it does not answer counts when the connection ends.
		cached(t, r)
		ws := dial(t, r, "graphql-transport-ws", mode)
		send(t, ws, frame{ID: "m", Type: "subscribe", Payload: payload(setBook + "later")})
		send(t, ws, frame{ID: "m", Type: "complete"})
		receive(t, ws)
		if got := book(t, r); strings.Contains(got, "hit") {
			t.Errorf("compression %v: after a mutation that was given up the cache answers %q", mode, got)
		}
		cached(t, r)
		ws.CloseNow()
		eventually(t, "the end of the tunnel invalidates", func() bool { return !strings.Contains(book(t, r), "hit") })
		if n := r.metric(`weir_uninspected_total{reason="tunnel"}`); n != 0 {
			t.Errorf("compression %v: %v messages could not be read", mode, n)
		}
	}
}

// TestWhatATunnelHidesIsCounted: messages above the limit, and bytes that are no frames, pass as they are.
func TestWhatATunnelHidesIsCounted(t *testing.T) {
	const tunnel = `weir_uninspected_total{reason="tunnel"}`
	scripts := map[string][]frame{"next": {{Type: "next", Payload: json.RawMessage(changed)}}}
	r := start(t, configuration(t, talker(t, websocket.CompressionDisabled, scripts).URL, nil))
	for i, size := range []int{900_000, 1 << 20} {
		ws := dial(t, r, "graphql-transport-ws", websocket.CompressionDisabled)
		send(t, ws, frame{ID: "m", Type: "subscribe", Payload: payload(setBook + "next\n" + strings.Repeat(" ", size))})
		if _, ok := receive(t, ws); !ok {
			t.Fatalf("a message of %d bytes was not answered", size)
		}
		if n := r.metric(tunnel); n != float64(i) {
			t.Errorf("after a message of %d bytes %v are counted", size, n)
		}
		ws.CloseNow()
	}
}
