package proxy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// shelves is a schema with something of each kind that a cache may get wrong.
const shelves = `
scalar Any
type Book @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! title: String }
type Diary { id: ID! day: String @cacheControl(scope: PRIVATE) }
union Paper @cacheControl(maxAge: 60) = Book | Diary
input Filter { n: Int = 1, f: Float, s: String, list: [Int!], any: Any, sub: Filter }
type Query {
  book(id: ID!): Book
  page(n: Int = 1): Book
  any(of: Any): Book
  find(by: Filter): Book
  number(f: Float): Book
  text(s: String): Book
  paper: Paper
  plain: String
}
type Mutation { setBook(id: ID!, title: String): Book }
type Subscription { changed: Book }
`

// script is an origin whose answers a test writes, and that remembers what it was asked.
type script struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r *http.Request, body string)
	mu     sync.Mutex
	seen   []string
}

func (s *script) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

func scripted(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body string)) *script {
	t.Helper()
	s := &script{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(string(body), "__schema") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		s.mu.Lock()
		s.seen = append(s.seen, r.RequestURI+" "+string(body))
		s.mu.Unlock()
		s.answer(w, r, string(body))
	}))
	t.Cleanup(s.Close)
	return s
}

// numbered answers the nth request with title n, under the header lines given as name, value.
func numbered(lines ...string) func(w http.ResponseWriter, r *http.Request, body string) {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, _ *http.Request, body string) {
		mu.Lock()
		n++
		at := n
		mu.Unlock()
		for i := 0; i+1 < len(lines); i += 2 {
			w.Header().Add(lines[i], lines[i+1])
		}
		if strings.Contains(body, "plain") {
			fmt.Fprintf(w, `{"data":{"x":"%d"}}`, at)
			return
		}
		fmt.Fprintf(w, `{"data":{"x":{"__typename":"Book","id":"1","title":"%d"}}}`, at)
	}
}

// before starts a sidecar with the schema of shelves before the origin.
func before(t *testing.T, s *script, edit func(*config.File)) *rig {
	t.Helper()
	upstream := "http://127.0.0.1:1" // edit has another
	if s.Server != nil {
		upstream = s.URL
	}
	return start(t, configuration(t, upstream, func(f *config.File) {
		f.Schema = write(t, filepath.Join(t.TempDir(), "shelves.graphql"), shelves)
		if edit != nil {
			edit(f)
		}
	}))
}

// call is one request; the zero value of a field is the usual thing.
type call struct {
	method, path, body string
	lines              []string // name, value
}

// got is one answer.
type got struct {
	status int
	header http.Header
	body   string
}

// hit tells from the last value of Cache-Status: those before are of caches behind.
func (g *got) hit() bool {
	v := g.header.Values("Cache-Status")
	return len(v) > 0 && strings.HasPrefix(v[len(v)-1], "weir; hit")
}

// fetch sends one request over a connection of its own.
func (r *rig) fetch(c call) *got {
	r.t.Helper()
	g, err := send1(r.address, c)
	if err != nil {
		r.t.Fatal(err)
	}
	return g
}

// send1 is fetch for goroutines that may not end the test.
func send1(address string, c call) (*got, error) {
	if c.method == "" {
		c.method = http.MethodPost
	}
	if c.path == "" {
		c.path = "/graphql"
	}
	request, err := http.NewRequest(c.method, "http://"+address+c.path, strings.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	if c.method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(c.lines); i += 2 {
		request.Header.Add(c.lines[i], c.lines[i+1])
		if c.lines[i] == "Host" {
			request.Host = c.lines[i+1]
		}
	}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return &got{response.StatusCode, response.Header, string(text)}, err
}

// operation is a body with a query and, behind it, further members as raw JSON: name, value.
func operation(query string, members ...string) string {
	quoted, _ := json.Marshal(query) // a string always can be
	b := `{"query":` + string(quoted)
	for i := 0; i+1 < len(members); i += 2 {
		b += `,"` + members[i] + `":` + members[i+1]
	}
	return b + "}"
}

// byGet is the target of the same query by GET.
func byGet(query string) string { return "/graphql?query=" + url.QueryEscape(query) }

// never asks several times and expects the origin's own answer each time.
func (r *rig) never(s *script, what string, c call) {
	r.t.Helper()
	for i := range 3 {
		was := s.asked()
		if g := r.fetch(c); g.hit() || s.asked() != was+1 {
			r.t.Errorf("%s: answer %d is %v %s and the origin was asked %d times", what, i, g.header, g.body, s.asked()-was)
		}
	}
}

// kept asks until the answer comes from the cache, and returns it.
func (r *rig) kept(what string, c call) (g *got) {
	r.t.Helper()
	eventually(r.t, "a hit of "+what, func() bool { g = r.fetch(c); return g.hit() })
	return g
}

// apart expects that each of the calls has an entry of its own: none gets another one's answer.
func (r *rig) apart(s *script, calls ...call) {
	r.t.Helper()
	bodies := map[string]int{}
	for i, c := range calls {
		was := s.asked()
		g := r.fetch(c)
		if g.hit() || s.asked() != was+1 {
			r.t.Errorf("call %d (%s) was answered from the entry of call %d: %s", i, c.body, bodies[g.body], g.body)
		}
		bodies[g.body] = i
	}
}

// together expects that all calls share the entry of the first: they mean the same.
func (r *rig) together(calls ...call) {
	r.t.Helper()
	want := r.kept("the first call", calls[0]).body
	for i, c := range calls[1:] {
		if g := r.fetch(c); !g.hit() || g.body != want {
			r.t.Errorf("call %d (%s) is %v %s", i+1, c.body, g.header, g.body)
		}
	}
}
