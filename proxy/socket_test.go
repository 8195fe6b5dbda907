package proxy

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// speaker is a client over a WebSocket.
type speaker struct {
	t    *testing.T
	conn *websocket.Conn
}

// dial connects, with the headers of a handshake.
func (n *newsroom) dial(header ...string) (*speaker, *http.Response, error) {
	n.t.Helper()
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	ctx, cancel := context.WithTimeout(n.t.Context(), 20*time.Second)
	defer cancel()
	conn, answer, err := websocket.Dial(ctx, "ws://"+n.address+"/graphql", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{}}, HTTPHeader: h, Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		return nil, answer, err
	}
	conn.SetReadLimit(16 << 20)
	n.t.Cleanup(func() { _ = conn.CloseNow() })
	return &speaker{n.t, conn}, answer, nil
}

// talk connects and is acknowledged; init is the payload.
func (n *newsroom) talk(init string, header ...string) *speaker {
	n.t.Helper()
	c, _, err := n.dial(header...)
	if err != nil {
		n.t.Fatal(err)
	}
	c.say(`{"type":"connection_init","payload":` + init + `}`)
	c.expect(`{"type":"connection_ack"}`)
	return c
}

func (c *speaker) say(text string) {
	c.t.Helper()
	if err := c.conn.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *speaker) subscribe(id, query string) {
	c.t.Helper()
	c.say(fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":{"query":%q}}`, id, query))
}

// read returns the next message.
func (c *speaker) read() (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	_, text, err := c.conn.Read(ctx)
	return string(text), err
}

func (c *speaker) expect(want string) {
	c.t.Helper()
	if text, err := c.read(); err != nil || text != want {
		c.t.Fatalf("%s %v, want %s", text, err, want)
	}
}

const saleAnswer = `{"data":{"sold":{"id":"7","name":"Weir"}}}`

func next(id, payload string) string {
	return `{"type":"next","id":"` + id + `","payload":` + payload + `}`
}

func complete(id string) string { return `{"type":"complete","id":"` + id + `"}` }

// Over one socket go subscriptions, which share their upstream with those of event streams, queries, mutations and refusals; nothing is left when its
// client goes, in order or not.
func TestOperationsOverASocket(t *testing.T) {
	n := newNewsroom(t, nil)
	c, stream := n.talk(`{}`, "x-user", "a"), n.subscribe(sold, "x-user", "a")
	c.subscribe("1", sold)
	up := n.arrive()
	eventually(t, "both", func() bool { return n.metric("weir_subscriptions") == 2 })
	if n.metric("weir_subscription_upstreams") != 1 || up.header.Get("X-User") != "a" {
		t.Error(n.metric("weir_subscription_upstreams"), up.header)
	}
	up.next(sale)
	stream.expect(saleTold)
	c.expect(next("1", saleAnswer))
	c.subscribe("2", `{ __typename }`)
	c.expect(next("2", `{"data":{"__typename":"Query"}}`))
	c.expect(complete("2"))
	c.subscribe("2", `{ other }`) // the id is free again
	if text, err := c.read(); err != nil || !strings.HasPrefix(text, `{"type":"error","id":"2","payload":[{"message":`) || !strings.Contains(text, "GRAPHQL_VALIDATION_FAILED") {
		t.Error(text, err)
	}
	c.subscribe("3", `subscription { guarded }`) // nothing that this client may have
	if text, err := c.read(); err != nil || !strings.HasPrefix(text, `{"type":"next","id":"3","payload":{"data":{"guarded":null},"errors":[`) {
		t.Error(text, err)
	}
	c.expect(complete("3"))
	c.say(`{"id":"4","type":"subscribe","payload":{"query":"subscription S($v: Int) { sold(at: $v) { id } }","variables":{"v":"x"}}}`)
	if text, err := c.read(); err != nil || !strings.Contains(text, `{"type":"error","id":"4","payload":[`) || !strings.Contains(text, "BAD_USER_INPUT") {
		t.Error(text, err)
	}
	c.say(`{"id":"1","type":"complete"}`)
	eventually(t, "one left", func() bool { return n.metric("weir_subscriptions") == 1 })
	c.say(`{"type":"ping","payload":{"a":1}}`)
	c.expect(`{"type":"pong","payload":{"a":1}}`)
	stream.leave()
	up.ended()
	for name, leave := range map[string]func(*speaker){
		"in order": func(c *speaker) { _ = c.conn.Close(websocket.StatusNormalClosure, "") },
		"killed":   func(c *speaker) { _ = c.conn.CloseNow() },
	} {
		c := n.talk(`{}`)
		c.subscribe("1", sold)
		up := n.arrive()
		leave(c)
		up.ended()
		eventually(t, name, func() bool {
			return n.metric("weir_subscriptions")+n.metric("weir_subscription_upstreams") == 0 && n.metric("weir_sockets") == 1
		})
	}
	if n.metric("weir_sockets_total") != 3 || n.metric(`weir_sockets_closed_total{code="1000"}`) != 1 || n.metric("weir_socket_operations_total") != 7 {
		t.Error(n.metric("weir_sockets_total"), n.metric(`weir_sockets_closed_total{code="1000"}`), n.metric("weir_socket_operations_total"))
	}
}

// However a subscription ends, its client is told why; where the sidecar leaves, the close says so, for clients connect again then by themselves.
func TestEndsOfSubscriptionsOverASocket(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(n *newsroom, up *upstreamed)
		want string // empty: 1001
	}{
		"complete": {func(_ *newsroom, up *upstreamed) { up.say(`{"id":"1","type":"complete"}`) }, complete("1")},
		"lost":     {func(_ *newsroom, up *upstreamed) { _ = up.conn.CloseNow() }, "subscription.lost"},
		"changed":  {func(n *newsroom, _ *upstreamed) { replace(n.t, n.file, n.text+"\n") }, "subscription.changed"},
		"draining": {func(n *newsroom, _ *upstreamed) { go func() { _ = n.stop() }() }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNewsroom(t, nil)
			r := n.talk(`{}`)
			r.subscribe("1", sold)
			up := n.arrive()
			up.next(sale)
			r.expect(next("1", saleAnswer))
			c.end(n, up)
			text, err := r.read()
			switch {
			case c.want == "" && websocket.CloseStatus(err) != websocket.StatusGoingAway:
				t.Fatal(text, err)
			case !strings.Contains(text, c.want), strings.Contains(c.want, ".") && !strings.HasPrefix(text, `{"type":"error","id":"1","payload":[{"message":`):
				t.Fatal(text, err)
			}
			up.ended()
		})
	}
}

// What a client does not take is not kept: its subscription falls behind and is ended as one that is slow, and the others get all.
func TestASlowSocketIsLeftBehind(t *testing.T) {
	n := newNewsroom(t, func(f *config.File) { f.Supergraph.Subscriptions.Queue = 2 })
	slow, quick := n.talk(`{}`), n.talk(`{}`)
	slow.subscribe("1", sold)
	quick.subscribe("1", sold)
	up := n.arrive()
	eventually(t, "both", func() bool { return n.metric("weir_subscriptions") == 2 })
	event := fmt.Sprintf(`{"data":{"sold":{"__typename":"Product","id":"%s"}}}`, strings.Repeat("7", 900<<10))
	for told := 0; n.metric("weir_subscription_slow_total") == 0; told++ {
		if told > 100 {
			t.Fatal("the slow one is not left behind")
		}
		up.next(event)
		if text, err := quick.read(); err != nil || !strings.HasSuffix(text, `"name":"Weir"}}}}`) {
			t.Fatal(err)
		}
	}
	for text := ""; !strings.Contains(text, "subscription.slow"); {
		var err error
		if text, err = slow.read(); err != nil {
			t.Fatal(err)
		}
	}
	slow.subscribe("1", `{ __typename }`)
	slow.expect(next("1", `{"data":{"__typename":"Query"}}`))
}

// A client that takes nothing for as long as a write may last is cut off, and nothing of it is left.
func TestADeadSocketIsCutOff(t *testing.T) {
	n := newNewsroom(t, func(f *config.File) { f.Policy.Deadlines.Write, f.Supergraph.Subscriptions.Queue = "300ms", 100 })
	dead := n.talk(`{}`)
	dead.subscribe("1", sold)
	up := n.arrive()
	event := fmt.Sprintf(`{"data":{"sold":{"__typename":"Product","id":"%s"}}}`, strings.Repeat("7", 900<<10))
	for range 50 {
		up.next(event)
	}
	eventually(t, "it is cut off", func() bool { return n.metric("weir_sockets")+n.metric("weir_subscription_upstreams") == 0 })
	if n.metric(`weir_sockets_lost_total{reason="slow"}`) != 1 {
		t.Error(n.metric(`weir_sockets_lost_total{reason="slow"}`))
	}
}

func TestHandshakes(t *testing.T) {
	n := newNewsroom(t, func(f *config.File) { f.Supergraph.WebSocket.Origins = config.List{"*.Shop.example"} })
	for _, c := range []struct {
		name   string
		header []string
		code   string // empty: it is taken
	}{
		{"from nowhere", []string{"Cookie", "a=b"}, ""},
		{"another site's page without credentials", []string{"Origin", "https://evil.example"}, ""},
		{"another site's page with cookies", []string{"Origin", "https://evil.example", "Cookie", "a=b"}, "socket.origin"},
		{"another site's page with Authorization", []string{"Origin", "https://evil.example", "Authorization", "Basic YTpi"}, "socket.origin"},
		{"a page without a site", []string{"Origin", "null", "Cookie", "a=b"}, "socket.origin"},
		{"the own page", []string{"Origin", "http://" + n.address, "Cookie", "a=b"}, ""},
		{"a page that is listed", []string{"Origin", "https://www.shop.example", "Cookie", "a=b"}, ""},
		{"a wrong version", []string{"Sec-WebSocket-Version", "12"}, "socket.handshake"},
		{"another protocol", []string{"Sec-WebSocket-Protocol", "graphql-ws"}, "socket.protocol"},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.address+"/graphql", http.NoBody)
		for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "chat, graphql-transport-ws"} {
			request.Header.Set(k, v)
		}
		for i := 0; i < len(c.header); i += 2 {
			request.Header.Set(c.header[i], c.header[i+1])
		}
		transport := &http.Transport{}
		answer, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); c.code != answer.Header.Get("Weir-Error") || (c.code == "") != (answer.StatusCode == http.StatusSwitchingProtocols) {
			t.Errorf("%s: %d %s, want %s", c.name, answer.StatusCode, answer.Header.Get("Weir-Error"), c.code)
		}
		transport.CloseIdleConnections()
	}
	off := newNewsroom(t, func(f *config.File) { f.Supergraph.WebSocket.Mode = "off" })
	if _, answer, err := off.dial(); err == nil || answer.StatusCode != http.StatusNotFound {
		t.Error(err)
	}
}

// The payload of connection_init may set the headers that are listed and no others, and what it sets is what a header would be: the token of
// subscriptions, which end with it, and what goes on to subgraphs.
func TestHeadersOfConnectionInit(t *testing.T) {
	i := newIssuer(t)
	keys := httptest.NewServer(i)
	t.Cleanup(keys.Close)
	n := newNewsroom(t, func(f *config.File) {
		f.Policy.Scope.JWT = &scope.JWT{JWKSURL: keys.URL, Algorithms: []string{"ES256"}, Issuer: "issuer", Audience: "shop", Class: "user", Claim: "sub"}
		f.Policy.Scope.Header = &scope.Header{Name: "x-vouched", Class: "user", VouchedBy: &scope.Vouched{Networks: []string{"10.0.0.0/8"}}}
		f.Supergraph.WebSocket.Headers = config.List{"Authorization", "x-user", "x-odd", "x-vouched"}
		f.Supergraph.Headers.Propagate = config.List{"x-*", "authorization"}
	})
	var c *speaker
	var up *upstreamed
	token := i.token(jwt.MapClaims{"exp": time.Now().Add(5 * time.Second).Unix()})
	eventually(t, "a subscription with a token, for which the keys have to be there", func() bool {
		c = n.talk(`{"authorization":"`+token+`","headers":{"X-User":"b","x-other":"c","x-vouched":"d"},"x-odd":"e\r\nx-evil: f"}`, "x-user", "a")
		c.subscribe("1", `subscription { guarded }`)
		select {
		case up = <-n.arrived:
			return true
		case <-time.After(200 * time.Millisecond):
			_ = c.conn.CloseNow()
			return false
		}
	})
	h := up.header
	if len(h.Values("X-User")) != 1 || h.Get("X-User") != "b" || h.Get("Authorization") != token || h.Get("X-Other")+h.Get("X-Vouched")+h.Get("X-Odd")+h.Get("X-Evil") != "" {
		t.Error(h)
	}
	up.next(`{"data":{"guarded":1}}`)
	c.expect(next("1", `{"data":{"guarded":1}}`))
	if text, err := c.read(); err != nil || !strings.Contains(text, `"code":"subscription.expired"`) {
		t.Error(text, err)
	}
	up.ended()
}
