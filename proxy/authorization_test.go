package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

const guardedSubgraph = `
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
	@link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY) @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)
	@link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY) { query: Query mutation: Mutation }
directive @join__field(graph: join__Graph, requires: join__FieldSet) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | INTERFACE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
directive @policy(policies: [[policy__Policy!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
scalar requiresScopes__Scope
scalar policy__Policy
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "{a}") B @join__graph(name: "b", url: "{b}") }
type Query @join__type(graph: A) @join__type(graph: B) { open: Int @join__field(graph: A) me: User @join__field(graph: A) node: Node @join__field(graph: A) }
type Mutation @join__type(graph: A) { wipe: Int @join__field(graph: A) @requiresScopes(scopes: [["admin"]]) set: Int @join__field(graph: A) }
interface Node @join__type(graph: A) { id: ID! email: String }
type User implements Node @join__implements(graph: A, interface: "Node") @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
	id: ID!
	name: String! @join__field(graph: A) @authenticated
	email: String @join__field(graph: A) @requiresScopes(scopes: [["email"]])
	notes: String @join__field(graph: B) @policy(policies: [["staff"]])
}`

// guardedRig is a sidecar over two subgraphs with secrets, and what those were asked.
type guardedRig struct {
	*rig
	mu      sync.Mutex
	asked   []string
	hold    chan struct{} // until it is closed, subgraph a of startClaimed does not answer; nil: it does
	private atomic.Bool   // what the subgraphs call their answers, where they say whom they were asked for
}

func startGuarded(t *testing.T, keys string, edit func(*config.File)) *guardedRig {
	t.Helper()
	g := &guardedRig{}
	sub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		g.mu.Lock()
		g.asked = append(g.asked, text)
		g.mu.Unlock()
		user := `{"__typename":"User","id":"1","name":"secret-name","email":"secret-email","x":"secret-email"}`
		w.Header().Set("Cache-Control", "max-age=60")
		switch {
		case strings.Contains(text, "_entities"):
			_, _ = io.WriteString(w, `{"data":{"_entities":[{"__typename":"User","notes":"secret-notes"}]}}`)
		default:
			_, _ = fmt.Fprintf(w, `{"data":{"open":1,"wipe":1,"set":1,"me":%s,"node":%s}}`, user, user)
		}
	}))
	t.Cleanup(sub.Close)
	g.rig = start(t, configuration(t, "", func(f *config.File) {
		f.Schema = ""
		f.Supergraph.File = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), strings.NewReplacer("{a}", sub.URL+"/a", "{b}", sub.URL+"/b").Replace(guardedSubgraph))
		f.Supergraph.Authorization.PoliciesClaim = "permissions"
		f.Supergraph.Inbound = true
		f.Policy.Scope.JWT = &scope.JWT{Algorithms: []string{"ES256"}, JWKSURL: keys, JWKSRefresh: "1s", Issuer: "issuer", Audience: "shop", Class: "user", Claim: "sub"}
		if edit != nil {
			edit(f)
		}
	}))
	return g
}

// send returns the status and the answer, and what the subgraphs were asked for it.
func (g *guardedRig) send(body string, headers ...string) (status int, text, asked string) {
	g.t.Helper()
	request, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, "http://"+g.address+"/graphql", strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	g.mu.Lock()
	g.asked = nil
	g.mu.Unlock()
	a, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	out, err := io.ReadAll(a.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return a.StatusCode, string(out), strings.Join(g.asked, " ")
}

func denial(path ...string) string {
	return `{"message":"Unauthorized field or type.","path":["` + strings.Join(path, `","`) + `"],"extensions":{"code":"UNAUTHORIZED_FIELD_OR_TYPE"}}`
}

func TestAuthorizationFilters(t *testing.T) {
	keys := newIssuer(t)
	server := httptest.NewServer(keys)
	t.Cleanup(server.Close)
	g := startGuarded(t, server.URL, nil)
	good := keys.token(nil)
	g.keyed(1)
	stranger := newIssuer(t)
	for _, c := range []struct {
		name, query string
		headers     []string
		want        string
		never       string // is not asked of a subgraph
	}{
		{"nobody", `{ open me { id email } }`, nil, `{"data":{"open":1,"me":{"id":"1","email":null}},"errors":[` + denial("me", "email") + `]}`, "email"},
		{"a scope", `{ open me { id email } }`, []string{"Authorization", keys.token(jwt.MapClaims{"scope": "read email"})}, `{"data":{"open":1,"me":{"id":"1","email":"secret-email"}}}`, ""},
		{"nobody, after it was answered", `{ open me { id email } }`, nil, `{"data":{"open":1,"me":{"id":"1","email":null}},"errors":[` + denial("me", "email") + `]}`, "email"},
		{"a list of scopes", `{ me { email } }`, []string{"Authorization", keys.token(jwt.MapClaims{"scope": []string{"email"}})}, `{"data":{"me":{"email":"secret-email"}}}`, ""},
		{"a part of a word", `{ me { email } }`, []string{"Authorization", keys.token(jwt.MapClaims{"scope": "emails x-email"})}, `{"data":{"me":{"email":null}},"errors":[` + denial("me", "email") + `]}`, "email"},
		{"non-null goes up", `{ open me { name } }`, nil, `{"data":{"open":1,"me":null},"errors":[` + denial("me", "name") + `]}`, "{name"},
		{"authenticated", `{ me { name } }`, []string{"Authorization", good}, `{"data":{"me":{"name":"secret-name"}}}`, ""},
		{"with a cookie", `{ me { name } }`, []string{"Authorization", good, "Cookie", "a=b"}, `{"data":{"me":{"name":"secret-name"}}}`, ""},
		{"expired", `{ me { name } }`, []string{"Authorization", keys.token(jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()})}, `{"data":{"me":null},"errors":[` + denial("me", "name") + `]}`, "{name"},
		{"another audience", `{ me { name } }`, []string{"Authorization", keys.token(jwt.MapClaims{"aud": "bank"})}, `{"data":{"me":null},"errors":[` + denial("me", "name") + `]}`, "{name"},
		{"another issuer", `{ me { name } }`, []string{"Authorization", keys.token(jwt.MapClaims{"iss": "me"})}, `{"data":{"me":null},"errors":[` + denial("me", "name") + `]}`, "{name"},
		{"another key of that name", `{ me { name } }`, []string{"Authorization", stranger.token(nil)}, `{"data":{"me":null},"errors":[` + denial("me", "name") + `]}`, "{name"},
		{"two tokens", `{ me { name } }`, []string{"Authorization", good, "Authorization", good}, `{"data":{"me":null},"errors":[` + denial("me", "name") + `]}`, "{name"},
		{"no token", `{ me { name } }`, []string{"Authorization", "Basic x"}, `{"data":{"me":null},"errors":[` + denial("me", "name") + `]}`, "{name"},
		{"an alias", `{ me { id x: email } }`, nil, `{"data":{"me":{"id":"1","x":null}},"errors":[` + denial("me", "x") + `]}`, "email"},
		{"an interface", `{ node { id email } }`, nil, `{"data":{"node":{"id":"1","email":null}},"errors":[` + denial("node", "email") + `]}`, "email"},
		{"a fragment of an interface", `{ node { ...f } } fragment f on User { id email }`, nil, `{"data":{"node":{"id":"1","email":null}},"errors":[` + denial("node", "email") + `]}`, "email"},
		{"an entity", `{ me { id notes } }`, []string{"Authorization", good}, `{"data":{"me":{"id":"1","notes":null}},"errors":[` + denial("me", "notes") + `]}`, "notes"},
		{"an entity, with the policy", `{ me { id notes } }`, []string{"Authorization", keys.token(jwt.MapClaims{"permissions": []string{"staff"}})}, `{"data":{"me":{"id":"1","notes":"secret-notes"}}}`, ""},
		{"an entity, of the cache", `{ me { id notes } }`, []string{"Authorization", good}, `{"data":{"me":{"id":"1","notes":null}},"errors":[` + denial("me", "notes") + `]}`, "notes"},
		{"a scope is no policy", `{ me { id notes } }`, []string{"Authorization", keys.token(jwt.MapClaims{"scope": "staff"})}, `{"data":{"me":{"id":"1","notes":null}},"errors":[` + denial("me", "notes") + `]}`, "notes"},
		{"a mutation", `mutation { wipe set }`, []string{"Authorization", good}, `{"data":{"wipe":null,"set":1},"errors":[` + denial("wipe") + `]}`, "wipe"},
		{"only what is not allowed", `mutation { wipe }`, nil, `{"data":{"wipe":null},"errors":[` + denial("wipe") + `]}`, "mutation"},
		{"a mutation that is allowed", `mutation { wipe }`, []string{"Authorization", keys.token(jwt.MapClaims{"scope": "admin"})}, `{"data":{"wipe":1}}`, ""},
		{"skip", `{ me { id email @skip(if: false) ... @include(if: true) { email } } }`, nil, `{"data":{"me":{"id":"1","email":null}},"errors":[` + denial("me", "email") + `]}`, "email"},
		{"introspection", `{ __type(name: "User") { name } }`, nil, `{"data":{"__type":{"name":"User"}}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, got, asked := g.send(fmt.Sprintf(`{"query":%q}`, c.query), c.headers...)
			if status != http.StatusOK || got != c.want {
				t.Errorf("%d %s, want %s", status, got, c.want)
			}
			if c.never != "" && strings.Contains(asked, c.never) {
				t.Errorf("a subgraph was asked %s", asked)
			}
		})
	}
	batch := `[{"query":"{ me { id email } }"},{"query":"mutation { wipe }"},{"query":"{ open }"}]`
	want := `[{"data":{"me":{"id":"1","email":null}},"errors":[` + denial("me", "email") + `]},{"data":{"wipe":null},"errors":[` + denial("wipe") + `]},{"data":{"open":1}}]`
	if _, got, asked := g.send(batch); got != want || strings.Contains(asked, "wipe") || strings.Contains(asked, "email") {
		t.Errorf("batch: %s, want %s", got, want)
	}
}

func TestAuthorizationRejects(t *testing.T) {
	keys := newIssuer(t)
	server := httptest.NewServer(keys)
	t.Cleanup(server.Close)
	g := startGuarded(t, server.URL, func(f *config.File) { f.Supergraph.Authorization.Mode = "reject" })
	g.keyed(1)
	want := `{"errors":[{"message":"Unauthorized field or type.","path":["me","email"],"extensions":{"code":"UNAUTHORIZED_FIELD_OR_TYPE"}}]}`
	if status, got, asked := g.send(`{"query":"{ open me { email } }"}`); status != http.StatusForbidden || got != want || asked != "" {
		t.Errorf("%d %s, asked %q", status, got, asked)
	}
	if status, got, asked := g.send(`[{"query":"mutation { set }"},{"query":"{ me { email } }"}]`); status != http.StatusForbidden || asked != "" {
		t.Errorf("batch: %d %s, asked %q", status, got, asked)
	}
	if status, got, _ := g.send(`{"query":"{ me { email } }"}`, "Authorization", keys.token(jwt.MapClaims{"scope": "email"})); status != http.StatusOK || got != `{"data":{"me":{"email":"secret-email"}}}` {
		t.Errorf("allowed: %d %s", status, got)
	}
}

// Keys that cannot be had make everybody unknown, and what is open flows; a key that is gone is no key any more.
func TestAuthorizationFollowsTheKeys(t *testing.T) {
	keys := newIssuer(t)
	keys.down.Store(true)
	server := httptest.NewServer(keys)
	t.Cleanup(server.Close)
	g := startGuarded(t, server.URL, nil)
	const query = `{"query":"{ open me { name } }"}`
	const allowed, denied = `{"data":{"open":1,"me":{"name":"secret-name"}}}`, `{"data":{"open":1,"me":null},"errors":[`
	old := keys.token(nil)
	if _, got, _ := g.send(query, "Authorization", old); !strings.HasPrefix(got, denied) {
		t.Errorf("without keys: %s", got)
	}
	keys.down.Store(false)
	g.keyed(1)
	if _, got, _ := g.send(query, "Authorization", old); got != allowed {
		t.Errorf("with keys: %s", got)
	}
	keys.rotate("k2")
	g.keyed(2)
	if _, got, _ := g.send(query, "Authorization", keys.token(nil)); got != allowed {
		t.Errorf("the new key's: %s", got)
	}
	if _, got, _ := g.send(query, "Authorization", old); !strings.HasPrefix(got, denied) {
		t.Errorf("the old key's: %s", got)
	}
}

// Callers with different rights who ask the same at once do not have each other's answers.
func TestAuthorizationSharesNothing(t *testing.T) {
	keys := newIssuer(t)
	server := httptest.NewServer(keys)
	t.Cleanup(server.Close)
	g := startGuarded(t, server.URL, nil)
	g.keyed(1)
	tokens := []string{"Basic x", keys.token(nil), keys.token(jwt.MapClaims{"scope": "email"}), keys.token(jwt.MapClaims{"permissions": "staff"})}
	may := [][]string{nil, {"name"}, {"name", "email"}, {"name", "notes"}}
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			_, got, _ := g.send(`{"query":"{ me { email notes } open node { ... on User { name } } }"}`, "Authorization", tokens[n%4])
			for _, secret := range []string{"name", "email", "notes"} {
				if have := strings.Contains(got, "secret-"+secret); have != slices.Contains(may[n%4], secret) {
					t.Errorf("caller %d: %s", n%4, got)
				}
			}
		})
	}
	all.Wait()
}
