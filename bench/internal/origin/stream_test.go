package origin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/weirproxy/weir/bench/internal/origin/stream"
)

// link is one WebSocket connection of a test.
type link struct {
	t *testing.T
	c *websocket.Conn
}

func dial(t *testing.T, s *Server, protocols ...string) *link {
	t.Helper()
	c, res, err := websocket.Dial(t.Context(), s.URL()+"/graphql", &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		t.Fatal(err)
	}
	if res.Body != nil {
		_ = res.Body.Close()
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return &link{t, c}
}

func (l *link) send(text string) {
	l.t.Helper()
	if err := l.c.Write(l.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *link) want(texts ...string) {
	l.t.Helper()
	for _, text := range texts {
		_, got, err := l.c.Read(l.t.Context())
		if err != nil || !json.Valid(got) || !strings.HasPrefix(string(got), text) {
			l.t.Fatalf("got  %s, %v\nwant %s", got, err, text)
		}
	}
}

// closed wants the connection to be closed with a code.
func (l *link) closed(code websocket.StatusCode) {
	l.t.Helper()
	if _, got, err := l.c.Read(l.t.Context()); websocket.CloseStatus(err) != code {
		l.t.Fatalf("%s %v, want to be closed with %d", got, err, code)
	}
}

func TestSubscriptionsOverWebSocket(t *testing.T) {
	for protocol, word := range map[string]struct{ start, next, stop string }{
		stream.Transport: {"subscribe", "next", "complete"}, stream.Legacy: {"start", "data", "stop"},
	} {
		t.Run(protocol, func(t *testing.T) {
			s := started(t, Spec{})
			l := dial(t, s, protocol)
			l.send(`{"type":"connection_init"}`)
			l.want(`{"type":"connection_ack"}`)
			begin := time.Now()
			l.send(`{"id":"1","type":"` + word.start + `","payload":{"query":"subscription T($n: Int) { t: tick(everyMs: 5, count: $n) { n sentAt } }","variables":{"n":3}}}`)
			for n := range 3 {
				_, raw, err := l.c.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var m struct {
					ID, Type string
					Payload  struct {
						Data struct{ T struct{ N, SentAt any } }
					}
				}
				if err := json.Unmarshal(raw, &m); err != nil || m.ID != "1" || m.Type != word.next || m.Payload.Data.T.N != float64(n+1) {
					t.Errorf("%s %v", raw, err)
				}
				at, err := time.Parse(time.RFC3339Nano, m.Payload.Data.T.SentAt.(string))
				if due := begin.Add(time.Duration(n+1) * 5 * time.Millisecond); err != nil || at.Before(due) || at.After(time.Now()) {
					t.Errorf("%s, due %s: %v", at, due, err)
				}
			}
			l.want(`{"id":"1","type":"complete"}`)

			// A change, seen by whoever asked for this city or for every one.
			for id, arguments := range map[string]string{"mine": `(id: 1796236)`, "other": `(id: 1816670)`, "all": ""} {
				l.send(fmt.Sprintf(`{"id":%q,"type":%q,"payload":{"query":"subscription { populationChanged%s { name population } }"}}`, id, word.start, arguments))
			}
			for s.Truth().Subscriptions.Open < 3 {
				post(s, rankQuery) // no event tells that a subscription began
			}
			l.send(`{"id":"other","type":"` + word.stop + `"}`)
			if protocol == stream.Legacy {
				l.want(`{"id":"other","type":"complete"}`)
			}
			post(s, setMutation)
			seen := map[string]bool{}
			for range 2 {
				_, raw, err := l.c.Read(t.Context())
				if err != nil || !strings.HasSuffix(string(raw), `"type":"`+word.next+`","payload":{"data":{"populationChanged":{"name":"Shanghai","population":5}}}}`) {
					t.Errorf("%s %v", raw, err)
				}
				seen[string(raw[:8])] = true
			}
			if len(seen) != 2 {
				t.Errorf("%v", seen)
			}
			// Queries travel by the same way; what is wrong is said and the connection lives on.
			l.send(`{"id":"q","type":"` + word.start + `","payload":{"query":"{ stats { cities } }"}}`)
			l.want(`{"id":"q","type":"`+word.next+`","payload":{"data":{"stats":{"cities":8000}}}}`, `{"id":"q","type":"complete"}`)
			l.send(`{"id":"bad","type":"` + word.start + `","payload":{"query":"subscription { nope }"}}`)
			if protocol == stream.Legacy {
				l.want(`{"id":"bad","type":"error","payload":{"message":"`)
			} else {
				l.want(`{"id":"bad","type":"error","payload":[{"message":"`)
			}
			l.send(`{"id":"wrong","type":"` + word.start + `","payload":{"query":"subscription { tick(everyMs: 0) { n } }"}}`)
			l.want(`{"id":"wrong","type":"error","payload":`)
			got := s.Truth().Subscriptions
			if got.Opened[protocol] != 5 || got.Events[protocol] != 6 || got.Open != 2 || got.Dropped != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestWebSocketsCloseWithTheCodesOfTheProtocol(t *testing.T) {
	s := started(t, Spec{})
	const init, subscribe = `{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":{"query":"subscription { tick(everyMs: 60000) { n } }"}}`
	for name, c := range map[string]struct {
		send []string
		code websocket.StatusCode
	}{
		"subscribe before init": {[]string{subscribe}, 4401},
		"two inits":             {[]string{init, init}, 4429},
		"no JSON":               {[]string{init, "x"}, 4400},
		"unknown type":          {[]string{init, `{"type":"start"}`}, 4400},
		"one id twice":          {[]string{init, subscribe, subscribe}, 4409},
	} {
		t.Run(name, func(t *testing.T) {
			l := dial(t, s, stream.Transport)
			for _, text := range c.send {
				l.send(text)
			}
			if c.send[0] == init {
				l.want(`{"type":"connection_ack"}`)
			}
			l.closed(c.code)
		})
	}
	dial(t, s).closed(4406)
	l := dial(t, s, stream.Transport, stream.Legacy)
	l.send(`{"type":"ping"}`)
	l.want(`{"type":"pong"}`)
	l.send(init)
	l.want(`{"type":"connection_ack"}`)
	l.send(`{"type":"ping"}`)
	l.want(`{"type":"pong"}`)
	legacy := dial(t, s, stream.Legacy)
	legacy.send(init)
	legacy.want(`{"type":"connection_ack"}`)
	legacy.send(`{"type":"connection_terminate"}`)
	legacy.closed(websocket.StatusNormalClosure)
}

func sse(t *testing.T, s *Server, body string) *bufio.Reader {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", mediaJSON)
	r.Header.Set("Accept", "text/event-stream")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	return bufio.NewReader(res.Body)
}

func wantLines(t *testing.T, r *bufio.Reader, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if got, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(got, want) || want == "" && got != "\n" {
			t.Fatalf("got %q %v, want %q", got, err, want)
		}
	}
}

func TestSubscriptionsAsServerSentEvents(t *testing.T) {
	s := started(t, Spec{})
	r := sse(t, s, `{"query":"subscription { tick(everyMs: 1, count: 2) { n } }"}`)
	wantLines(
		t, r, ":", "", "event: next", `data: {"data":{"tick":{"n":1}}}`, "", "event: next", `data: {"data":{"tick":{"n":2}}}`, "", "event: complete", "data:", "",
	)
	if _, err := r.ReadByte(); err == nil {
		t.Error("it goes on after complete")
	}
	wantLines(t, sse(t, s, `{"query":"{ stats { cities } }"}`), ":", "", "event: next", `data: {"data":{"stats":{"cities":8000}}}`, "", "event: complete")
	wantLines(t, sse(t, s, `{"query":"{ nope }"}`), ":", "", "event: next", `data: {"errors":[{"message":`, "", "event: complete")
	changes := sse(t, s, `{"query":"subscription { populationChanged(id: \"1796236\") { population } }"}`)
	wantLines(t, changes, ":", "")
	for s.Truth().Subscriptions.Open == 0 {
		post(s, rankQuery)
	}
	post(s, setMutation)
	wantLines(t, changes, "event: next", `data: {"data":{"populationChanged":{"population":5}}}`)
	if got := s.Truth().Subscriptions; got.Events[stream.Events] != 4 {
		t.Errorf("%+v", got)
	}
}

// TestAQueryForASubscriptionSaysWhatIsMissing asks for a subscription without a stream.
func TestAQueryForASubscriptionSaysWhatIsMissing(t *testing.T) {
	if got := post(built(t, Spec{}), `{"query":"subscription { tick(everyMs: 1) { n } }"}`).Body.String(); !strings.Contains(got, "a subscription needs a stream") {
		t.Errorf("%s", got)
	}
}

func TestDrainTellsItsStreams(t *testing.T) {
	s := started(t, Spec{})
	l := dial(t, s, stream.Transport)
	l.send(`{"type":"connection_init"}`)
	l.want(`{"type":"connection_ack"}`)
	events := sse(t, s, `{"query":"subscription { tick(everyMs: 60000) { n } }"}`)
	wantLines(t, events, ":", "")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(ctx) }()
	l.closed(websocket.StatusGoingAway)
	if _, err := events.ReadByte(); err == nil {
		t.Error("the event stream goes on")
	}
	if err := <-drained; err != nil || ctx.Err() != nil {
		t.Errorf("%v %v", err, ctx.Err())
	}
	if err := s.Start(); err != nil { // and again
		t.Fatal(err)
	}
	l = dial(t, s, stream.Legacy)
	l.send(`{"type":"connection_init"}`)
	l.want(`{"type":"connection_ack"}`)
}
