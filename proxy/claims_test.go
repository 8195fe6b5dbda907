package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// startClaimed is a sidecar over subgraphs that say whom they were asked for, by x-user, and keep the answer for a minute.
func startClaimed(t *testing.T, keys *issuer, g *guardedRig, edit func(*config.File)) *guardedRig {
	t.Helper()
	sub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.mu.Lock()
		g.asked = append(g.asked, fmt.Sprintf("%s for %q %q", r.URL.Path, r.Header["X-User"], r.Header["X_user"]))
		g.mu.Unlock()
		if g.hold != nil && r.URL.Path == "/a" {
			<-g.hold
		}
		who := strings.Join(r.Header["X-User"], "+")
		w.Header().Set("Cache-Control", "max-age=60")
		if g.private.Load() {
			w.Header().Set("Cache-Control", "private, max-age=60")
		}
		if strings.Contains(string(body), "_entities") {
			_, _ = fmt.Fprintf(w, `{"data":{"_entities":[{"__typename":"User","notes":"secret-%s"}]}}`, who)
			return
		}
		_, _ = fmt.Fprintf(w, `{"data":{"open":1,"me":{"__typename":"User","id":"1","name":"secret-name","email":"%s"}}}`, who)
	}))
	t.Cleanup(sub.Close)
	jwks := httptest.NewServer(keys)
	t.Cleanup(jwks.Close)
	sdl := strings.NewReplacer("{a}", sub.URL+"/a", "{b}", sub.URL+"/b", ` @requiresScopes(scopes: [["email"]])`, "", ` @policy(policies: [["staff"]])`, "").Replace(guardedSubgraph)
	g.rig = start(t, configuration(t, "", func(f *config.File) {
		f.Schema = ""
		f.Supergraph.File = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), sdl)
		f.Supergraph.Headers.Propagate = config.List{"x*"}
		f.Supergraph.Headers.Claims = map[string]config.Claimed{"X-User": {Claim: "sub"}}
		f.Policy.Scope.JWT = &scope.JWT{Algorithms: []string{"ES256"}, JWKSURL: jwks.URL, JWKSRefresh: "1s", Issuer: "issuer", Audience: "shop", Class: "user", Claim: "sub"}
		if edit != nil {
			edit(f)
		}
	}))
	g.keyed(1)
	return g
}

func TestClaimsReachSubgraphs(t *testing.T) {
	keys := newIssuer(t)
	g := startClaimed(t, keys, &guardedRig{}, func(f *config.File) {
		f.Supergraph.Subgraphs = map[string]config.Subgraph{"b": {Headers: config.HeaderRules{Claims: map[string]config.Claimed{"x-user": {Claim: "org.id", Default: "nobody"}}}}}
	})
	user := keys.token(jwt.MapClaims{"sub": "u7"})
	for _, c := range []struct {
		name    string
		headers []string
		want    string // what the subgraphs were asked
	}{
		{"a token", []string{"Authorization", user}, `/a for ["u7"] [] /b for ["nobody"] []`},
		{"with a claim for one subgraph", []string{"Authorization", keys.token(jwt.MapClaims{"org": jwt.MapClaims{"id": "acme"}})}, `/a for ["u1"] [] /b for ["acme"] []`},
		{"forged beside it", []string{"Authorization", keys.token(jwt.MapClaims{"sub": "u8"}), "X-User", "root", "x_user", "root"}, `/a for ["u8"] []`},
		{"forged without one", []string{"X-User", "root", "X_USER", "root"}, `/a for [] []`},
		{"a token that is not good", []string{"Authorization", newIssuer(t).token(nil), "X-User", "root", "X-Other", "1"}, `/a for [] [] /b for ["nobody"] []`},
		{"a line's end", []string{"Authorization", keys.token(jwt.MapClaims{"sub": "u1\r\nX-User: root"}), "X-Other", "2"}, `/a for [] [] /b for ["nobody"] []`},
	} {
		if _, got, asked := g.send(`{"query":"{ me { email notes } }"}`, c.headers...); !strings.HasPrefix(asked, c.want) || strings.Contains(asked, "root") {
			t.Errorf("%s: the subgraphs were asked %s, want %s\n%s", c.name, asked, c.want, got)
		}
	}
}

// Users who ask the same at the same time have their own answers, while those of one user share.
func TestClaimsShareNothing(t *testing.T) {
	for _, inbound := range []bool{false, true} {
		t.Run(fmt.Sprintf("dedup_inbound %t", inbound), func(t *testing.T) {
			keys := newIssuer(t)
			hold := make(chan struct{})
			g := startClaimed(t, keys, &guardedRig{hold: hold}, func(f *config.File) { f.Supergraph.Inbound = inbound })
			tokens := make([]string, 4)
			for i := range tokens {
				tokens[i] = keys.token(jwt.MapClaims{"sub": fmt.Sprintf("u%d", i)})
			}
			var all sync.WaitGroup
			ask := func(user int) {
				headers, want := []string{"X-User", "u0"}, `{"data":{"me":{"id":"1","email":"","notes":"secret-"}}}`
				if user < 4 {
					headers = []string{"Authorization", tokens[user], "X-User", "u0"}
					want = fmt.Sprintf(`{"data":{"me":{"id":"1","email":"u%d","notes":"secret-u%[1]d"}}}`, user)
				}
				if _, got, _ := g.send(`{"query":"{ me { id email notes } }"}`, headers...); got != want {
					t.Errorf("user %d: %s, want %s", user, got, want)
				}
			}
			for n := range 200 {
				all.Go(func() { ask(n % 5) })
			}
			joint := `weir_subgraph_shared_total{subgraph="a"}`
			if inbound {
				joint = "weir_supergraph_joined_total"
			}
			eventually(t, "some join", func() bool { return g.metric(joint) > 5 })
			close(hold)
			all.Wait()
			for user := range 5 {
				ask(user)
			}
			if joined, kept := g.metric("weir_supergraph_joined_total"), g.metric(`weir_subgraph_cached_total{subgraph="a"}`); kept == 0 || inbound != (joined > 0) {
				t.Errorf("joined %v, from the cache %v", joined, kept)
			}
		})
	}
}

// What a subgraph calls private is kept for nobody, not even where the configuration gives answers a time to live, and where it does not say so itself,
// users whose subgraphs get something of them have entries of their own.
func TestPrivateEntitiesAreKeptForNobody(t *testing.T) {
	keys := newIssuer(t)
	g := startClaimed(t, keys, &guardedRig{}, func(f *config.File) { f.Supergraph.Cache.TTL = "1m" })
	g.private.Store(true)
	for range 3 {
		for user := range 3 {
			token := keys.token(jwt.MapClaims{"sub": fmt.Sprintf("u%d", user)})
			want := fmt.Sprintf(`{"data":{"me":{"email":"u%d","notes":"secret-u%[1]d"}}}`, user)
			asks := fmt.Sprintf(`/a for ["u%d"] [] /b for ["u%[1]d"] []`, user)
			if _, got, asked := g.send(`{"query":"{ me { email notes } }"}`, "Authorization", token); got != want || asked != asks {
				t.Errorf("user %d: %s, want %s; the subgraphs were asked %s, want %s", user, got, want, asked, asks)
			}
		}
	}
	if kept := g.metric(`weir_subgraph_cached_total{subgraph="a"}`) + g.metric(`weir_subgraph_cached_total{subgraph="b"}`); kept != 0 {
		t.Errorf("%v from the cache", kept)
	}
}
