package socket

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// script is an operator that goes by the query of an operation.
type script struct {
	begun   chan string
	ended   chan string // operations whose context has ended
	release chan struct{}
}

func (s *script) Begin(payload []byte) { s.begun <- string(payload) }

func (s *script) Operate(ctx context.Context, payload []byte, o *Operation) {
	switch {
	case strings.Contains(string(payload), "once"):
		_ = o.Next([]byte(`{"data":1}`))
		_ = o.Complete()
		_ = o.Next([]byte(`{"data":"behind the end"}`)) // which nobody gets
	case strings.Contains(string(payload), "wrong"):
		_ = o.Error([]byte(`[{"message":"no"}]`))
	case strings.Contains(string(payload), "silent"):
	case strings.Contains(string(payload), "slow"):
		<-s.release
		_ = o.Next([]byte(`{"data":2}`))
		_ = o.Complete()
	default:
		_ = o.Next([]byte(`{"data":0}`))
		<-ctx.Done()
		s.ended <- o.name
		_ = o.Next([]byte(`{"data":"behind the end"}`))
	}
}

// bed is a client with its socket.
type bed struct {
	t      *testing.T
	client *websocket.Conn
	ops    *script
	end    context.CancelFunc // cuts all off
	ending chan struct{}
	served chan struct{} // closed when nothing is left
	pings  chan struct{} // that the client got
	count  Counters
}

func newBed(t *testing.T, edit func(*Config)) *bed {
	t.Helper()
	cfg := Config{Init: time.Minute, Write: time.Minute, Beat: time.Minute, Operations: 3, MaxMessage: 1000, Surplus: []byte(`[{"message":"full"}]`)}
	if edit != nil {
		edit(&cfg)
	}
	b := &bed{t: t, ops: &script{make(chan string, 9), make(chan string, 9), make(chan struct{})}, ending: make(chan struct{}), served: make(chan struct{}), pings: make(chan struct{}, 1)}
	ctx, end := context.WithCancel(context.Background())
	b.end = end
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(b.served)
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Protocol}})
		if err != nil {
			t.Error(err)
			return
		}
		Serve(ctx, conn, &cfg, b.ops, b.ending, &b.count)
	}))
	client := &http.Client{Transport: &http.Transport{}}
	pinged := func(context.Context, []byte) bool {
		select {
		case b.pings <- struct{}{}:
		default:
		}
		return true
	}
	conn, _, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{Subprotocols: []string{Protocol}, HTTPClient: client, OnPingReceived: pinged})
	if err != nil {
		t.Fatal(err)
	}
	b.client = conn
	t.Cleanup(func() {
		_ = conn.CloseNow()
		<-b.served
		end()
		s.Close()
	})
	return b
}

func (b *bed) say(text string) {
	b.t.Helper()
	if err := b.client.Write(b.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		b.t.Fatal(err)
	}
}

// expect reads a message, or the close when want begins with "close".
func (b *bed) expect(want string) {
	b.t.Helper()
	_, text, err := b.client.Read(b.t.Context())
	got := string(text)
	if err != nil {
		got = "close " + websocket.CloseStatus(err).String()
	}
	if got != want {
		b.t.Fatalf("%s %v, want %s", got, err, want)
	}
}

const (
	hello = `{"type":"connection_init"}`
	ack   = `{"type":"connection_ack"}`
)

func sub(id, query string) string {
	return `{"id":"` + id + `","type":"subscribe","payload":{"query":"` + query + `"}}`
}

// Each row is a talk: what begins with > the client says, the rest it gets.
func TestProtocol(t *testing.T) {
	for name, talk := range map[string][]string{
		"an operation": {
			">" + hello, ack, ">" + sub("1", "once"), `{"type":"next","id":"1","payload":{"data":1}}`, `{"type":"complete","id":"1"}`,
			">" + sub("1", "wrong"), `{"type":"error","id":"1","payload":[{"message":"no"}]}`, ">" + sub("1", "once"), `{"type":"next","id":"1","payload":{"data":1}}`,
		},
		"pings at any time":         {`>{"type":"ping"}`, `{"type":"pong"}`, `>{"type":"pong"}`, ">" + hello, ack, `>{"type":"ping","payload":{"a":[1]}}`, `{"type":"pong","payload":{"a":[1]}}`},
		"an unknown id is complete": {">" + hello, ack, `>{"type":"complete","id":"9"}`, `>{"type":"ping"}`, `{"type":"pong"}`},
		"an id in escapes":          {">" + hello, ack, ">" + sub(`\"\u00e9`, "wrong"), `{"type":"error","id":"\"é","payload":[{"message":"no"}]}`},
		"no JSON":                   {">" + hello, ack, ">hello", "close StatusCode(4400)"},
		"a server's message":        {">" + hello, ack, `>{"type":"next","id":"1","payload":{}}`, "close StatusCode(4400)"},
		"subscribe before init":     {">" + sub("1", "once"), "close StatusCode(4401)"},
		"a second init":             {">" + hello, ack, ">" + hello, "close StatusCode(4429)"},
		"the same id":               {">" + hello, ack, ">" + sub("1", "on"), `{"type":"next","id":"1","payload":{"data":0}}`, ">" + sub("1", "once"), "close StatusCode(4409)"},
		"a message too big":         {">" + hello, ack, ">" + sub("1", strings.Repeat("x", 1000)), "close StatusMessageTooBig"},
		"complete before the same id": {
			">" + hello, ack, ">" + sub("1", "on"), `{"type":"next","id":"1","payload":{"data":0}}`, `>{"type":"complete","id":"1"}`, ">" + sub("1", "once"),
			`{"type":"next","id":"1","payload":{"data":1}}`, `{"type":"complete","id":"1"}`,
		},
		"too many": {
			">" + hello, ack, ">" + sub("1", "on"), `{"type":"next","id":"1","payload":{"data":0}}`, ">" + sub("2", "on"), `{"type":"next","id":"2","payload":{"data":0}}`,
			">" + sub("3", "on"), `{"type":"next","id":"3","payload":{"data":0}}`, ">" + sub("4", "once"), `{"type":"error","id":"4","payload":[{"message":"full"}]}`,
			`>{"type":"complete","id":"2"}`, ">" + sub("4", "once"), `{"type":"next","id":"4","payload":{"data":1}}`, `{"type":"complete","id":"4"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, nil)
			for _, text := range talk {
				if said, ok := strings.CutPrefix(text, ">"); ok {
					b.say(said)
				} else {
					b.expect(text)
				}
			}
		})
	}
}

func TestBinaryMessagesAreNone(t *testing.T) {
	b := newBed(t, nil)
	if err := b.client.Write(t.Context(), websocket.MessageBinary, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	b.expect("close StatusCode(4400)")
}

func TestInitIsAwaitedForSoLong(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Init = 20 * time.Millisecond })
	b.expect("close StatusCode(4408)")
	<-b.served
	if s := b.count.Stats(); s.Open != 0 || s.Opened != 1 || s.Closed["4408"] != 1 {
		t.Errorf("%+v", s)
	}
}

// A client that does not read does not answer pings.
func TestASilentClientIsCutOff(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Beat = 20 * time.Millisecond })
	b.say(hello)
	<-b.served
	if s := b.count.Stats(); s.Silent != 1 || s.Closed["1006"] != 1 {
		t.Errorf("%+v", s)
	}
}

// One that reads does, however long it says nothing.
func TestAClientThatReadsStays(t *testing.T) {
	b := newBed(t, func(c *Config) { c.Beat = 5 * time.Millisecond })
	b.say(hello)
	b.expect(ack)
	b.say(sub("1", "slow"))
	go func() {
		for range 5 {
			<-b.pings
		}
		close(b.ops.release)
	}()
	b.expect(`{"type":"next","id":"1","payload":{"data":2}}`)
}

// When the sidecar leaves, what is under way comes to its end, and the close says so.
func TestLeaving(t *testing.T) {
	b := newBed(t, nil)
	b.say(hello)
	b.expect(ack)
	b.say(sub("1", "slow"))
	b.say(`{"type":"ping"}`)
	b.expect(`{"type":"pong"}`)
	close(b.ending)
	close(b.ops.release)
	b.expect(`{"type":"next","id":"1","payload":{"data":2}}`)
	b.expect(`{"type":"complete","id":"1"}`)
	b.expect("close StatusGoingAway")
	<-b.served
	if s := b.count.Stats(); s.Closed["1001"] != 1 || s.Operations != 1 {
		t.Errorf("%+v", s)
	}
}

// However the connection ends, its operations end with it.
func TestOperationsEndWithTheirConnection(t *testing.T) {
	for name, end := range map[string]func(*bed){
		"the client goes in order": func(b *bed) { _ = b.client.Close(websocket.StatusNormalClosure, "") },
		"the client is killed":     func(b *bed) { _ = b.client.CloseNow() },
		"all is cut off":           func(b *bed) { b.end() },
		"a broken rule":            func(b *bed) { b.say(hello); b.expect("close StatusCode(4429)") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, nil)
			b.say(hello)
			b.expect(ack)
			for _, id := range []string{"1", "2"} {
				b.say(sub(id, "on"))
				b.expect(`{"type":"next","id":"` + id + `","payload":{"data":0}}`)
			}
			end(b)
			<-b.served
			if one, two := <-b.ops.ended, <-b.ops.ended; one == two {
				t.Errorf("%s has ended twice", one)
			}
		})
	}
}

// What comes when the sidecar has begun to leave is not begun, however far it has come: as a message, or as an operation that is about to begin.
func TestNothingIsBegunWhileLeaving(t *testing.T) {
	ops, count := &script{begun: make(chan string, 9), ended: make(chan string, 9)}, &Counters{}
	s := &socket{cfg: &Config{Operations: 3}, ops: ops, count: count, ready: make(chan struct{}), open: map[string]*Operation{}, begun: true}
	s.leave()
	m := message{typ: typeSubscribe, id: "1", payload: []byte(`{"query":"on"}`)}
	s.obey(t.Context(), &m)
	s.obey(t.Context(), &message{typ: typePing})
	s.begin(t.Context(), &m)
	s.running.Wait()
	if n := count.Stats().Operations; n != 0 || len(s.open) != 0 || len(ops.ended) != 0 {
		t.Errorf("%d operations were begun, %d are open", n, len(s.open))
	}
}
