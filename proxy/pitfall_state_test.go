package proxy

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
)

func collapseAcrossUsers(t *testing.T) {
	const users = 5
	var all sync.WaitGroup // of requests at the origin
	all.Add(users)
	s := scripted(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		all.Done()
		all.Wait() // ends only when the request of no user waits for another user's
		fmt.Fprintf(w, `{"data":{"x":{"__typename":"Book","id":"1","title":%q}}}`, r.Header.Get("X-User"))
	})
	r := before(t, s, forUsers)
	var clients sync.WaitGroup
	for i := range users {
		clients.Go(func() {
			user := fmt.Sprintf("user-%d", i)
			g, err := send1(r.address, call{body: operation(bookOne), lines: []string{"X-User", user}})
			if err != nil || !strings.Contains(g.body, user) {
				t.Errorf("%s got %+v %v", user, g, err)
			}
		})
	}
	clients.Wait()
}

// firstCallerLeaves: who waits for the answer to another's request gets it though that one has gone, and the origin is not asked again.
func firstCallerLeaves(t *testing.T) {
	const followers = 3
	release := make(chan struct{})
	let := sync.OnceFunc(func() { close(release) })
	keep := numbered("Cache-Control", "public, max-age=60")
	s := scripted(t, func(w http.ResponseWriter, r *http.Request, body string) { <-release; keep(w, r, body) })
	t.Cleanup(let)
	r := before(t, s, func(f *config.File) { f.Policy.Cache.Collapse = "1m" })
	first, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	body := operation(bookOne)
	fmt.Fprintf(first, "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	eventually(t, "the origin is asked", func() bool { return s.asked() == 1 })
	var waiting sync.WaitGroup
	answers := make(chan *got, followers)
	for range followers {
		waiting.Go(func() {
			g, err := send1(r.address, call{body: body})
			if err != nil {
				t.Error(err)
			}
			answers <- g
		})
	}
	eventually(t, "the followers are there", func() bool { return r.metric("weir_requests_total") == followers+1 })
	first.Close()
	let()
	waiting.Wait()
	for range followers {
		if g := <-answers; g.status != http.StatusOK || !strings.Contains(g.body, "title") {
			t.Errorf("%d %s", g.status, g.body)
		}
	}
	if n := s.asked(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
	if r.metric("weir_cache_collapsed_total") == 0 {
		t.Error("nobody waited for the first one's answer")
	}
}

// giantBody: bodies up to the limit of an entry, more of them than the cache holds, each asked for once, and bodies beyond it.
func giantBody(t *testing.T) {
	s := scripted(t, func(w http.ResponseWriter, r *http.Request, body string) {
		title := "small"
		switch {
		case strings.Contains(body, "large"):
			title = strings.Repeat("x", 250<<10)
		case strings.Contains(body, "giant"):
			title = strings.Repeat("x", 3<<20)
		}
		fmt.Fprintf(w, `{"data":{"x":{"__typename":"Book","id":"1","title":%q}}}`, title)
	})
	r := before(t, s, func(f *config.File) { f.CacheMemory = "16MiB" })
	of := func(id string) call {
		return call{body: operation(`{ x: book(id: "` + id + `") { __typename id title } }`)}
	}
	const small = 100
	for range 3 { // so that they are known to be wanted
		for i := range small {
			r.fetch(of(fmt.Sprintf("small-%d", i)))
		}
	}
	for i := range 100 {
		r.fetch(of(fmt.Sprintf("large-%d", i)))
	}
	for i := range 5 {
		if g := r.fetch(of(fmt.Sprintf("giant-%d", i))); len(g.body) < 3<<20 {
			t.Fatalf("a giant body came as %d bytes", len(g.body))
		}
	}
	r.never(s, "a body beyond the limit", of("giant"))
	hits := 0
	for i := range small {
		if r.fetch(of(fmt.Sprintf("small-%d", i))).hit() {
			hits++
		}
	}
	t.Logf("%d of %d small entries survived 25 MiB of large ones in a cache of 16 MiB", hits, small)
	if hits < small*8/10 {
		t.Errorf("%d of %d small entries are left", hits, small)
	}
	if used, bound := r.metric("weir_cache_bytes"), r.metric("weir_cache_max_bytes"); used > bound {
		t.Errorf("%v bytes of %v", used, bound)
	}
}

func redisDownAtStart(t *testing.T) {
	s := scripted(t, numbered())
	r := before(t, s, func(f *config.File) { f.Redis = config.List{"127.0.0.1:1"} })
	for range 3 {
		if g := r.fetch(call{body: operation(bookOne)}); g.status != http.StatusOK {
			t.Errorf("%d %s", g.status, g.body)
		}
	}
	if a, _ := do(t, r.admin, http.MethodGet, "/readyz", ""); a.StatusCode != http.StatusOK {
		t.Errorf("not ready: %d", a.StatusCode)
	}
	r.fetch(call{body: operation(`mutation { x: setBook(id: 1) { __typename id title } }`)})
	was := s.asked()
	if g := r.fetch(call{body: operation(bookOne)}); g.hit() || s.asked() != was+1 {
		t.Errorf("after a mutation: %v", g.header)
	}
}

func schemaReload(t *testing.T) {
	s := scripted(t, numbered())
	r := before(t, s, nil)
	old := r.kept("the book", call{body: operation(bookOne)}).body
	schema, err := planner.ParseSchema("new.graphql", strings.Replace(shelves, "title: String", "title: String @deprecated, pages: Int", 1))
	if err != nil {
		t.Fatal(err)
	}
	r.policies.setSchema(schema)
	if g := r.fetch(call{body: operation(bookOne)}); g.hit() || g.body == old {
		t.Errorf("an answer of the old schema: %v", g.header)
	}
	same, err := planner.ParseSchema("spelt.graphql", "# the same again\n"+strings.Replace(shelves, "title: String", "title: String @deprecated, pages: Int", 1))
	if err != nil {
		t.Fatal(err)
	}
	want := r.kept("the book", call{body: operation(bookOne)}).body
	r.policies.setSchema(same)
	if g := r.fetch(call{body: operation(bookOne)}); !g.hit() || g.body != want {
		t.Errorf("a schema of the same meaning cost the entries: %v", g.header)
	}
}

func negativeAndCreate(t *testing.T) {
	var mu sync.Mutex
	there := false
	s := scripted(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		mu.Lock()
		defer mu.Unlock()
		there = there || strings.Contains(body, "setBook")
		if !there {
			fmt.Fprint(w, `{"data":{"x":null}}`)
			return
		}
		fmt.Fprint(w, `{"data":{"x":{"__typename":"Book","id":"9","title":"new"}}}`)
	})
	r := before(t, s, nil)
	nine := call{body: operation(`{ x: book(id: 9) { __typename id title } }`)}
	if g := r.kept("nothing", nine); g.body != `{"data":{"x":null}}` {
		t.Fatalf("%s", g.body)
	}
	r.fetch(call{body: operation(`mutation { x: setBook(id: 9, title: "new") { __typename id title } }`)})
	if g := r.fetch(nine); g.hit() || !strings.Contains(g.body, "new") {
		t.Errorf("after it was made: %v %s", g.header, g.body)
	}
}

// storm: names that nobody cached, ten thousand a second by the admin listener, while others ask.
func storm(t *testing.T) {
	s := scripted(t, numbered())
	r := before(t, s, nil)
	want := r.kept("the book", call{body: operation(bookOne)}).body
	for round := range 10 {
		var b strings.Builder
		b.WriteString(`{"tags":[`)
		for i := range 1000 {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"Storm:%d"`, round*1000+i)
		}
		b.WriteString(`]}`)
		if a, text := do(t, r.admin, http.MethodPost, "/cache/invalidate", b.String()); a.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", a.StatusCode, text)
		}
		if g := r.fetch(call{body: operation(bookOne)}); !g.hit() || g.body != want {
			t.Fatalf("an entry that was not named is gone: %v", g.header)
		}
	}
}
