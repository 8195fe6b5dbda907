package proxy

import (
	"net/http"
	"testing"
)

// Lists are not answered in parts: the client schema does not define @stream, and an operation that uses it is refused before any subgraph is asked.
func TestStreamIsAnUnknownDirective(t *testing.T) {
	n := newNewsroom(t, nil) // whose subgraphs fail the test when they are asked
	const refused = `[{"message":"Unknown directive \"@stream\".","locations":[{"line":1,"column":6}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]`
	for _, query := range []string{`{ n @stream }`, `{ n @stream(initialCount: 1, label: "l", if: false) }`} {
		if got, text := do(t, n.address, http.MethodPost, "/graphql", operation(query)); got.StatusCode != http.StatusOK || text != `{"errors":`+refused+`}` {
			t.Errorf("%s: %d %s", query, got.StatusCode, text)
		}
	}
	c := n.talk(`{}`)
	c.subscribe("1", `{ n @stream }`)
	c.expect(`{"type":"error","id":"1","payload":` + refused + `}`)
}
