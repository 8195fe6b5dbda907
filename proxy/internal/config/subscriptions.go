package config

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/weirproxy/weir/proxy/internal/forward"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Subscriptions bound the subscriptions to a supergraph.
type Subscriptions struct {
	Max       int    `yaml:"max" json:"max,omitempty" jsonschema:"description=Open at a time; more are refused with subscription.limit"`
	Queue     int    `yaml:"queue" json:"queue,omitempty" jsonschema:"description=Events that may wait for one client; one that is further behind is dropped"`
	MaxEvent  string `yaml:"max_event" json:"max_event,omitempty" jsonschema:"description=Size of an event of a subgraph; a larger one ends its subscription"`
	KeepAlive string `yaml:"keep_alive" json:"keep_alive,omitempty" jsonschema:"description=A client that had no event for so long gets a sign of life"`
}

// WebSocket says how clients speak to a supergraph over WebSockets.
type WebSocket struct {
	Mode       string `yaml:"mode" json:"mode,omitempty" jsonschema:"enum=on,enum=off,description=on: a WebSocket at the GraphQL path speaks graphql-transport-ws\\, for subscriptions and queries and mutations"`
	Init       string `yaml:"init_timeout" json:"init_timeout,omitempty" jsonschema:"description=A client that has not sent connection_init by then is closed with 4408"`
	Headers    List   `yaml:"init_headers" json:"init_headers,omitempty" jsonschema:"description=Headers that the payload of connection_init may set for the operations of its connection\\, at its top or under headers"`
	Operations int    `yaml:"operations" json:"operations,omitempty" jsonschema:"description=Of one connection that are under way at a time; more are answered with socket.operations"`
	Defer      string `yaml:"defer" json:"defer,omitempty" jsonschema:"enum=off,enum=deferSpec=20220824,enum=incrementalSpec=v0.2,description=How what @defer names is answered: as messages of their own in one of the two formats of clients; off: in the one answer"`
	Origins    List   `yaml:"origins" json:"origins,omitempty" jsonschema:"description=Hosts of pages\\, such as shop.example or *.shop.example\\, whose browsers may connect with cookies or Authorization; pages of the sidecar's own host may"`
}

// Events say how one subgraph is subscribed to.
type Events struct {
	Protocol  string `yaml:"protocol" json:"protocol,omitempty" jsonschema:"enum=ws,enum=sse,description=ws: graphql-transport-ws; sse: GraphQL over SSE in distinct connections mode; default: ws"`
	URL       string `yaml:"url" json:"url,omitempty" jsonschema:"description=Where; default: the subgraph's address"`
	Path      string `yaml:"path" json:"path,omitempty" jsonschema:"description=In place of the path of the subgraph's address"`
	Init      string `yaml:"init_payload" json:"init_payload,omitempty" jsonschema:"enum=none,enum=client,description=Of connection_init at the subgraph. client: what the client's own connection_init has; default: none"`
	KeepAlive string `yaml:"keep_alive" json:"keep_alive,omitempty" jsonschema:"description=Between pings; a subgraph that does not answer one for as long is lost"`
}

func defaultSubscriptions() Subscriptions {
	return Subscriptions{Max: 10_000, Queue: 64, MaxEvent: "1MiB", KeepAlive: "12s"}
}

func defaultWebSocket() WebSocket {
	return WebSocket{Mode: "on", Init: "10s", Headers: List{"authorization"}, Operations: 100, Defer: "off"}
}

func (w *WebSocket) compile(d *document) (out policy.Sockets) {
	const at = "supergraph.websocket."
	switch w.Mode {
	case "on", "off":
		out.On = w.Mode == "on"
	default:
		d.addf(at+"mode", "%q is not one of on, off", w.Mode)
	}
	switch w.Defer {
	case "off":
	case "deferSpec=20220824", "incrementalSpec=v0.2":
		out.Defer = w.Defer
	default:
		d.addf(at+"defer", "%q is not one of off, deferSpec=20220824, incrementalSpec=v0.2", w.Defer)
	}
	out.Init = duration(d, at+"init_timeout", w.Init, 10*time.Millisecond, time.Hour)
	between(d, at+"operations", w.Operations, 1, 100_000)
	out.Operations = w.Operations
	out.Headers = headerNames(w.Headers)
	for i, n := range out.Headers {
		where := fmt.Sprintf("%sinit_headers[%d]", at, i)
		switch {
		case n == "" || strings.ContainsAny(n, "*: \t\r\n"):
			d.addf(where, "%q is no header name; write each by its whole name", w.Headers[i])
		case n == "cookie" || wire.IsSteering([]byte(n)) || forward.Own(n) && n != "traceparent" && n != "tracestate":
			d.addf(where, "%s is no header that the payload of a message may set; remove it", n)
		}
	}
	for i, text := range w.Origins {
		pattern := strings.ToLower(text)
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" || strings.Contains(pattern, "/") {
			d.addf(fmt.Sprintf("%sorigins[%d]", at, i), "%q is no host; write for instance shop.example, *.shop.example or localhost:3000", text)
		}
		out.Origins = append(out.Origins, pattern)
	}
	return out
}

// Subscribing is the same in machine form.
type Subscribing struct {
	Max, Queue int
	MaxEvent   int64 // bytes
	Beat       time.Duration
}

// EventsValues are Events in machine form.
type EventsValues struct {
	Init      bool          // with the payload of the client's connection_init
	Stream    bool          // over an event stream, not a WebSocket
	URL, Path string        // one at most
	Beat      time.Duration // 0: the default
}

func (s *Subscriptions) compile(d *document) Subscribing {
	between(d, "supergraph.subscriptions.max", s.Max, 1, 1_000_000)
	between(d, "supergraph.subscriptions.queue", s.Queue, 1, 100_000)
	return Subscribing{
		Max: s.Max, Queue: s.Queue, MaxEvent: size(d, "supergraph.subscriptions.max_event", s.MaxEvent, 1<<10, 1<<30),
		Beat: duration(d, "supergraph.subscriptions.keep_alive", s.KeepAlive, 100*time.Millisecond, time.Hour),
	}
}

func (e *Events) compile(d *document, at string) EventsValues {
	v := EventsValues{URL: e.URL, Path: e.Path, Stream: e.Protocol == "sse", Init: e.Init == "client"}
	schemes, example := " ws wss http https ", "ws://HOST:PORT/PATH or wss://HOST:PORT/PATH"
	switch e.Protocol {
	case "", "ws":
	case "sse":
		schemes, example = " http https ", "http://HOST:PORT/PATH or https://HOST:PORT/PATH"
	default:
		d.addf(at+".protocol", "%q is not one of ws, sse", e.Protocol)
	}
	switch {
	case e.Init != "" && e.Init != "none" && e.Init != "client":
		d.addf(at+".init_payload", "%q is not one of none, client", e.Init)
	case v.Init && v.Stream:
		d.addf(at+".init_payload", "an event stream has no connection_init; pass headers on by headers.propagate, or write protocol: ws")
	}
	if e.KeepAlive != "" && v.Stream {
		d.addf(at+".keep_alive", "an event stream has no pings; remove it")
	}
	if u, err := url.Parse(e.URL); e.URL != "" && (err != nil || u.Host == "" || !strings.Contains(schemes, " "+u.Scheme+" ")) {
		d.addf(at+".url", "%q is no address of subscriptions; write %s", e.URL, example)
	}
	if e.Path != "" && !strings.HasPrefix(e.Path, "/") {
		d.addf(at+".path", "%q is no path; write /PATH", e.Path)
	}
	if e.URL != "" && e.Path != "" {
		d.addf(at+".path", "url has a path already; keep one of the two")
	}
	if e.KeepAlive != "" {
		v.Beat = duration(d, at+".keep_alive", e.KeepAlive, 100*time.Millisecond, time.Hour)
	}
	return v
}

// Address returns where a subgraph is subscribed to whose own address is subgraph.
func (v *EventsValues) Address(subgraph string) string {
	if v.URL != "" {
		return v.URL
	}
	if u, err := url.Parse(subgraph); err == nil && v.Path != "" {
		u.Path, u.RawPath, u.RawQuery = "", "", ""
		return u.String() + v.Path
	}
	return subgraph
}
