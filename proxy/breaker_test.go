package proxy

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// TestOutageOfTheOrigin lets an origin die and recover, with the mode of a sidecar that was told nothing of breakers.
func TestOutageOfTheOrigin(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "origin.sock") // unlike a port, its name is nobody else's meanwhile
	first := listening(t, socket)
	r := start(t, configuration(t, "unix:"+socket, func(f *config.File) {
		f.Policy.Breaker.Requests, f.Policy.Breaker.Open = 3, "500ms"
		f.Policy.Cache.StaleWhileRevalidate = "0s"
	}))
	r.hit("A")
	if a, text := do(t, r.admin, http.MethodPost, "/cache/invalidate", `{"tags":["Book:1"],"soft":true}`); a.StatusCode != http.StatusOK {
		t.Fatal(a.StatusCode, text)
	}
	r.closed(1)
	first.Close()
	_ = os.Remove(socket)

	// Each answer of the outage is the stale one; from the moment the breaker is open it comes without a look at the origin.
	eventually(t, "a stale answer of an open breaker", func() bool {
		a, text := r.query("A")
		status := a.Header.Get("Cache-Status")
		if a.StatusCode != http.StatusOK || !strings.Contains(status, "; hit") || !strings.Contains(text, "Weirs") {
			t.Fatal(a.StatusCode, a.Header, text)
		}
		return strings.HasSuffix(status, "; detail=breaker-open")
	})
	// A mutation always goes to the origin, and says what is wrong there.
	eventually(t, "a mutation past an open breaker", func() bool {
		a, text := r.mutate()
		if a.StatusCode != http.StatusBadGateway || a.Header.Get("Weir-Error") != "upstream.connect" {
			t.Fatal(a.StatusCode, a.Header, text)
		}
		return r.metric("weir_breaker_passed_total") > 0
	})
	if refused := r.metric("weir_breaker_refused_total"); refused != 0 || r.metric(`weir_breakers{state="closed"}`) != 0 {
		t.Errorf("%v refused", refused)
	}

	second := listening(t, socket)
	eventually(t, "a fresh answer", func() bool {
		a, text := r.query("A")
		if a.StatusCode != http.StatusOK {
			t.Fatal(a.StatusCode, a.Header, text)
		}
		return second.requests.Load() > 0
	})
	r.closed(1)
	if a, text := r.mutate(); a.StatusCode != http.StatusOK {
		t.Error(a.StatusCode, a.Header, text)
	}
}

// closed waits until so many breakers are closed.
func (r *rig) closed(n float64) {
	r.t.Helper()
	eventually(r.t, "a closed breaker", func() bool { return r.metric(`weir_breakers{state="closed"}`) == n })
}

func (r *rig) mutate() (head reply, text string) {
	r.t.Helper()
	return do(r.t, r.address, http.MethodPost, "/graphql", `{"query":"mutation { setBook(id: \"1\") { id title } }"}`)
}

// listening is an origin at the path of a Unix socket.
func listening(t *testing.T, socket string) *origin {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{Server: httptest.NewUnstartedServer(nil)}
	o.Listener.Close()
	o.Listener, o.Config.Handler = l, o
	o.Start()
	t.Cleanup(o.Close)
	return o
}
