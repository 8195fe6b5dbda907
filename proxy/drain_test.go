package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// held is an upstream whose answers wait to be released.
func held(t *testing.T) (server *httptest.Server, begun chan struct{}, release func()) {
	t.Helper()
	begun = make(chan struct{}, 10)
	free := make(chan struct{})
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		begun <- struct{}{}
		select {
		case <-free:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, `{"data":{"book":null}}`)
	}))
	t.Cleanup(server.Close)
	return server, begun, func() { close(free) }
}

// ask sends one request whose answer will come later.
func (r *rig) ask() net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	const body = `{"query":"{ book(id: \"1\") { id } }"}`
	if _, err := io.WriteString(c, "POST /graphql HTTP/1.1\r\nHost: weir\r\nContent-Type: application/json\r\nContent-Length: 38\r\n\r\n"+body); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// TestDrainFinishesWhatHasBegun: a request under way is answered after the end was asked for; meanwhile nobody is to send more.
func TestDrainFinishesWhatHasBegun(t *testing.T) {
	server, begun, release := held(t)
	r := start(t, configuration(t, server.URL, nil))
	conn := r.ask()
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	eventually(t, "not ready", func() bool {
		a, _ := do(t, r.admin, http.MethodGet, "/readyz", "")
		return a.StatusCode == http.StatusServiceUnavailable
	})
	if a, _ := do(t, r.admin, http.MethodGet, "/healthz", ""); a.StatusCode != http.StatusOK {
		t.Errorf("not healthy while it drains: %d", a.StatusCode)
	}
	eventually(t, "no new connections", func() bool {
		c, err := net.Dial("tcp", r.address)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	select {
	case err := <-ended:
		t.Fatalf("the end did not wait: %v", err)
	default:
	}
	release()
	a, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if body, err := io.ReadAll(a.Body); err != nil || a.StatusCode != http.StatusOK || string(body) != `{"data":{"book":null}}` {
		t.Errorf("%d %q, %v", a.StatusCode, body, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := r.log.count("cut off"); n != 0 {
		t.Error("the log says that requests were cut off")
	}
}

// TestDrainEndsInTime: what does not finish is cut off at the end of the drain time, and the log says so.
func TestDrainEndsInTime(t *testing.T) {
	server, begun, release := held(t)
	defer release()
	r := start(t, configuration(t, server.URL, func(f *config.File) { f.Drain = "50ms" }))
	conn := r.ask()
	<-begun
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 50*time.Millisecond || took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Logf("the client saw: %v", err)
	}
	if n := r.log.count("cut off"); n != 1 {
		t.Errorf("%d log lines about it, want 1", n)
	}
}
