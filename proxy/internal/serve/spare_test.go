package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

const keylessAnswer, keyedAnswer = `{"data":{"x":{"title":"a"}}}`, `{"data":{"x":{"title":"a","__weir_id_ID_":"1"}}}`

func keyless(id int) string { return fmt.Sprintf(`{ x: book(id: %d) { title } }`, id) }

// injecting starts a sidecar whose misses are fetches of its own; two failed ones open the breaker.
func injecting(t *testing.T, origin string) *rig {
	t.Helper()
	r := newRig(t)
	schema, err := planner.ParseSchema("schema.graphql", sdl)
	if err != nil {
		t.Fatal(err)
	}
	r.policy.Plans = planner.NewCache(planner.CacheConfig{Schema: schema, Options: planner.Options{InjectKeys: true}})
	r.policy.Cache.InjectKeys = true
	r.policy.Breaker = policy.Breaker{Mode: policy.Observe, Rules: breaker.Rules{Window: time.Minute, Requests: 2, Ratio: 0.5, Open: time.Hour}}
	r.start(origin)
	return r
}

// want asks for the book and wants what the origin says without keys.
func (c *client) want(id int) {
	c.t.Helper()
	if res, body := c.ask(keyless(id)); res.StatusCode != http.StatusOK || body != keylessAnswer || isHit(res) {
		c.t.Errorf("book %d: %d %v %q", id, res.StatusCode, res.Header, body)
	}
}

// Fetches of our own, one after the other and as many at a time as there are clients, need no more connections than are in use at a time.
func TestInjectedFetchesShareConnections(t *testing.T) {
	const clients, each = 4, 25
	var plain atomic.Int64
	o := startOrigin(t, func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.Contains(body, "__weir_") {
			plain.Add(1)
		}
		_, _ = io.WriteString(w, keyedAnswer)
	})
	r := injecting(t, o.address)
	c := r.dial()
	for i := range each {
		c.want(i)
	}
	if n := o.opened.Load(); n != 1 || o.count() != each {
		t.Errorf("%d fetches, one after the other, on %d connections", o.count(), n)
	}
	var work sync.WaitGroup
	for k := range clients {
		c := r.dial()
		work.Go(func() {
			for i := range each {
				c.want(each*(1+k) + i)
			}
		})
	}
	work.Wait()
	if n := o.opened.Load(); n > clients || o.count() != each*(1+clients) || plain.Load() != 0 {
		t.Errorf("%d fetches of %d clients on %d connections, %d of them without keys", o.count(), clients, n, plain.Load())
	}
}

// A connection that ended while it rested, or says what nobody asked for, costs nobody an answer, and is no failure of the upstream.
func TestConnectionsThatEndWhileTheyRest(t *testing.T) {
	answer := message(keyedAnswer)
	for name, afterwards := range map[string]func(k net.Conn, in *bufio.Reader){
		"closed at once":         func(net.Conn, *bufio.Reader) {},
		"reset at once":          func(k net.Conn, _ *bufio.Reader) { setLinger(k) },
		"closed by the next one": func(_ net.Conn, in *bufio.Reader) { _, _ = http.ReadRequest(in) },
		"reset by the next one":  func(k net.Conn, in *bufio.Reader) { setLinger(k); _, _ = in.Peek(1) },
		"an answer nobody asked for": func(k net.Conn, in *bufio.Reader) {
			_, _ = io.WriteString(k, message(`{"data":{"x":{"title":"of another","__weir_id_ID_":"2"}}}`))
			_, _ = in.Peek(1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			r := injecting(t, startRaw(t, func(k net.Conn) {
				in := bufio.NewReader(k)
				req, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				asked.Add(1)
				_, _ = io.WriteString(k, answer)
				afterwards(k, in)
			}))
			c := r.dial()
			for i := range 10 {
				c.want(i)
				if strings.HasPrefix(name, "an answer") { // its bytes have come
					waitFor(t, func() bool {
						r.server.spares.mu.Lock()
						defer r.server.spares.mu.Unlock()
						return len(r.server.spares.rest) == 0 || unread(r.server.spares.rest[0].Conn)
					})
				}
			}
			if n := asked.Load(); n != 10 {
				t.Errorf("the origin answered %d requests, want 10", n)
			}
			if st := r.server.Stats(); st.Breakers["open"] != 0 || st.DialErrors != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// What refuses, breaks off, or says that it ends, is not used again.
func TestConnectionsThatAreNotUsedAgain(t *testing.T) {
	for name, answer := range map[string]string{
		"close":       strings.Replace(message(keyedAnswer), "\r\n", "\r\nConnection: close\r\n", 1),
		"HTTP/1.0":    strings.Replace(message(keyedAnswer), "HTTP/1.1", "HTTP/1.0", 1),
		"more bytes":  message(keyedAnswer) + "HTTP/1.1 200 OK\r\n",
		"refused":     "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
		"cut":         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"until close": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + keyedAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			var second atomic.Int64
			address := startRaw(t, func(k net.Conn) {
				in := bufio.NewReader(k)
				req, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				body, _ := io.ReadAll(req.Body)
				if !strings.Contains(string(body), "__weir_") {
					_, _ = io.WriteString(k, message(keylessAnswer))
					return
				}
				_, _ = io.WriteString(k, answer)
				if name == "cut" || name == "until close" {
					return
				}
				if _, err := in.Peek(1); err == nil {
					second.Add(1)
				}
			})
			r := injecting(t, address)
			for i := range 3 {
				r.dial().want(i)
			}
			if n := second.Load(); n != 0 {
				t.Errorf("%d requests came on such a connection", n)
			}
		})
	}
}

func TestSparesAreBounded(t *testing.T) {
	var p spares
	now := time.Now()
	pair := func() (ours, theirs net.Conn) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if theirs, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ours.Close(); theirs.Close() })
		return ours, theirs
	}
	ended := func(c net.Conn) bool {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err := c.Read(make([]byte, 1))
		return errors.Is(err, io.EOF)
	}
	ours, first := pair()
	p.give("a", ours, now)
	for range maxSpares {
		ours, _ = pair()
		p.give("b", ours, now)
	}
	if len(p.rest) != maxSpares || p.take("a", now) != nil || !ended(first) {
		t.Errorf("%d rest, and the oldest of all is among them", len(p.rest))
	}
	if p.take("c", now) != nil {
		t.Error("a connection to another destination")
	}
	if c := p.take("b", now); c != ours {
		t.Error("not the one that was used last")
	}
	ours, dead := pair()
	p.give("d", ours, now.Add(time.Minute))
	dead.Close()
	waitFor(t, func() bool { return unread(ours) })
	if p.take("d", now.Add(time.Minute)) != nil {
		t.Error("one that has ended is taken")
	}
	ours, theirs := pair()
	p.give("e", ours, now)
	if p.take("e", now.Add(spareRest)) != nil || !ended(theirs) {
		t.Error("one that has rested for long is taken")
	}
	ours, dead = pair()
	p.give("f", ours, now.Add(time.Minute))
	dead.Close()
	waitFor(t, func() bool { return unread(ours) })
	ours, theirs = pair()
	p.give("g", ours, now.Add(time.Minute))
	p.sweep(now.Add(time.Minute))
	if len(p.rest) != 1 || p.rest[0].destination != "g" {
		t.Errorf("%d rest after all but one were too old or had ended", len(p.rest))
	}
	p.close()
	if !ended(theirs) {
		t.Error("not closed")
	}
	ours, theirs = pair()
	if p.give("h", ours, now); !ended(theirs) {
		t.Error("one that is given late is not closed")
	}
}
