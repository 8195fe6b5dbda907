package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/config"
)

const sdl = `
type Book @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! title: String }
type Query { book(id: ID!): Book  now: String }
type Mutation { setBook(id: ID!, title: String): Book }
`

// journal is a log that can be read while it is written.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{} // closed at the next write; nil: nobody waits for it
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.written != nil {
		close(j.written)
		j.written = nil
	}
	return j.text.Write(b)
}

// await waits until so many lines have the words.
func (j *journal) await(t *testing.T, words string, lines int) {
	t.Helper()
	end := time.After(20 * time.Second)
	for {
		j.mu.Lock()
		if strings.Count(j.text.String(), words) >= lines {
			j.mu.Unlock()
			return
		}
		if j.written == nil {
			j.written = make(chan struct{})
		}
		written := j.written
		j.mu.Unlock()
		select {
		case <-written:
		case <-end:
			t.Fatalf("the log does not say %q %d times", words, lines)
		}
	}
}

// count is how many lines have the words.
func (j *journal) count(words string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), words)
}

// origin answers every query about a book, and introspection with what is set.
type origin struct {
	*httptest.Server
	requests      atomic.Int64
	introspection atomic.Pointer[response]
}

type response struct {
	status int
	body   string
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	if bytes.Contains(body, []byte("__schema")) {
		a := o.introspection.Load()
		if a == nil {
			a = &response{http.StatusForbidden, "{}"}
		}
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
		return
	}
	o.requests.Add(1)
	fmt.Fprint(w, `{"data":{"book":{"id":"1","title":"Weirs"}}}`)
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	o := &origin{}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

// configuration is a valid one on free ports; edit changes the file before it is compiled.
func configuration(t *testing.T, upstream string, edit func(*config.File)) Config {
	t.Helper()
	f := config.DefaultFile()
	f.Listen, f.Admin, f.Upstream, f.Identity.Instance = config.List{"127.0.0.1:0"}, "127.0.0.1:0", upstream, "test"
	f.Schema = write(t, filepath.Join(t.TempDir(), "schema.graphql"), sdl)
	if edit != nil {
		edit(&f)
	}
	static, values, err := config.Compile(f, nil, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Static: static, Values: values, Version: "test"}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rig is a running sidecar.
type rig struct {
	*Sidecar
	t       *testing.T
	address string // of the first listener
	admin   string
	log     *journal
	stop    func() error // ends it and returns the error of Run
}

// start runs a sidecar until the test ends. prepare changes it before.
func start(t *testing.T, cfg Config, prepare ...func(*Sidecar)) *rig {
	t.Helper()
	r := &rig{t: t, log: &journal{}}
	cfg.Logger = slog.New(slog.NewTextHandler(r.log, nil))
	var err error
	if r.Sidecar, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	for _, f := range prepare {
		f(r.Sidecar)
	}
	clients, admin := r.Addresses()
	r.address, r.admin = clients[0], admin
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !condition() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not come true", what)
		}
	}
}

// reply is the head of an answer.
type reply struct {
	StatusCode int
	Header     http.Header
}

// do sends a request over a connection of its own.
func do(t *testing.T, address, method, path, body string) (head reply, text string) {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if socket, ok := strings.CutPrefix(address, "unix:"); ok {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			}
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		},
	}}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://weir"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(address, "unix:") {
		request.Host = address // the admin listener answers to its own name alone
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header}, string(raw)
}

// query sends one query by a name of its own.
func (r *rig) query(name string) (head reply, text string) {
	r.t.Helper()
	body, err := json.Marshal(map[string]string{"query": "query " + name + ` { book(id: "1") { id title } }`})
	if err != nil {
		r.t.Fatal(err)
	}
	return do(r.t, r.address, http.MethodPost, "/graphql", string(body))
}

// hit asks until the answer comes from the cache.
func (r *rig) hit(name string) {
	r.t.Helper()
	eventually(r.t, "a hit of "+name, func() bool {
		a, _ := r.query(name)
		return strings.Contains(a.Header.Get("Cache-Status"), "; hit")
	})
}

// metric reads one sample by its name, with its labels as they are written.
func (r *rig) metric(name string) float64 {
	r.t.Helper()
	_, text := do(r.t, r.admin, http.MethodGet, "/metrics", "")
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				r.t.Fatal(err)
			}
			return v
		}
	}
	r.t.Fatalf("/metrics has no %s", name)
	return 0
}
