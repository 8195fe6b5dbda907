package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

func byHost(f *config.File) { f.Policy.Cache.Vary = []string{"host"} }

// reflecting answers with the value of the first of the headers that a request has, as a careless origin does that builds links of it.
func reflecting(names ...string) func(w http.ResponseWriter, r *http.Request, body string) {
	return func(w http.ResponseWriter, r *http.Request, _ string) {
		title := "clean"
		for _, name := range names {
			if v := r.Header.Values(name); len(v) > 0 {
				title = name + "=" + strings.Join(v, "|")
				break
			}
		}
		text, _ := json.Marshal(title) // a string always can be
		fmt.Fprintf(w, `{"data":{"x":{"__typename":"Book","id":"1","title":%s}}}`, text)
	}
}

// TestAttackSteeringHeaders: an origin heeds a header that no policy and no Vary names. Who sends it gets an answer of their own; nobody
// else gets that answer, and they get nobody else's.
func TestAttackSteeringHeaders(t *testing.T) {
	names := []string{
		"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Host", "X-Original-Host", "X-Original-Url",
		"X-Rewrite-Url", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "Forwarded",
	}
	s := scripted(t, reflecting(names...))
	r := before(t, s, nil)
	book := operation(bookOne)
	for _, name := range names {
		value := "evil"
		if name == "Forwarded" {
			value = "host=evil"
		}
		for range 2 {
			if g := r.fetch(call{body: book, lines: []string{name, value}}); !strings.Contains(g.body, name+"=") {
				t.Errorf("%s got %s", name, g.body)
			}
		}
	}
	for range 2 {
		if g := r.fetch(call{body: book}); !strings.Contains(g.body, `"clean"`) {
			t.Errorf("poisoned: %s", g.body)
		}
	}
	// The order of two counts: some origins take the first, some the last.
	r.apart(s, call{body: book, lines: []string{"X-Forwarded-Host", "a", "X-Forwarded-Host", "b"}}, call{body: book, lines: []string{"X-Forwarded-Host", "b", "X-Forwarded-Host", "a"}})
}

// TestAttackAddressesShareAnEntry: headers that differ with each client and hop, and that policy ignores, cost no hits.
func TestAttackAddressesShareAnEntry(t *testing.T) {
	r := before(t, scripted(t, numbered()), nil)
	calls := []call{{body: operation(bookOne)}}
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Via", "X-Request-Id", "User-Agent", "Referer", "Traceparent", "Cache-Control", "Pragma", "If-Modified-Since", "If-None-Match", "Range", "Te"} {
		calls = append(calls, call{body: operation(bookOne), lines: []string{name, "10.0.0.1"}})
	}
	r.together(calls...)
}

// TestAttackHopByHop: Connection may name a header of the key, or of the credentials, to have it dropped on the way: then key and answer
// would not belong together.
func TestAttackHopByHop(t *testing.T) {
	s := scripted(t, reflecting("X-Tenant", "Authorization", "Cookie"))
	r := before(t, s, func(f *config.File) { f.Policy.Cache.Vary = []string{"x-tenant"} })
	book := operation(bookOne)
	for _, lines := range [][]string{{"X-Tenant", "a"}, {"X-Tenant", "b"}, {}} {
		r.kept("an entry", call{body: book, lines: lines})
	}
	for _, named := range []string{"X-Tenant", "x-tenant, close", "Authorization", "Cookie", "X-Forwarded-Host"} {
		lines := []string{"X-Tenant: a", "Connection: " + named}
		m := strings.Replace(message("/graphql", book, lines...), "Connection: close\r\n", "", 1)
		if g := r.plain(m); g == nil || !strings.Contains(g.body, "X-Tenant=a") {
			t.Errorf("Connection: %s got %+v", named, g)
		}
	}
	for _, credentials := range []string{"Authorization: Bearer a", "Cookie: session=a"} {
		m := strings.Replace(message("/graphql", book, credentials, "Connection: Authorization, Cookie"), "Connection: close\r\n", "", 1)
		if g := r.plain(m); g == nil || g.hit() {
			t.Errorf("%s: %+v", credentials, g)
		}
	}
	for _, want := range [][]string{{"a", `X-Tenant=a"`}, {"b", `X-Tenant=b"`}} {
		if g := r.fetch(call{body: book, lines: []string{"X-Tenant", want[0]}}); !g.hit() || !strings.Contains(g.body, want[1]) {
			t.Errorf("%s has now %v %s", want[0], g.header, g.body)
		}
	}
}

// TestAttackCredentialsInDisguise: without a rule for credentials a request that has some never gets an entry nor fills one.
func TestAttackCredentialsInDisguise(t *testing.T) {
	s := scripted(t, numbered("Cache-Control", "public, max-age=60"))
	r := before(t, s, nil)
	book := operation(bookOne)
	r.kept("nobody's", call{body: book})
	for _, lines := range [][]string{
		{"Authorization", "Bearer x"}, {"authorization", "Basic x"}, {"AUTHORIZATION", "x"}, {"Cookie", "a=b"}, {"cookie", "x"}, {"Authorization", "x", "Authorization", "y"},
	} {
		r.never(s, strings.Join(lines, ": "), call{body: book, lines: lines})
	}
}

// TestAttackUsers: a user's header in other spellings, twice or empty is nobody's entry but that user's own.
func TestAttackUsers(t *testing.T) {
	s := scripted(t, reflecting("X-User"))
	r := before(t, s, forUsers)
	book := operation(bookOne)
	seen := map[string]string{}
	for _, user := range []string{"ann", "Ann", "ann%20", "an", "ann,ben", "ben", "a", "nn", strings.Repeat("ann", 1000)} {
		g := r.kept(user[:min(10, len(user))], call{body: book, lines: []string{"X-User", user}})
		if other, taken := seen[g.body]; taken {
			t.Errorf("%q and %q share an answer", user, other)
		}
		seen[g.body] = user
	}
	for _, twice := range [][]string{{"X-User: ann", "X-User: ben"}, {"X-User: ben", "X-User: ann"}, {"X-User: ann", "x-user: ann"}} {
		if g := r.plain(message("/graphql", book, twice...)); g == nil || g.hit() {
			t.Errorf("%q: %+v", twice, g)
		}
	}
	if g := r.fetch(call{body: book, lines: []string{"X-User", "ann"}}); !strings.Contains(g.body, `"X-User=ann"`) {
		t.Errorf("ann got %s", g.body)
	}
	if !slices.Contains([]string{`{"data":{"x":{"__typename":"Book","id":"1","title":"clean"}}}`}, r.fetch(call{body: book}).body) {
		t.Error("nobody got somebody's answer")
	}
}
