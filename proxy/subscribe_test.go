package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// news is what subgraph A tells of products whose names B knows.
const news = `
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
	@link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY) { query: Query subscription: Subscription }
directive @join__field(graph: join__Graph, requires: join__FieldSet) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | INTERFACE
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "{a}") B @join__graph(name: "b", url: "{b}") }
type Query @join__type(graph: A) @join__type(graph: B) { n: Int @join__field(graph: A) }
type Subscription @join__type(graph: A) { sold(at: Int): Product @join__field(graph: A) guarded: Int @join__field(graph: A) @authenticated }
type Product @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String @join__field(graph: B) }`

// upstreamed is a subscription that has reached a subgraph.
type upstreamed struct {
	t       *testing.T
	conn    *websocket.Conn
	payload string
	init    string // payload of connection_init
	header  http.Header
}

func (u *upstreamed) say(text string) {
	u.t.Helper()
	if err := u.conn.Write(u.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		u.t.Error(err)
	}
}

func (u *upstreamed) next(payload string) {
	u.say(`{"id":"1","type":"next","payload":` + payload + `}`)
}

// ended waits until the sidecar has taken leave.
func (u *upstreamed) ended() {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := u.conn.Read(ctx); err != nil {
			if ctx.Err() != nil {
				u.t.Error("the upstream is still open")
			}
			return
		}
	}
}

// newsroom is a sidecar over subgraphs that tell news.
type newsroom struct {
	*rig
	file, text string
	arrived    chan *upstreamed
	traces     chan string // traceparent of each request that subgraph B got
}

func newNewsroom(t *testing.T, edit func(*config.File)) *newsroom {
	t.Helper()
	n := &newsroom{arrived: make(chan *upstreamed, 10), traces: make(chan string, 10_000)}
	a := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}})
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = conn.CloseNow() })
		u := &upstreamed{t: t, conn: conn, header: r.Header}
		for _, want := range []string{"connection_init", "subscribe"} {
			var m struct {
				Type    string
				Payload json.RawMessage
			}
			_, b, err := conn.Read(t.Context())
			if err != nil || json.Unmarshal(b, &m) != nil || m.Type != want {
				return
			}
			if want == "connection_init" {
				u.init = string(m.Payload)
				u.say(`{"type":"connection_ack"}`)
			}
			u.payload = string(m.Payload)
		}
		n.arrived <- u
	}))
	t.Cleanup(a.Close)
	b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), "_entities") {
			t.Errorf("b was asked %s", body)
		}
		n.traces <- r.Header.Get("Traceparent")
		_, _ = io.WriteString(w, `{"data":{"_entities":[{"__typename":"Product","name":"Weir"}]}}`)
	}))
	t.Cleanup(b.Close)
	n.text = strings.NewReplacer("{a}", a.URL, "{b}", b.URL).Replace(news)
	n.file = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), n.text)
	n.rig = start(t, configuration(t, "", func(f *config.File) {
		f.Schema, f.Supergraph.File, f.Supergraph.Watch = "", n.file, "100ms"
		f.Supergraph.Headers.Propagate = config.List{"x-user"}
		if edit != nil {
			edit(f)
		}
	}))
	return n
}

// arrive waits for a subscription at the subgraph.
func (n *newsroom) arrive() *upstreamed {
	n.t.Helper()
	select {
	case u := <-n.arrived:
		return u
	case <-time.After(15 * time.Second):
		n.t.Fatal("no subscription reached the subgraph")
		return nil
	}
}

// reader is a client's subscription.
type reader struct {
	t      *testing.T
	answer *http.Response
	in     *bufio.Reader
	leave  context.CancelFunc
}

func (n *newsroom) subscribe(query string, header ...string) *reader {
	n.t.Helper()
	ctx, leave := context.WithTimeout(n.t.Context(), 20*time.Second)
	n.t.Cleanup(leave)
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+n.address+"/graphql", strings.NewReader(`{"query":"`+query+`"}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { answer.Body.Close() })
	return &reader{n.t, answer, bufio.NewReader(answer.Body), leave}
}

// expect reads the next event: of an answer its data, and of the last "complete".
func (r *reader) expect(want string) {
	r.t.Helper()
	var lines []string
	for {
		line, err := r.in.ReadString('\n')
		if err != nil {
			r.t.Fatalf("%q %v, want %s", lines, err, want)
		}
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			lines = append(lines, line)
			continue
		}
		if len(lines) == 1 && lines[0] == ":" {
			lines = nil
			continue
		}
		break
	}
	text := strings.Join(lines, "\n")
	if want == "complete" && text != "event: complete\ndata:" || want != "complete" && !strings.Contains(text, want) {
		r.t.Fatalf("%q, want %s", text, want)
	}
}

// over reads the end of the stream.
func (r *reader) over() {
	r.t.Helper()
	r.expect("complete")
	if rest, err := io.ReadAll(r.in); err != nil || len(rest) > 0 {
		r.t.Errorf("%q %v behind the end", rest, err)
	}
}

const (
	sold     = `subscription { sold { id name } }`
	sale     = `{"data":{"sold":{"__typename":"Product","id":"7"}}}`
	saleTold = `event: next` + "\n" + `data: {"data":{"sold":{"id":"7","name":"Weir"}}}`
)

// Clients that ask the same share one upstream, each event is completed from the other subgraph, and the upstream ends with the last client.
func TestSubscriptions(t *testing.T) {
	n := newNewsroom(t, func(f *config.File) { f.Supergraph.Subscriptions.KeepAlive = "100ms" })
	one, two := n.subscribe(sold, "x-user", "a"), n.subscribe(sold, "x-user", "a", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if h := one.answer.Header; h.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Error(h)
	}
	up := n.arrive()
	eventually(t, "both", func() bool { return n.metric("weir_subscriptions") == 2 })
	if !strings.Contains(up.payload, "sold") || strings.Contains(up.payload, "name}") || up.header.Get("X-User") != "a" || n.metric("weir_subscription_upstreams") != 1 {
		t.Errorf("%s %v", up.payload, up.header)
	}
	up.next(sale)
	one.expect(saleTold)
	two.expect(saleTold)
	if line, err := one.in.ReadString('\n'); err != nil || line != ":\n" { // a sign of life
		t.Errorf("%q %v", line, err)
	}
	_, _ = one.in.ReadString('\n')
	other := n.subscribe(sold, "x-user", "b")
	otherUp := n.arrive() // another user's answers are another's
	otherUp.say(`{"id":"1","type":"error","payload":[{"message":"no","path":["sold"]}]}`)
	other.expect(`data: {"data":{"sold":null},"errors":[{"message":"no","path":["sold"],"extensions":{"serviceName":"a"}}]}`)
	other.over()
	one.leave()
	eventually(t, "one left", func() bool { return n.metric(`weir_subscriptions_ended_total{reason="left"}`) == 1 })
	up.next(sale)
	two.expect(saleTold)
	two.leave()
	up.ended()
	eventually(t, "none is open", func() bool { return n.metric("weir_subscriptions")+n.metric("weir_subscription_upstreams") == 0 })
	if n.metric("weir_subscription_events_total") != 4 || n.metric("weir_subscriptions_total") != 3 || n.metric(`weir_subscriptions_ended_total{reason="refused"}`) != 1 {
		t.Error(n.metric("weir_subscription_events_total"), n.metric("weir_subscriptions_total"))
	}
}

// However a subscription ends, its client is told why.
func TestEndsOfSubscriptions(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(n *newsroom, up *upstreamed)
		code string // empty: none
	}{
		"complete": {func(_ *newsroom, up *upstreamed) { up.say(`{"id":"1","type":"complete"}`) }, ""},
		"lost":     {func(_ *newsroom, up *upstreamed) { _ = up.conn.CloseNow() }, "subscription.lost"},
		"changed":  {func(n *newsroom, _ *upstreamed) { replace(n.t, n.file, n.text+"\n") }, "subscription.changed"},
		"draining": {func(n *newsroom, _ *upstreamed) { go func() { _ = n.stop() }() }, "draining"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNewsroom(t, nil)
			r := n.subscribe(sold)
			up := n.arrive()
			up.next(sale)
			r.expect(saleTold)
			c.end(n, up)
			if c.code != "" {
				r.expect(`"extensions":{"code":"` + c.code + `"}`)
			}
			r.over()
			up.ended()
		})
	}
}

// A client that does not read is left behind when its queue is full, the others get all, and it is told when it reads again.
func TestASlowReaderIsLeftBehind(t *testing.T) {
	n := newNewsroom(t, func(f *config.File) { f.Supergraph.Subscriptions.Queue = 2 })
	slow, quick := n.subscribe(sold), n.subscribe(sold)
	up := n.arrive()
	eventually(t, "both", func() bool { return n.metric("weir_subscriptions") == 2 })
	event := fmt.Sprintf(`{"data":{"sold":{"__typename":"Product","id":"%s"}}}`, strings.Repeat("7", 900<<10))
	told := 0
	for n.metric("weir_subscription_slow_total") == 0 {
		if told++; told > 100 {
			t.Fatal("the slow one is not left behind")
		}
		up.next(event)
		quick.expect(`"name":"Weir"`)
	}
	up.next(sale)
	quick.expect(saleTold)
	for line := ""; !strings.Contains(line, "subscription.slow"); {
		var err error
		if line, err = slow.in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = slow.in.ReadString('\n')
	slow.over()
}

func TestRefusedSubscriptions(t *testing.T) {
	n := newNewsroom(t, func(f *config.File) { f.Supergraph.Subscriptions.Max = 1 })
	for _, c := range []struct{ accept, query, want string }{
		{"application/json", sold, "subscription.media"},
		{"text/event-stream", `subscription { other }`, "GRAPHQL_VALIDATION_FAILED"},
		{"text/event-stream", `subscription { guarded }`, "UNAUTHORIZED_FIELD_OR_TYPE"},
	} {
		r := n.subscribe(c.query, "Accept", c.accept)
		if text, err := io.ReadAll(r.in); err != nil || !strings.Contains(string(text), c.want) {
			t.Errorf("%s %v, want %s", text, err, c.want)
		}
	}
	n.subscribe(sold)
	n.arrive()
	r := n.subscribe(sold)
	if r.answer.StatusCode != http.StatusServiceUnavailable || r.answer.Header.Get("Weir-Error") != "subscription.limit" || r.answer.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", r.answer.StatusCode, r.answer.Header)
	}
}

// A subscription goes by the rights of its client's token, and ends with it.
func TestASubscriptionEndsWithItsToken(t *testing.T) {
	i := newIssuer(t)
	keys := httptest.NewServer(i)
	t.Cleanup(keys.Close)
	n := newNewsroom(t, func(f *config.File) {
		f.Policy.Scope.JWT = &scope.JWT{JWKSURL: keys.URL, Algorithms: []string{"ES256"}, Issuer: "issuer", Audience: "shop", Class: "user", Claim: "sub"}
	})
	n.keyed(1)
	r := n.subscribe(`subscription { guarded }`, "Authorization", i.token(jwt.MapClaims{"exp": time.Now().Add(4 * time.Second).Unix()}))
	up := n.arrive()
	up.next(`{"data":{"guarded":1}}`)
	r.expect(`{"data":{"guarded":1}}`)
	r.expect(`"code":"subscription.expired"`)
	r.over()
	up.ended()
}
