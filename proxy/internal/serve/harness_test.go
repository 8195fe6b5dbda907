package serve

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/listen"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sdl = `
type Book @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! title: String }
type Query { book(id: ID!): Book  books: [Book!] @cacheControl(maxAge: 60)  now: String }
type Mutation { setBook(id: ID!, title: String): Book }
`

// rig is a sidecar in this process in front of an origin.
type rig struct {
	t       testing.TB
	server  *Server
	store   *cache.Store
	line    *line.Line
	wrap    func(Stages) Stages // nil: the line itself
	policy  policy.Policy       // change before start
	config  Config
	listen  func(listen.Listener) listen.Listener // nil: as it is
	memory  int64                                 // of the cache; 0: its default
	at      string                                // where it listens; empty: a port of loopback
	address string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	schema, err := planner.ParseSchema("schema.graphql", sdl)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, policy: policy.Policy{
		Service: "test", Paths: [][]byte{[]byte("/graphql")}, MaxBody: 1 << 20, MaxBatch: 10, BatchMode: policy.Enforce,
		InspectWait: 5 * time.Second, Plans: planner.NewCache(planner.CacheConfig{Schema: schema}),
		Breaker: policy.Breaker{Mode: policy.Observe, Rules: breaker.Rules{Window: 10 * time.Second, Requests: 20, Ratio: 0.5, Open: 5 * time.Second}},
		Cache: policy.Cache{
			Enabled: true, UpstreamHeaders: true, MaxTTL: time.Hour, AuthenticatedMax: 2 * time.Minute, StaleIfError: time.Hour,
			NegativeTTL: 10 * time.Second, HitForMiss: time.Minute, Collapse: 5 * time.Second, MaxEntry: 1 << 20,
		},
	}}
	r.config = Config{Dial: func(ctx context.Context, destination string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", destination)
	}}
	return r
}

// start runs the sidecar in front of the origin's address until the test ends.
func (r *rig) start(origin string) {
	t := r.t
	t.Helper()
	var err error
	if r.store, err = cache.Open(cache.Config{MaxBytes: r.memory}); err != nil {
		t.Fatal(err)
	}
	tel, err := telemetry.New(telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var background sync.WaitGroup
	background.Go(func() { _ = r.store.Run(ctx) })
	background.Go(func() { _ = tel.Run(ctx) })
	r.policy.Seal()
	current := func() *policy.Policy { return &r.policy }
	r.line = line.New(line.Config{Policy: current, Cache: r.store, Telemetry: tel})
	r.config.Line = r.line
	if r.wrap != nil {
		r.config.Line = r.wrap(r.line)
	}
	r.config.Policy = current
	r.server = New(r.config)
	l, err := listen.Open(cmp.Or(r.at, "127.0.0.1:0"), origin)
	if err != nil {
		t.Fatal(err)
	}
	r.address = l.Address()
	if r.listen != nil {
		l = r.listen(l)
	}
	background.Go(func() { _ = r.server.Serve(l) })
	t.Cleanup(func() {
		r.server.Close()
		cancel()
		background.Wait()
		closing, done := context.WithTimeout(context.Background(), time.Second)
		defer done()
		_ = tel.Close(closing)
		_ = r.store.Close()
	})
}

// origin is an HTTP service whose answers a test chooses.
type origin struct {
	server  *http.Server
	address string
	mu      sync.Mutex
	seen    []string // bodies, or targets of requests without one
	handle  func(w http.ResponseWriter, body string)
	opened  atomic.Int64 // connections
}

func startOrigin(t testing.TB, handle func(w http.ResponseWriter, body string)) *origin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{address: l.Addr().String(), handle: handle}
	o.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		if text == "" {
			text = r.RequestURI
		}
		o.mu.Lock()
		o.seen = append(o.seen, text)
		o.mu.Unlock()
		o.handle(w, text)
	}), ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			o.opened.Add(1)
		}
	}}
	done := make(chan struct{})
	go func() { defer close(done); _ = o.server.Serve(l) }()
	t.Cleanup(func() { o.server.Close(); <-done })
	return o
}

func (o *origin) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.seen)
}

// books answers queries for books with the current title.
func books(title func() string) func(w http.ResponseWriter, body string) {
	return func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Origin", "yes")
		field := "book"
		if strings.Contains(body, "setBook") {
			field = "setBook"
		}
		fmt.Fprintf(w, `{"data":{%q:{"__typename":"Book","id":"1","title":%q}}}`, field, title())
	}
}

// client is one connection that speaks HTTP by hand.
type client struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
}

func (r *rig) dial() *client { return dialTo(r.t, r.address) }

func dialTo(t testing.TB, address string) *client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t: t, c: c, r: bufio.NewReader(c)}
}

func (c *client) send(message string) {
	c.t.Helper()
	if _, err := io.WriteString(c.c, message); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) receive(method string) (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(body)
}

func (c *client) ended() bool {
	_, err := c.r.ReadByte()
	return err == io.EOF
}

func post(query string, headers ...string) string {
	body := `{"query":` + quote(query) + `}`
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String() + "\r\n" + body
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

func (c *client) ask(query string, headers ...string) (*http.Response, string) {
	c.t.Helper()
	c.send(post(query, headers...))
	return c.receive("POST")
}

const (
	bookQuery = `{ book(id: 1) { __typename id title } }`
	setBook   = `mutation { setBook(id: 1, title: "n") { __typename id title } }`
)

func isHit(r *http.Response) bool {
	return strings.HasPrefix(r.Header.Get("Cache-Status"), "weir; hit")
}

// startRaw runs an origin that sees to one connection after the other by hand, and closes it after. It returns its address.
func startRaw(t testing.TB, handle func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handle(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}
