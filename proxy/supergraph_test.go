package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

const oneSubgraph = `
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query mutation: Mutation }
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "{a}") }
type Query @join__type(graph: A) { n(of: Int): Int }
type Mutation @join__type(graph: A) { set(to: Int!): Int }`

func TestSupergraphMode(t *testing.T) {
	sub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch text := string(body); {
		case strings.Contains(text, "mutation"):
			_, _ = io.WriteString(w, `{"data":{"set":5}}`)
		case strings.Contains(text, `"of":3`):
			_, _ = io.WriteString(w, `{"data":{"n":3}}`)
		default:
			_, _ = io.WriteString(w, `{"data":{"n":1}}`)
		}
	}))
	t.Cleanup(sub.Close)
	r := start(t, configuration(t, "", func(f *config.File) {
		f.Schema = ""
		f.Supergraph = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), strings.ReplaceAll(oneSubgraph, "{a}", sub.URL))
	}))
	for _, c := range []struct {
		name, body string
		status     int
		want       string // a part of the answer; the whole when it begins with {"data" or [
	}{
		{"ping", `{"query":"query ping { __typename }","operationName":"ping"}`, 200, `{"data":{"__typename":"Query"}}`},
		{"query", `{"query":"{ n }"}`, 200, `{"data":{"n":1}}`},
		{"again", `{"query":"{ n }"}`, 200, `{"data":{"n":1}}`},
		{"variables", `{"query":"query($of:Int){ n(of:$of) }","variables":{"of":3}}`, 200, `{"data":{"n":3}}`},
		{"wrong variables", `{"query":"query($of:Int){ n(of:$of) }","variables":{"of":"x"}}`, 200, `"code":"BAD_USER_INPUT"`},
		{"mutation", `{"query":"mutation { set(to: 5) }"}`, 200, `{"data":{"set":5}}`},
		{"batch", `[{"query":"{ n }"},{"query":"query Second { n }"}]`, 200, `[{"data":{"n":1}},{"data":{"n":1}}]`},
		{"invalid", `{"query":"{ missing }"}`, 200, `"code":"GRAPHQL_VALIDATION_FAILED"`},
		{"syntax", `{"query":"{"}`, 200, `"code":"GRAPHQL_PARSE_FAILED"`},
		{"no JSON", `{`, 400, `"code":"BAD_REQUEST"`},
		{"unknown hash", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`, 200, `"code":"PERSISTED_QUERY_NOT_FOUND"`},
		{"another document's hash", `{"query":"{ n }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`, 400, `"code":"BAD_REQUEST"`},
		{"introspection", `{"query":"{ __schema { queryType { name } } }"}`, 200, `{"data":{"__schema":{"queryType":{"name":"Query"}}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			head, text := do(t, r.address, http.MethodPost, "/graphql", c.body)
			whole := strings.HasPrefix(c.want, `{"data"`) || c.want[0] == '['
			if head.StatusCode != c.status || whole && text != c.want || !strings.Contains(text, c.want) {
				t.Errorf("%d %s, want %d %s", head.StatusCode, text, c.status, c.want)
			}
		})
	}
	if head, _ := do(t, r.admin, http.MethodGet, "/readyz", ""); head.StatusCode != http.StatusOK {
		t.Errorf("readyz: %d", head.StatusCode)
	}
	if head, _ := do(t, r.address, http.MethodGet, "/other", ""); head.StatusCode != http.StatusBadGateway {
		t.Errorf("another path: %d", head.StatusCode)
	}
}
