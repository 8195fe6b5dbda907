package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// fresh asks for a query and returns the answer.
func (r *rig) fresh(method, query string, header ...string) (status int, h http.Header, text string) {
	r.t.Helper()
	path, body := "/graphql?query="+url.QueryEscape(query), ""
	if method == http.MethodPost {
		path, body = "/graphql", `{"query":"`+query+`"}`
	}
	request, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.address+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(b)
}

// caching is over one subgraph that says so of its answers.
func caching(t *testing.T, cacheControl string, edit func(*config.File)) *rig {
	t.Helper()
	return fetching(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Cache-Control", cacheControl)
		switch {
		case strings.Contains(string(body), "mutation"):
			_, _ = io.WriteString(w, `{"data":{"set":1}}`)
		case strings.Contains(string(body), `of:7`):
			_, _ = io.WriteString(w, `{"data":{"n":null},"errors":[{"message":"no"}]}`)
		default:
			_, _ = io.WriteString(w, `{"data":{"n":1}}`)
		}
	}, func(f *config.File) {
		o := &f.Policy.Cache.Outward
		o.CacheControl, o.SurrogateControl, o.SurrogateKey.Enabled = true, true, true
		if edit != nil {
			edit(f)
		}
	})
}

func TestWhatOtherCachesAreToldOfASupergraph(t *testing.T) {
	propagate := func(names ...string) func(*config.File) {
		return func(f *config.File) { f.Supergraph.Headers.Propagate = names }
	}
	for _, c := range []struct {
		name, said    string
		edit          func(*config.File)
		method, query string
		header        []string
		want          string // Cache-Control | Surrogate-Control | Surrogate-Key | Vary
	}{
		{"as the subgraph", "max-age=600", nil, "GET", "{n}", nil, "public, max-age=600|max-age=600|Query.n|accept"},
		{"by POST", "max-age=600", nil, "POST", "{n}", nil, "public, max-age=600|max-age=600|Query.n|accept"},
		{"private", "private, max-age=600", nil, "GET", "{n}", nil, "private, max-age=600|no-store||"},
		{"no word", "", nil, "GET", "{n}", nil, "no-store|no-store||"},
		{"errors", "max-age=600", nil, "GET", "{n(of:7)}", nil, "no-store|no-store||"},
		{"a mutation", "max-age=600", nil, "POST", "mutation{set(to:1)}", nil, "no-store|||"},
		{"for CDNs alone", "max-age=600", func(f *config.File) { f.Policy.Cache.Outward.CacheControl = false }, "GET", "{n}", nil, "no-store|max-age=600|Query.n|accept"},
		{"a header that is passed on", "max-age=600", propagate("x-shop", "accept-language"), "GET", "{n}", []string{"X-Shop", "a"}, "public, max-age=600|max-age=600|Query.n|accept, accept-language, x-shop"},
		{"a credential that is passed on", "max-age=600", propagate("authorization"), "GET", "{n}", []string{"Authorization", "Bearer a"}, "private, max-age=600|no-store||"},
		{"there is none", "max-age=600", propagate("authorization"), "GET", "{n}", nil, "public, max-age=600|max-age=600|Query.n|accept, authorization"},
		{"one that is not passed on", "max-age=600", nil, "GET", "{n}", []string{"Authorization", "Bearer a"}, "public, max-age=600|max-age=600|Query.n|accept"},
		{"whatever the client sends", "max-age=600", propagate("x-*"), "GET", "{n}", nil, "private, max-age=600|no-store||"},
		{"not asked for", "max-age=600", func(f *config.File) {
			o := &f.Policy.Cache.Outward
			o.CacheControl, o.SurrogateControl, o.SurrogateKey.Enabled = false, false, false
		}, "GET", "{n}", nil, "no-store|||"},
		{"without a cache", "max-age=600", func(f *config.File) { f.Supergraph.Cache.Mode = "off" }, "GET", "{n}", nil, "no-store|no-store||"},
		{"joined", "max-age=600", func(f *config.File) { f.Supergraph.Inbound = true }, "GET", "{n}", nil, "public, max-age=600|max-age=600|Query.n|accept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := caching(t, c.said, c.edit)
			_, h, _ := r.fresh(c.method, c.query, c.header...)
			got := strings.Join([]string{h.Get("Cache-Control"), h.Get("Surrogate-Control"), h.Get("Surrogate-Key"), h.Get("Vary")}, "|")
			if got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			if tagged, want := h.Get("ETag") != "", c.method == "GET" && strings.Contains(c.want, "max-age"); tagged != want {
				t.Errorf("ETag: %q", h.Get("ETag"))
			}
		})
	}
}

func TestAClientThatHasTheAnswerIsToldSo(t *testing.T) {
	r := caching(t, "max-age=600", nil)
	_, h, text := r.fresh("GET", "{n}")
	etag := h.Get("ETag")
	status, h, body := r.fresh("GET", "{n}", "If-None-Match", etag)
	if status != http.StatusNotModified || body != "" || h.Get("ETag") != etag || !strings.HasPrefix(h.Get("Cache-Control"), "public, max-age=") {
		t.Errorf("%d %v %q", status, h, body)
	}
	if status, _, body = r.fresh("GET", "{n}", "If-None-Match", `"other"`); status != http.StatusOK || body != text {
		t.Errorf("%d %q", status, body)
	}
	if status, _, body = r.fresh("POST", "{n}", "If-None-Match", etag); status != http.StatusOK || body != text {
		t.Errorf("%d %q", status, body)
	}
	if status, h, body = r.fresh("HEAD", "{n}"); status != http.StatusOK || h.Get("ETag") != etag || body != "" {
		t.Errorf("%d %v %q", status, h, body)
	}
}

// Hints in the schema make less of what the subgraphs allow, and what rights were needed for is nobody else's.
func TestTheSchemaMakesLessOfWhatSubgraphsAllow(t *testing.T) {
	for _, c := range []struct{ field, want string }{
		{"n(of: Int): Int @cacheControl(maxAge: 30)", "public, max-age=30"},
		{"n(of: Int): Int @cacheControl(maxAge: 900)", "public, max-age=600"},
		{"n(of: Int): Int @cacheControl(maxAge: 0)", "no-store"},
		{"n(of: Int): Int @cacheControl(maxAge: 30, scope: PRIVATE)", "private, max-age=30"},
	} {
		r := caching(t, "max-age=600", func(f *config.File) {
			sdl := strings.NewReplacer("{a}", "http://127.0.0.1:1", "n(of: Int): Int", c.field).Replace(oneSubgraph) + `
enum CacheControlScope { PUBLIC PRIVATE }
directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION`
			f.Supergraph.File = write(t, filepath.Join(t.TempDir(), "hinted.graphql"), sdl)
		})
		if _, h, _ := r.fresh("GET", "{n}"); h.Get("Cache-Control") != c.want {
			t.Errorf("%s: %s", c.field, h.Get("Cache-Control"))
		}
	}
}

// What somebody had to have a right for is nobody else's, and neither is an answer that is less for want of one.
func TestWhatARightWasNeededForIsPrivate(t *testing.T) {
	keys := newIssuer(t)
	server := httptest.NewServer(keys)
	t.Cleanup(server.Close)
	g := startGuarded(t, server.URL, func(f *config.File) { f.Policy.Cache.Outward.CacheControl = true })
	good := keys.token(nil)
	g.keyed(1)
	for _, c := range []struct{ query, token, want string }{
		{"{open}", good, "public"}, {"{me{name}}", good, "private"}, {"{me{name}}", "", "no-store"}, {"{open me{email}}", good, "no-store"},
	} {
		_, h, text := g.fresh("GET", c.query, "Authorization", c.token)
		if got, _, _ := strings.Cut(h.Get("Cache-Control"), ","); got != c.want {
			t.Errorf("%s: %v %s", c.query, h, text)
		}
	}
}

// Without the invalidation log an answer from the cache says for how long it holds, which is not its lifetime, and nobody else is to keep it.
func TestWithoutTheLogLifetimesAreThoseThatHold(t *testing.T) {
	outward := func(f *config.File) {
		f.Redis = config.List{"127.0.0.1:1"} // nobody is there
		f.Policy.Cache.Outward.CacheControl = true
	}
	service := scripted(t, numbered())
	upstream := before(t, service, outward)
	supergraph := caching(t, "max-age=600", outward)
	degraded := func(r *rig) bool { return r.metric("weir_redis_degraded") == 1 }
	eventually(t, "both are degraded", func() bool { return degraded(upstream) && degraded(supergraph) })

	upstream.fetch(call{body: operation(bookOne)})
	g := upstream.fetch(call{body: operation(bookOne)})
	var ttl int
	if _, err := fmt.Sscanf(g.header.Get("Cache-Status"), "weir; hit; ttl=%d; detail=disconnected", &ttl); err != nil || ttl < 1 || ttl > 10 {
		t.Errorf("Cache-Status: %s", g.header.Get("Cache-Status"))
	}
	if got := g.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control of a hit: %s", got)
	}
	for i, want := range []string{"public, max-age=600", "no-store"} {
		if _, h, _ := supergraph.fresh("GET", "{n}"); h.Get("Cache-Control") != want {
			t.Errorf("Cache-Control %d of a supergraph: %s, want %s", i, h.Get("Cache-Control"), want)
		}
	}
}
