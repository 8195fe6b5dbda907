package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
)

func upstreamDeadAtTheStart(w *world) {
	w.stopOrigin()
	s := w.sidecar("a")
	a := s.ask("Population", populationQuery, `{"id":"`+w.cities[0]+`"}`)
	if a.Status != http.StatusBadGateway || a.WeirError != "upstream.connect" {
		w.Errorf("%d %q %s", a.Status, a.WeirError, a.Body)
	}
	if n := s.metric("weir_upstream_dial_errors_total"); n == 0 {
		w.Error("no dial error is counted")
	}
	w.startOrigin()
	w.until("the upstream is reached", func() error {
		a, err := s.post("Population", populationQuery, `{"id":"`+w.cities[0]+`"}`)
		if err == nil && !a.OK() {
			err = fmt.Errorf("%d %s", a.Status, a.WeirError)
		}
		return err
	})
}

// upstreamRestarted: without a cache, a client sees failures only while the upstream is away, and of the kinds that it would see directly: a refused
// connection (502) or a broken one.
func upstreamRestarted(w *world) {
	s := w.sidecar("a", "--cache", "off")
	traffic := w.traffic(0.1, s)
	traffic.runner.Excuse(true)
	w.stopOrigin()
	w.until("failures", func() error {
		if r := traffic.runner.Result().Total; r.Excused < 20 {
			return fmt.Errorf("%d excused of %d", r.Excused, r.Requests)
		}
		return nil
	})
	w.startOrigin()
	w.until("the upstream is back", func() error {
		if a := s.ask("Continents", `query Continents { continents { code } }`, "{}"); !a.OK() {
			return fmt.Errorf("%d %s", a.Status, a.WeirError)
		}
		return nil
	})
	// What was begun before is answered within the time of a request.
	before := traffic.runner.Result().Total
	w.until("requests that were under way", func() error {
		if r := traffic.runner.Result().Total; r.Requests < before.Requests+10 {
			return fmt.Errorf("%d requests", r.Requests)
		}
		return nil
	})
	traffic.runner.Excuse(false)
	traffic.flows()
	traffic.flows()
	r := traffic.end()
	if n := r.Failures[load.FailTimeout] + r.Failures[load.FailErrors] + r.Failures[load.FailConnect]; n > 0 {
		w.Errorf("failures that a direct client would not see: %v", r.Failures)
	}
	if n := s.metric("weir_panics_total"); n != 0 {
		w.Errorf("%v panics", n)
	}
}

func sidecarKilled(w *world) {
	path := filepath.Join(w.dir, "s.sock")
	s := w.sidecar("a", "--listen", "unix:"+path)
	w.hitOver(s, path)
	half := s.dial()
	if _, err := half.Write([]byte("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")); err != nil {
		w.Fatal(err)
	}
	if err := w.end(s.Process, s.Kill); err != nil {
		w.Fatal(err)
	}
	if _, err := io.ReadAll(half); err != nil && !errors.Is(err, net.ErrClosed) {
		w.Logf("a request under way: %v", err)
	}
	s.begin() // the same ports, and the socket that the dead process left behind
	w.hitOver(s, path)
	s.change(w.cities[0], 4711)
	if got, _ := s.population(w.cities[0]); got != 4711 {
		w.Errorf("population %d", got)
	}
}

// hitOver asks over TCP and over the Unix socket.
func (w *world) hitOver(s *sidecar, path string) {
	w.Helper()
	s.hit(w.cities[0])
	c := load.NewConn(load.Target{Network: "unix", Address: path, Host: "localhost", Path: "/graphql"})
	defer c.Close()
	a, err := c.Post(w.Context(), body("Population", populationQuery, `{"id":"`+w.cities[0]+`"}`), askTime)
	if err != nil || !a.OK() || !a.Cache().Hit {
		w.Errorf("over the Unix socket: %+v, %v", a, err)
	}
}

// sidecarEnded sends SIGTERM to one of two sidecars under load. Clients keep connections alive and do as HTTP clients do: when a connection
// was closed before the first byte of an answer they send the request once more, to the other one. No request may fail, and what the ended sidecar had taken
// it finished: the origin ran as many mutations as were acknowledged.
func sidecarEnded(w *world) {
	if err := w.origin.SetFaults(origin.Faults{DelayMS: 5}); err != nil {
		w.Fatal(err)
	}
	a, b := w.sidecar("a"), w.sidecar("b")
	var asked, acknowledged, moved atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			first, second := load.NewConn(a.target()), load.NewConn(b.target())
			defer first.Close()
			defer second.Close()
			conn := first
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				request := body("Rename", `mutation Rename($id: ID!, $n: Int!) { setPopulation(id: $id, population: $n) { id } }`,
					fmt.Sprintf(`{"id":"%s","n":%d}`, w.cities[i], n))
				answer, err := conn.Post(w.Context(), request, askTime)
				if err != nil && conn == first {
					conn = second
					moved.Add(1)
					answer, err = conn.Post(w.Context(), request, askTime)
				}
				asked.Add(1)
				if err != nil || !answer.OK() {
					w.Errorf("client %d, request %d: %+v, %v", i, n, answer, err)
					return
				}
				acknowledged.Add(1)
			}
		})
	}
	w.until("load", func() error { return atLeast(&acknowledged, 200) })
	ended := time.Now()
	if err := w.end(a.Process, a.Stop); err != nil {
		w.Errorf("%v\n%s", err, a.Tail())
	}
	took := time.Since(ended)
	n := acknowledged.Load()
	w.until("load on the other one", func() error { return atLeast(&acknowledged, n+100) })
	close(stop)
	clients.Wait()
	if moved.Load() != 8 {
		w.Errorf("%d clients moved to the other sidecar, want 8", moved.Load())
	}
	if ran := w.origin.Counts()["mutation.setPopulation"]; ran != acknowledged.Load() {
		w.Errorf("the origin ran %d mutations, %d were acknowledged of %d asked", ran, acknowledged.Load(), asked.Load())
	}
	w.logs(a, 0, "cut off")
	w.Logf("%d requests, ended in %s", asked.Load(), took.Round(time.Millisecond))
}

func atLeast(n *atomic.Int64, want int64) error {
	if got := n.Load(); got < want {
		return fmt.Errorf("%d of %d", got, want)
	}
	return nil
}

// hostileClients send what is no HTTP/1, or never ends, while good traffic goes on.
func hostileClients(w *world) {
	s := w.sidecar("a")
	traffic := w.traffic(0.02, s)
	huge := "GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 200<<10) + "\r\n\r\n"
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\xa5", 500)
	for _, c := range []struct{ name, text, want string }{
		{"garbage", "\x00\x01\x02\xff\xfe garbage\r\n\r\n", ""},
		{"a TLS hello", hello, ""},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", ""},
		{"half a head", "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Le", ""},
		{"half a body", "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"query\":", ""},
		{"a head without end", huge, "431"},
		{"two lengths", "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400"},
		{"nothing", "", ""},
	} {
		for range 4 {
			conn := s.dial()
			if err := conn.SetDeadline(time.Now().Add(askTime)); err != nil {
				w.Fatal(err)
			}
			if _, err := io.WriteString(conn, c.text); err != nil && c.want == "" {
				w.Errorf("%s: %v", c.name, err)
			}
			if c.want == "" {
				continue // left open: it must not hold up others, nor the end
			}
			var answer [12]byte
			if _, err := io.ReadFull(conn, answer[:]); err != nil || string(answer[9:]) != c.want {
				w.Errorf("%s: %q, %v", c.name, answer[:], err)
			}
			conn.Close()
		}
		traffic.flows()
	}
	r := traffic.end()
	if n := s.metric("weir_panics_total"); n != 0 || r.Errors > 0 {
		w.Errorf("%v panics, %d failed requests", n, r.Errors)
	}
	kinds := []string{}
	for _, reason := range []string{"h2", "tls", "unknown"} {
		if s.metric("weir_spliced_total", "reason", reason) > 0 {
			kinds = append(kinds, reason)
		}
	}
	if !slices.Equal(kinds, []string{"h2", "tls", "unknown"}) {
		w.Errorf("spliced connections are counted as %v", kinds)
	}
}
