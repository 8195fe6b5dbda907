package execute

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// narrow is a supergraph in which the field of an object is narrower than that of its interface.
var narrow = strings.Split(shop, "type Query")[0] + `
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
type Query @join__type(graph: A) @join__type(graph: B) { nodes: [Node] @join__field(graph: A) strict: [Node!] @join__field(graph: A) }
interface Node @join__type(graph: A) @join__type(graph: B) { id: ID! name: String @join__field(graph: B) next: [Node] @join__field(graph: B) }
type X implements Node @join__implements(graph: A, interface: "Node") @join__implements(graph: B, interface: "Node")
  @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String @join__field(graph: B) next: [Node] @join__field(graph: B)
    label: String @join__field(graph: A, requires: "next { name }") }
type Y implements Node @join__implements(graph: A, interface: "Node") @join__implements(graph: B, interface: "Node")
  @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String! @join__field(graph: B) next: [Y!] @join__field(graph: B) }`

// A null goes as far as the type of the object's own field says, whatever the interface says by which the field is selected.
func TestNullsGoAsFarAsTheObjectsTypeSays(t *testing.T) {
	for _, c := range []struct{ name, query, a, b, want string }{
		{
			"an object whose field must not be null", `{ nodes { name } }`,
			`{"data":{"nodes":[{"__typename":"X","id":"1"},{"__typename":"Y","id":"2"}]}}`, `{"data":{"_entities":[{"name":null},null]},"errors":[{"message":"gone","path":["_entities",1,"name"]}]}`,
			`{"data":{"nodes":[{"name":null},null]},"errors":[{"message":"gone","path":["nodes",1,"name"],"extensions":{"serviceName":"b"}}]}`,
		},
		{
			"a list of such objects", `{ strict { name } }`,
			`{"data":{"strict":[{"__typename":"X","id":"1"},{"__typename":"Y","id":"2"}]}}`, `{"data":{"_entities":[{"name":"x"},null]},"errors":[{"message":"gone","path":["_entities",1,"name"]}]}`,
			`{"data":{"strict":null},"errors":[{"message":"gone","path":["strict",1,"name"],"extensions":{"serviceName":"b"}}]}`,
		},
		{
			"a field that the interface's and the object's selections share", `{ nodes { name ... on Node { called: name } } }`,
			`{"data":{"nodes":[{"__typename":"Y","id":"2"},{"__typename":"X","id":"1"}]}}`, `{"data":{"_entities":[{"name":null,"called":null},{"name":"y","called":"y"}]}}`,
			`{"data":{"nodes":[{"name":"y","called":"y"},{"name":null,"called":null}]}}`,
		},
		{
			"a field that is selected by the type of one first", `{ nodes { ... on X { name } name } }`,
			`{"data":{"nodes":[{"__typename":"Y","id":"2"},{"__typename":"X","id":"1"}]}}`, `{"data":{"_entities":[{"name":null},null]},"errors":[{"message":"gone","path":["_entities",1,"name"]}]}`,
			`{"data":{"nodes":[null,{"name":null}]},"errors":[{"message":"gone","path":["nodes",0,"name"],"extensions":{"serviceName":"b"}}]}`,
		},
		{
			"lists below", `{ nodes { next { id } } }`,
			`{"data":{"nodes":[{"__typename":"X","id":"1"},{"__typename":"Y","id":"2"}]}}`, `{"data":{"_entities":[{"next":[null]},{"next":[{"id":"3"},{"id":"4"}]}]}}`,
			`{"data":{"nodes":[{"next":[null]},{"next":[{"id":"3"},{"id":"4"}]}]}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := askAt(t, narrow, c.query, text(c.a), text(c.b)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What is required of objects of several types may be null where their own type admits it.
func TestARequiredNullIsSentWhereTheObjectsTypeAdmitsIt(t *testing.T) {
	const ask = `{ nodes { ... on X { label } } }`
	const nodes = `{"data":{"nodes":[{"__typename":"X","id":"1"}]}}`
	for _, c := range []struct{ name, next, want string }{
		{"of X", `{"__typename":"X","name":null}`, `{"data":{"nodes":[{"label":"it"}]}}`},
		{"of Y", `{"__typename":"Y","name":"y"}`, `{"data":{"nodes":[{"label":"it"}]}}`},
		{"not of Y", `{"__typename":"Y","name":null}`, `{"data":{"nodes":[{"label":null}]}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := askAt(t, narrow, ask, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if !strings.Contains(string(body), "_entities") {
					_, _ = io.WriteString(w, nodes)
					return
				}
				if !strings.Contains(string(body), `"next":[`+c.next+`]`) {
					t.Errorf("%s", body)
				}
				_, _ = io.WriteString(w, `{"data":{"_entities":[{"label":"it"}]}}`)
			}, text(`{"data":{"_entities":[{"next":[`+strings.Replace(c.next, `"name":null`, `"name":null,"_s1_name":null`, 1)+`]}]}}`))
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
