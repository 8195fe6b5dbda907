package execute

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

const shop = `
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph { A @join__graph(name: "a", url: "{a}") B @join__graph(name: "b", url: "{b}") }
type Query @join__type(graph: A) @join__type(graph: B) { products: [Product] @join__field(graph: A) }
type Product @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  name: String @join__field(graph: A)
  stock: Int @join__field(graph: B)
  price: Int! @join__field(graph: B)
}`

const products = `{"data":{"products":[{"__typename":"Product","id":"1","name":"A"},{"__typename":"Product","id":"2","name":"B"},{"__typename":"Product","id":"1","name":"C"}]}}`

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
}

// raw answers with bytes and then closes or, with hang, waits for the client to go.
func raw(s string, hang bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, s)
		if hang {
			_, _ = c.Read(make([]byte, 1))
		} else if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// noStock is the client's answer without the second subgraph's part.
func noStock(errors string) string {
	return `{"data":{"products":[{"name":"A","stock":null},{"name":"B","stock":null},{"name":"C","stock":null}]},"errors":[` + errors + `]}`
}

func failedWith(code, message string) string {
	return noStock(`{"message":"` + message + `","path":["products"],"extensions":{"code":"` + code + `","serviceName":"b"}}`)
}

const (
	plain    = `{ products { name stock } }`
	whole    = `{"data":{"products":[{"name":"A","stock":7},{"name":"B","stock":8},{"name":"C","stock":7}]}}`
	stocks   = `{"data":{"_entities":[{"stock":7},{"stock":8}]}}`
	headOnly = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
)

func TestFaultsOfASubgraph(t *testing.T) {
	closed := failedWith("subgraph.closed", "A subgraph ended the connection before its answer was complete.")
	late := failedWith("subgraph.timeout", "A subgraph did not answer in time.")
	unreadable := failedWith("subgraph.bad_answer", "The answer of a subgraph cannot be read.")
	misfit := failedWith("subgraph.bad_value", "A value from a subgraph does not fit the schema.")
	for _, c := range []struct {
		name, query string
		b           http.HandlerFunc // nil: nobody listens
		want        string
	}{
		{"well", plain, text(stocks), whole},
		{"refused", plain, nil, failedWith("subgraph.connect", "A subgraph cannot be reached.")},
		{"reset before the head", plain, raw("", false), closed},
		{"reset in the body", plain, raw(headOnly+`{"data":`, false), closed},
		{"slow head", plain, raw("HTTP/1.1 200", true), late},
		{"slow body", plain, raw(headOnly+`{"data":`, true), late},
		{"content type of a page around JSON", plain, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, stocks)
		}, whole},
		{"HTML", plain, text("<html><body>502</body></html>"), unreadable},
		{"not HTTP", plain, raw("SSH-2.0-OpenSSH\r\n", true), unreadable},
		{"truncated JSON", plain, text(stocks[:len(stocks)-2]), unreadable},
		{"empty body", plain, text(""), unreadable},
		{"no data and no errors", plain, text(`{"extensions":{}}`), unreadable},
		{"10 MB", plain, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"data":{"_entities":[{"stock":7},{"stock":8}]},"extensions":"`+strings.Repeat("x", 10<<20)+`"}`)
		}, unreadable},
		{"deep JSON", plain, text(strings.Repeat("[", 100_000)), unreadable},
		{"null entities", plain, text(`{"data":{"_entities":null}}`), strings.TrimSuffix(noStock(""), `,"errors":[]}`) + "}"},
		{"a null entity", plain, text(`{"data":{"_entities":[null,{"stock":8}]}}`), `{"data":{"products":[{"name":"A","stock":null},{"name":"B","stock":8},{"name":"C","stock":null}]}}`},
		{"an entity too few", plain, text(`{"data":{"_entities":[{"stock":7}]}}`), misfit},
		{"an entity too many", plain, text(`{"data":{"_entities":[{"stock":7},{"stock":8},{"stock":9}]}}`), misfit},
		{"entities that are no list", plain, text(`{"data":{"_entities":{"stock":7}}}`), misfit},
		{
			"errors with data", plain, text(`{"errors":[{"message":"no","path":["_entities",0,"stock"],"extensions":{"code":"X"}}],"data":{"_entities":[{"stock":null},{"stock":8}]}}`),
			`{"data":{"products":[{"name":"A","stock":null},{"name":"B","stock":8},{"name":"C","stock":null}]},"errors":[` +
				`{"message":"no","path":["products",0,"stock"],"extensions":{"code":"X","serviceName":"b"}},` +
				`{"message":"no","path":["products",2,"stock"],"extensions":{"code":"X","serviceName":"b"}}]}`,
		},
		{"errors without data", plain, text(`{"errors":[{"message":"down"}]}`), noStock(`{"message":"down","extensions":{"serviceName":"b"}}`)},
		{"500 with a GraphQL body", plain, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"errors":[{"message":"down"}],"data":null}`)
		}, noStock(`{"message":"down","extensions":{"serviceName":"b"}}`)},
		{"500 with data alone", plain, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, stocks)
		}, unreadable},
		{
			"a value of another type", plain, text(`{"data":{"_entities":[{"stock":"7"},{"stock":8}]}}`),
			`{"data":{"products":[{"name":"A","stock":null},{"name":"B","stock":8},{"name":"C","stock":null}]},"errors":[` +
				`{"message":"The value does not fit the type Int.","path":["products",0,"stock"],"extensions":{"code":"subgraph.bad_value"}},` +
				`{"message":"The value does not fit the type Int.","path":["products",2,"stock"],"extensions":{"code":"subgraph.bad_value"}}]}`,
		},
		{
			"null where none may be", `{ products { price } }`, text(`{"data":{"_entities":[{"price":null},{"price":8}]}}`),
			`{"data":{"products":[null,{"price":8},null]},"errors":[` +
				`{"message":"Cannot return null for non-nullable field Product.price.","path":["products",0,"price"],"extensions":{"code":"subgraph.bad_value"}},` +
				`{"message":"Cannot return null for non-nullable field Product.price.","path":["products",2,"price"],"extensions":{"code":"subgraph.bad_value"}}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := patience
			if strings.HasSuffix(c.name, "MB") {
				limit = time.Minute // its bytes, not their time, are what it is refused for
			}
			got := askWithin(t, limit, shop, c.query, text(products), c.b)
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if !json.Valid([]byte(got)) {
				t.Error("no JSON")
			}
		})
	}
}

func ask(t *testing.T, query string, a, b http.HandlerFunc) string {
	t.Helper()
	return askAt(t, shop, query, a, b)
}

// askAt asks two subgraphs of another supergraph.
func askAt(t *testing.T, sdl, query string, a, b http.HandlerFunc) string {
	t.Helper()
	return askWithin(t, patience, sdl, query, a, b)
}

// askWithin has another time for a subgraph's answer.
func askWithin(t *testing.T, limit time.Duration, sdl, query string, a, b http.HandlerFunc) string {
	t.Helper()
	sg, e := supergraphWithin(t, limit, sdl, a, b)
	p := planner.Build(sg.Schema(), query, "", planner.Options{})
	var v planner.Values
	p.Coerce(nil, &v)
	plan, err := p.Fetches(&v)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := e.Execute(t.Context(), &Request{Plan: plan, Values: &v}, nil)
	return string(body)
}

// shopAt is the shop of two subgraphs; nil: nobody listens.
func shopAt(t *testing.T, a, b http.HandlerFunc) (*planner.Supergraph, *Executor) {
	t.Helper()
	return supergraphAt(t, shop, a, b)
}

func supergraphAt(t *testing.T, sdl string, a, b http.HandlerFunc) (*planner.Supergraph, *Executor) {
	t.Helper()
	return supergraphWithin(t, patience, sdl, a, b)
}

func supergraphWithin(t *testing.T, limit time.Duration, sdl string, a, b http.HandlerFunc) (*planner.Supergraph, *Executor) {
	t.Helper()
	address := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		if h == nil {
			s.Close()
		} else {
			t.Cleanup(s.Close)
		}
		return s.URL
	}
	sg, err := planner.LoadSupergraph("shop", strings.NewReplacer("{a}", address(a), "{b}", address(b)).Replace(sdl))
	if err != nil {
		t.Fatal(err)
	}
	var clients []*subgraph.Client
	for _, s := range sg.Subgraphs() {
		c, err := subgraph.New(subgraph.Config{URL: s.URL, Share: true, Timeout: limit})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		clients = append(clients, c)
	}
	return sg, New(Config{Clients: clients})
}

func TestAFailedRootFetchNamesItsFields(t *testing.T) {
	got := ask(t, `{ products { name } again: products { name } }`, nil, text(stocks))
	failed := func(field string) string {
		return `{"message":"A subgraph cannot be reached.","path":["` + field + `"],"extensions":{"code":"subgraph.connect","serviceName":"a"}}`
	}
	if want := `{"data":{"products":null,"again":null},"errors":[` + failed("products") + "," + failed("again") + `]}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAServiceThatASubgraphNamesIsNotNamedTwice(t *testing.T) {
	got := ask(t, plain, text(products), text(`{"errors":[{"message":"no","extensions":{"serviceName":"deep","code":"X"}}]}`))
	if want := noStock(`{"message":"no","extensions":{"serviceName":"deep","code":"X"}}`); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
