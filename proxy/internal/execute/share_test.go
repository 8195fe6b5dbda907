package execute

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/forward"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// slowShop is the shop over subgraphs that take a second to answer, and a minute for a query with slow in it.
type slowShop struct {
	mu    sync.Mutex
	asked int
	sg    *planner.Supergraph
	cfg   Config
	e     *Executor
	plans map[string]*planner.Plan
}

type slowConn struct {
	net.Conn
	shop *slowShop
	wait time.Duration
	rest []byte
}

func (c *slowConn) Write(b []byte) (int, error) {
	c.shop.mu.Lock()
	defer c.shop.mu.Unlock()
	c.shop.asked++
	body, wait := products, time.Second
	switch {
	case bytes.Contains(b, []byte("touch")):
		body = `{"data":{"touch":1}}`
	case bytes.Contains(b, []byte("change")):
		body = strings.Replace(products, "products", "change", 1)
	case bytes.Contains(b, []byte("_entities")):
		body = stocks
	case bytes.Contains(b, []byte("of")):
		body = `{"data":{"slow":1}}`
		wait = time.Minute
	}
	c.wait, c.rest = wait, fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return len(b), nil
}

func (c *slowConn) Read(b []byte) (int, error) {
	time.Sleep(c.wait)
	c.wait = 0
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (*slowConn) SetDeadline(time.Time) error { return nil }
func (*slowConn) Close() error                { return nil }

func newSlowShop(t *testing.T, share bool, propagate ...string) *slowShop {
	t.Helper()
	s := &slowShop{plans: map[string]*planner.Plan{}}
	sdl := strings.NewReplacer("{a}", "http://a", "{b}", "http://b", "{ query: Query }", "{ query: Query mutation: Mutation }",
		"{ products: [Product] @join__field(graph: A) }", `{
			products: [Product] @join__field(graph: A)
			slow(of: Int): Int @join__field(graph: A)
		}
		type Mutation @join__type(graph: A) {
			touch: Int
			change: [Product]
		}`).Replace(shop)
	var err error
	if s.sg, err = planner.LoadSupergraph("shop", sdl); err != nil {
		t.Fatal(err)
	}
	var clients []*subgraph.Client
	for _, g := range s.sg.Subgraphs() {
		c, err := subgraph.New(subgraph.Config{URL: g.URL, Share: share, Timeout: 10 * time.Minute, Dial: func(context.Context, string) (net.Conn, error) {
			return &slowConn{shop: s}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		clients = append(clients, c)
	}
	s.cfg = Config{
		Clients: clients, Total: 10 * time.Minute, Headers: forward.Compile(forward.TraceForward, forward.Rules{Propagate: propagate}, []forward.Rules{{}, {}}),
	}
	s.e = New(s.cfg)
	return s
}

// plan returns the one plan of a document.
func (s *slowShop) plan(query string) *planner.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plans[query] == nil {
		s.plans[query] = planner.Build(s.sg.Schema(), query, "", planner.Options{})
	}
	return s.plans[query]
}

// ask executes a query with variables for a client with header lines.
func (s *slowShop) ask(t *testing.T, query, variables string, lines ...string) (string, Stats) {
	return s.askFor(t, nil, query, variables, lines...)
}

func (s *slowShop) askFor(t *testing.T, leash *subgraph.Leash, query, variables string, lines ...string) (string, Stats) {
	p := s.plan(query)
	var v planner.Values
	if errs := p.Coerce([]byte(variables), &v); len(errs) > 0 {
		t.Error("the variables do not fit")
	}
	plan, err := p.Fetches(&v)
	if err != nil {
		t.Error(err)
		return "", Stats{}
	}
	h := new(wire.RequestHead)
	if h.Parse([]byte("POST / HTTP/1.1\r\nHost: a\r\n"+strings.Join(append(lines, ""), "\r\n")+"\r\n"), 1<<12) != wire.OK {
		t.Error(lines)
	}
	body, stats := s.e.Execute(t.Context(), &Request{Plan: plan, Values: &v, Head: h, Leash: leash}, nil)
	return string(body), stats
}

func TestWhatClientsAtTheSameTimeShare(t *testing.T) {
	type client struct{ query, variables, line string }
	slow := `query($of: Int) { slow(of: $of) }`
	touch, change := `mutation { touch }`, `mutation { change { stock } }`
	for _, c := range []struct {
		name      string
		alone     bool
		propagate string
		clients   []client
		asked     int
	}{
		{"the same", false, "", []client{{plain, "", ""}, {plain, "", ""}, {plain, "", ""}}, 2},
		{"the same, off", true, "", []client{{plain, "", ""}, {plain, "", ""}}, 4},
		{"traced", false, "*", []client{{plain, "", "traceparent: 1"}, {plain, "", "traceparent: 2"}}, 2},
		{"a part", false, "", []client{{plain, "", ""}, {`{ products { name } }`, "", ""}, {`{ products { stock } }`, "", ""}}, 4},
		{"credentials that go on", false, "authorization", []client{{plain, "", "authorization: ann"}, {plain, "", "authorization: bob"}}, 4},
		{"none and some", false, "authorization", []client{{plain, "", ""}, {plain, "", "authorization: bob"}}, 4},
		{"credentials that do not", false, "", []client{{plain, "", "authorization: ann"}, {plain, "", "authorization: bob"}}, 2},
		{"variables", false, "", []client{{slow, `{"of":1}`, ""}, {slow, `{"of":2}`, ""}, {slow, `{"of":1}`, ""}, {slow, `{}`, ""}}, 3},
		{"mutations", false, "", []client{{touch, "", ""}, {touch, "", ""}}, 2},
		{"what mutations need of others", false, "", []client{{change, "", ""}, {change, "", ""}}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlowShop(t, !c.alone, strings.Fields(c.propagate)...)
				var all sync.WaitGroup
				var mu sync.Mutex
				var sum Stats
				for _, k := range c.clients {
					all.Go(func() {
						_, stats := s.ask(t, k.query, k.variables, strings.Fields(strings.ReplaceAll(k.line, ": ", ":"))...)
						mu.Lock()
						defer mu.Unlock()
						sum.Fetches += stats.Fetches
						sum.Errors += stats.Errors
					})
				}
				all.Wait()
				if s.asked != c.asked || sum.Fetches != c.asked || sum.Errors > 0 {
					t.Errorf("asked %d times, want %d; %+v", s.asked, c.asked, sum)
				}
			})
		})
	}
}

// What was asked before a mutation was answered may be of before it.
func TestWhatIsAskedAfterAMutationSharesNothingOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowShop(t, true)
		var all sync.WaitGroup
		all.Go(func() { s.ask(t, `{ slow(of: 1) }`, "") })
		time.Sleep(time.Second)
		if _, stats := s.ask(t, `mutation { touch }`, ""); stats.Fetches != 1 {
			t.Errorf("%+v", stats)
		}
		for range 2 {
			all.Go(func() { s.ask(t, `{ slow(of: 1) }`, "") })
		}
		all.Wait()
		if s.asked != 3 {
			t.Errorf("asked %d times", s.asked)
		}
	})
}

// What was asked before an invalidation may be of before it, even where nothing of it was kept.
func TestWhatIsAskedAfterAnInvalidationSharesNothingOfBefore(t *testing.T) {
	f := newShelf(t, Keeping{})
	second := make(chan string, 1)
	var begun atomic.Bool
	f.during = func() {
		if begun.CompareAndSwap(false, true) {
			f.invalidate(t, "Product:1")
			_, asked := f.ask(t, plain, "") // its own question has to get through
			second <- asked
		}
	}
	f.ask(t, plain, "")
	if asked := <-second; asked != "1 2" {
		t.Errorf("asked for %q", asked)
	}
}

// Under load every answer is right, and what was asked and what was shared is all there is to ask.
func TestManyExecutionsShare(t *testing.T) {
	s, sg, e := shopOf(t, true, Config{})
	var all sync.WaitGroup
	var mu sync.Mutex
	steps, fetches, shared := 0, 0, 0
	for range 8 {
		for _, name := range []string{"big", "two"} {
			plan, v, want := shopPlan(t, sg, name)
			all.Go(func() {
				var out []byte
				for range 50 {
					var stats Stats
					out, stats = e.Execute(t.Context(), &Request{Plan: plan, Values: v}, out[:0])
					mu.Lock()
					steps, fetches, shared = steps+len(plan.Steps), fetches+stats.Fetches, shared+stats.Shared
					mu.Unlock()
					if string(out) != want {
						t.Errorf("%s: %s", name, out)
					}
				}
			})
		}
	}
	all.Wait()
	if fetches+shared != steps || s.fetches != fetches || shared == 0 {
		t.Errorf("%d steps, %d fetches, %d seen, %d shared", steps, fetches, s.fetches, shared)
	}
}
