package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const shopGraph = `schema @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT
directive @join__field(graph: join__Graph, requires: String) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @link(url: String, for: link__Purpose) repeatable on SCHEMA
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph {
  A @join__graph(name: "products", url: "http://127.0.0.1:4101/graphql")
  B @join__graph(name: "stock", url: "{url}")
}
type Query @join__type(graph: A) @join__type(graph: B) { products: [Product] @join__field(graph: A) }
type Product @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String @join__field(graph: A) stock: Int @join__field(graph: B) }
`

func TestPlanAndCheckOfASupergraph(t *testing.T) {
	with := func(from, to string) string {
		return strings.Replace(strings.Replace(shopGraph, from, to, 1), "{url}", "http://127.0.0.1:4102/graphql", 1)
	}
	dir := folder(t, map[string]string{
		"shop.graphql": with("", ""), "tcp.graphql": with("{url}", "tcp://127.0.0.1:4102"), "new.graphql": with("join/v0.3", "join/v1.0"),
		"odd.graphql": with("name: String @", "name: Missing @"), "cut.graphql": with("key: \"id\") {", "key: \"id\")"),
		"over.yaml": "supergraph:\n  file: tcp.graphql\n  subgraphs: { stock: { url: 'http://127.0.0.1:4102/graphql' } }\n",
		"dear.yaml": "supergraph:\n  file: shop.graphql\n  budget: { mode: enforce, subgraph: 12 }\n  subgraphs: { stock: { budget: 9 } }\n",
		"none.yaml": "supergraph:\n  file: shop.graphql\n  subgraphs: { stocks: { timeout: 1s } }\n",
	})
	const guarded = `@link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY) { query: Query }
scalar requiresScopes__Scope
directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on FIELD_DEFINITION | OBJECT`
	for name, text := range map[string]string{
		"guarded.graphql": strings.Replace(with("name: String @", "name: String @requiresScopes(scopes: [[\"staff\"]]) @"), "{ query: Query }", guarded, 1),
		"claims.yaml":     "supergraph:\n  file: shop.graphql\n  subgraphs: { stock: { headers: { claims: { x-user: { claim: sub } } } } }\n",
		"proven.yaml": "supergraph:\n  file: guarded.graphql\n  headers: { claims: { x-user: { claim: sub } } }\n" +
			"policy: { scope: { jwt: { algorithms: [HS256], secret: 0123456789abcdef0123456789abcdef, class: user, claim: sub } } }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const query = "{ products { name stock } }"
	for name, c := range map[string]struct {
		args     []string
		stdin    string
		code     int
		out, err string
	}{
		"plan":             {[]string{"plan", "--supergraph", "shop.graphql", "-"}, query, 0, "fetches      2 in 2 waves\n             └─ 1 products\n", ""},
		"plan, lookup":     {[]string{"plan", "--supergraph", "shop.graphql", "-"}, query, 0, "└─ 2 stock, after 1\n                      for products", ""},
		"plan, costs":      {[]string{"plan", "--supergraph", "shop.graphql", "-"}, query, 0, "fetch costs  1 products 11, 2 stock 10 points\n", ""},
		"plan, budget":     {[]string{"plan", "-c", "dear.yaml", "-"}, query, 1, "  over       the subgraph stock costs up to 10 points, the budget is 9\n", ""},
		"plan, invalid":    {[]string{"plan", "--supergraph", "shop.graphql", "-"}, "{ nope }", 1, "GRAPHQL_VALIDATION_FAILED", ""},
		"plan, broken":     {[]string{"plan", "--supergraph", "odd.graphql", "-"}, query, 1, "", "odd.graphql:12:90: type Product, field name: its type Missing is not defined"},
		"check":            {[]string{"check", "--supergraph", "shop.graphql"}, "", 0, "file: shop.graphql", ""},
		"check, address":   {[]string{"check", "--supergraph", "tcp.graphql"}, "", 1, "", `tcp.graphql:9:1: enum join__Graph, subgraph stock: "tcp://127.0.0.1:4102" is no address that can be asked`},
		"check, overruled": {[]string{"check", "-c", "over.yaml"}, "", 0, "", ""},
		"check, unknown":   {[]string{"check", "-c", "none.yaml"}, "", 1, "", "supergraph.subgraphs.stocks: the supergraph has no such subgraph; it has products, stock"},
		"check, guarded": {[]string{"check", "--quiet", "--supergraph", "guarded.graphql"}, "", 0, "", "warning: guarded.graphql:14:1: type Product, field name: " +
			`@requiresScopes(scopes: [["staff"]]) is enforced, but no token is verified, so nobody gets it; set policy.scope.jwt`},
		"check, claims":  {[]string{"check", "-c", "claims.yaml"}, "", 0, "file: shop.graphql", "warning: supergraph.headers.claims: no token is verified"},
		"check, join":    {[]string{"check", "--supergraph", "new.graphql"}, "", 1, "", "new.graphql:1:9: @link: the supergraph is composed with join v1.0"},
		"check, cut":     {[]string{"check", "--supergraph", "cut.graphql"}, "", 1, "", "cut.graphql:12:"},
		"check, missing": {[]string{"check", "--supergraph", "none.graphql"}, "", 1, "", "supergraph: stat none.graphql: no such file or directory; name the SDL file"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call(t, dir, c.stdin, c.args...)
			if r.code != c.code || !strings.Contains(r.out, c.out) || !strings.Contains(r.err, c.err) {
				t.Errorf("weir %s: exit %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s", strings.Join(c.args, " "), r.code, c.code, c.out, r.out, c.err, r.err)
			}
		})
	}
	if r := call(t, dir, "", "check", "--quiet", "-c", "proven.yaml"); r.code != 0 || r.err != "" {
		t.Errorf("with a rule for tokens: exit %d\n%s", r.code, r.err)
	}
	var plan struct {
		Fetches struct {
			Subgraphs []string
			Steps     []struct {
				Subgraph int
				After    []int
				Query    string
			}
		}
	}
	r := call(t, dir, query, "plan", "--supergraph", "shop.graphql", "--json", "-")
	if err := json.Unmarshal([]byte(r.out), &plan); err != nil || len(plan.Fetches.Steps) != 2 || plan.Fetches.Steps[1].After[0] != 0 ||
		plan.Fetches.Subgraphs[plan.Fetches.Steps[1].Subgraph] != "stock" || plan.Fetches.Steps[1].Query == "" {
		t.Errorf("%v %+v", err, plan)
	}
}
