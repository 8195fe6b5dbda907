package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
)

// fasthttp's pool looks for its end now and then only. Its clock for the Date header, which would have none, must not be started.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

type rig struct {
	url   string
	ready bool
	last  cache.Invalidation
	fails error
	logs  int // calls until the log has it
}

func start(t *testing.T, change func(*Sources)) *rig {
	t.Helper()
	r := &rig{ready: true, logs: 1}
	s := Sources{
		Ready:      func() bool { return r.ready },
		Metrics:    func(w io.Writer) error { _, err := io.WriteString(w, "weir_x 1\n"); return err },
		Config:     func() []byte { return []byte("listen: []\n") },
		Plans:      func() []planner.Description { return []planner.Description{{}} },
		CacheStats: func() any { return map[string]int{"hits": 3} },
		Fleet:      &playedFleet{},
		Invalidate: func(_ context.Context, inv cache.Invalidation) (cache.Receipt, *Reach, error) {
			r.last = inv
			r.logs--
			reach := &Reach{Entries: 2, Tags: map[string]int64{"City:5": 2}}
			return cache.Receipt{Logged: r.logs <= 0, Shared: true, Position: cache.Position{MS: 7, Seq: 1}}, reach, r.fails
		},
	}
	if change != nil {
		change(&s)
	}
	a, err := Open("127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + a.Address()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); a.Serve(ctx) }()
	t.Cleanup(func() { http.DefaultClient.CloseIdleConnections(); cancel(); <-done })
	return r
}

func (r *rig) call(t *testing.T, method, path, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	q, err := http.NewRequest(method, r.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			q.Host = headers[i+1]
		}
		q.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if at, err := http.ParseTime(res.Header.Get("Date")); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("%s %s: dated %q", method, path, res.Header.Values("Date"))
	}
	return res.StatusCode, string(text), res.Header
}

func TestPathsAnswer(t *testing.T) {
	r := start(t, nil)
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ok", "/metrics": "weir_x 1", "/config": "listen:", "/plans": "[", "/cache/stats": `"hits": 3`, "/": "/metrics",
	} {
		if status, body, _ := r.call(t, "GET", path, ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %q", path, status, body)
		}
		if status, _, _ := r.call(t, "DELETE", path, ""); status != 405 {
			t.Errorf("DELETE %s: %d", path, status)
		}
	}
	for path, code := range map[string]string{"/nothing": "admin.not_found", "/debug/pprof/": "admin.not_found"} {
		if status, _, h := r.call(t, "GET", path, ""); status != 404 || h.Get("Weir-Error") != code {
			t.Errorf("%s: %d %v", path, status, h)
		}
	}
	r.ready = false
	if status, _, _ := r.call(t, "GET", "/readyz", ""); status != 503 {
		t.Errorf("draining: %d", status)
	}
}

func TestPprofIsServedOnlyWhenAskedFor(t *testing.T) {
	r := start(t, func(s *Sources) { s.Pprof = true })
	if status, _, _ := r.call(t, "GET", "/debug/pprof/goroutine?debug=1", ""); status != 200 {
		t.Errorf("%d", status)
	}
}

func TestInvalidationIsPassedOn(t *testing.T) {
	r := start(t, nil)
	status, body, _ := r.call(t, "POST", "/cache/invalidate", `{"tags":["City:5"],"types":["Country"],"prefixes":["Query."],"soft":true}`)
	if status != 200 || !strings.Contains(body, `"logged": true`) || !strings.Contains(body, `"position": "7-1"`) ||
		!strings.Contains(body, `"time": "1970-01-01T00:00:00.007Z"`) || !strings.Contains(body, `"City:5": 2`) {
		t.Errorf("%d %s", status, body)
	}
	if want := fmt.Sprint(cache.Invalidation{Tags: []string{"City:5", "Country"}, Prefixes: []string{"Query."}, Soft: true}); fmt.Sprint(r.last) != want {
		t.Errorf("%+v", r.last)
	}
	// Only 2xx promises that the fleet obeys.
	r.logs = 1 << 30
	status, body, h := r.call(t, "POST", "/cache/invalidate", `{"tags":["a"]}`)
	if status != 503 || !strings.Contains(body, `"logged": false`) || h.Get("Retry-After") == "" {
		t.Errorf("Redis down: %d %s", status, body)
	}
	if asked := 1<<30 - r.logs; asked > 8 {
		t.Errorf("an invalidation that is not logged was asked for %d times in a second", asked)
	}
	r.logs = 3
	if status, body, _ := r.call(t, "POST", "/cache/invalidate?wait=fleet", `{"tags":["a"]}`); status != 200 || !strings.Contains(body, `"logged": true`) {
		t.Errorf("waiting for the fleet: %d %s", status, body)
	}
	r.fails = errors.New("broken")
	if status, _, _ := r.call(t, "POST", "/cache/invalidate", `{"tags":["a"]}`); status != 500 {
		t.Errorf("%d", status)
	}
}

func TestAPanicEndsOneRequestOnly(t *testing.T) {
	r := start(t, func(s *Sources) { s.CacheStats = func() any { panic("broken") } })
	if status, body, _ := r.call(t, "GET", "/cache/stats", ""); status != 500 || !strings.Contains(body, "broken") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _ := r.call(t, "GET", "/healthz", ""); status != 200 {
		t.Errorf("after a panic: %d", status)
	}
}

func TestSettingsAndDocumentsAreForThisHostOnly(t *testing.T) {
	for path, want := range map[string]bool{
		"/config": true, "/plans": true, "/cache/tags": true, "/debug/pprof/heap": true, "/healthz": false, "/readyz": false, "/metrics": false, "/cache/invalidate": false,
	} {
		if private(path) != want {
			t.Errorf("%s: %t", path, !want)
		}
	}
	for peer, want := range map[net.Addr]bool{
		&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}: true, &net.TCPAddr{IP: net.IPv6loopback}: true, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9)}: false,
		&net.UnixAddr{Net: "unix"}: true,
	} {
		if local(peer) != want {
			t.Errorf("%v: %t", peer, !want)
		}
	}
	if local(nil) {
		t.Error("an unknown peer is local")
	}
}

func TestAdminOnAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	a, err := Open("unix:"+path, Sources{Ready: func() bool { return true }, Config: func() []byte { return []byte("a: b\n") }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); a.Serve(ctx) }()
	defer func() { cancel(); <-done }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("http://localhost/config")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("/config over a Unix socket: %d", res.StatusCode)
	}
}

func TestBadInvalidationsAreRefusedWithTheCure(t *testing.T) {
	r := start(t, nil)
	for body, want := range map[string]string{
		`{}`: "names nothing", `{"tag":["a"]}`: "unknown field", `{"tags":[""]}`: "name is empty", `nonsense`: "no invalidation",
		`{"tags":["a"]}{}`: "more than one", `{"tags":["a"]}]`: "more than one", `{"tags":["` + strings.Repeat("a", 600) + `"]}`: "longer than 512", `{"tags":"a"}`: "no invalidation", ``: "no invalidation",
	} {
		if status, text, h := r.call(t, "POST", "/cache/invalidate", body); status != 400 || !strings.Contains(text, want) || h.Get("Weir-Error") == "" {
			t.Errorf("%q: %d %s", body, status, text)
		}
	}
	if status, _, _ := r.call(t, "POST", "/cache/invalidate?wait=all", `{"tags":["a"]}`); status != 400 {
		t.Errorf("wait=all: %d", status)
	}
	if status, _, h := r.call(t, "GET", "/cache/invalidate", ""); status != 405 || h.Get("Allow") != "POST" {
		t.Errorf("GET: %d", status)
	}
	off := start(t, func(s *Sources) { s.Invalidate = nil })
	if status, _, _ := off.call(t, "POST", "/cache/invalidate", `{"tags":["a"]}`); status != 409 {
		t.Errorf("cache off: %d", status)
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	r := start(t, nil)
	for _, h := range [][]string{{"Origin", "https://evil.example"}, {"Host", "evil.example"}} {
		if status, _, _ := r.call(t, "GET", "/config", "", h...); status != 403 {
			t.Errorf("%v: %d", h, status)
		}
	}
	if status, _, _ := r.call(t, "GET", "/config", "", "Host", "localhost:1"); status != 200 {
		t.Errorf("localhost: %d", status)
	}
}

func FuzzInvalidation(f *testing.F) {
	f.Add([]byte(`{"tags":["a"],"soft":true}`))
	f.Add([]byte(`{"patterns":["City:*-eu","a"],"operations":["Front"],"tenants":["acme"],"types":["City"]}`))
	f.Add([]byte(`{"all":true}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		inv, problem := Parse(body, names)
		if problem != "" {
			return
		}
		if inv.All == (len(inv.Tags)+len(inv.Prefixes)+len(inv.Patterns) > 0) {
			t.Errorf("an invalidation of nothing, or of too much: %+v", inv)
		}
		for _, p := range append(inv.Prefixes, inv.Patterns...) {
			if p == "" || p[0] == '*' && strings.Trim(p, "*") == "" || p[0] == '@' {
				t.Errorf("%q matches everything", p)
			}
		}
	})
}
