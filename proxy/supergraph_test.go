package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
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
	withSubscription := strings.Replace(oneSubgraph, "mutation: Mutation", "mutation: Mutation subscription: Subscription", 1) + "\ntype Subscription @join__type(graph: A) { ticks: Int }"
	sub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch text := string(body); {
		case strings.Contains(text, "subscription"):
			t.Errorf("a subscription was sent as a request: %s", text)
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
		f.Supergraph.File = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), strings.ReplaceAll(withSubscription, "{a}", sub.URL))
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
		{"batch with a subscription", `[{"query":"{ n }"},{"query":"subscription { ticks }"}]`, 200, `A subscription is asked for by a request of its own.`},
		{"subscription", `{"query":"subscription { ticks }"}`, 406, `"code":"subscription.media"`},
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
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{http.MethodGet, "/other", "", http.StatusNotFound, "http.not_found"},
		{http.MethodPost, "/other", "{}", http.StatusNotFound, "http.not_found"},
		{http.MethodGet, "/graphql", "", http.StatusNotFound, "http.not_found"},
		{http.MethodPost, "/graphql", `{"query":"{ n }","x":"` + strings.Repeat("x", 1<<20) + `"}`, http.StatusRequestEntityTooLarge, "http.body_too_large"},
	} {
		head, text := do(t, r.address, c.method, c.path, c.body)
		if head.StatusCode != c.status || head.Header.Get("Weir-Error") != c.code || text == "" {
			t.Errorf("%s %s: %d %s %s, want %d %s", c.method, c.path, head.StatusCode, head.Header.Get("Weir-Error"), text, c.status, c.code)
		}
	}
}

// fetching starts a sidecar over one subgraph, whose requests handle sees. edit changes the configuration.
func fetching(t *testing.T, handle http.HandlerFunc, edit func(*config.File)) *rig {
	t.Helper()
	sub := httptest.NewServer(handle)
	t.Cleanup(sub.Close)
	return start(t, configuration(t, "", func(f *config.File) {
		f.Schema = ""
		f.Supergraph.File = write(t, filepath.Join(t.TempDir(), "supergraph.graphql"), strings.ReplaceAll(oneSubgraph, "{a}", "http://127.0.0.1:1"))
		f.Supergraph.Subgraphs = map[string]config.Subgraph{"a": {URL: sub.URL}}
		if edit != nil {
			edit(f)
		}
	}))
}

// There is nobody behind the sidecar to whom bytes could go on that it does not understand: they are refused as what they are.
func TestWhatIsNoHTTP1IsRefusedInFrontOfSubgraphs(t *testing.T) {
	r := fetching(t, func(http.ResponseWriter, *http.Request) { t.Error("a subgraph was asked") }, nil)
	for name, bytes := range map[string]string{
		"TLS": "\x16\x03\x01\x00\x05hello", "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "nothing known": "\x00\x01\x02\x03\x04\x05", "a strange request line": "GET\r\n\r\n",
		"two framings": "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		c := dialWire(t, r.address)
		_, _ = io.WriteString(c.Conn, bytes)
		if got, err := io.ReadAll(c.Reader); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400 ") || !strings.Contains(string(got), "\r\nWeir-Error: http.bad_framing\r\n") {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

// post sends the query { n } with headers.
func (r *rig) post(header ...string) string {
	r.t.Helper()
	_, _, text := r.fresh(http.MethodPost, "{ n }", header...)
	return text
}

func TestHeadersToSubgraphs(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	seen := make(chan http.Header, 1)
	handle := func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		_, _ = io.WriteString(w, `{"data":{"n":1}}`)
	}
	ask := func(r *rig) http.Header {
		if got := r.post("Authorization", "Bearer t", "Cookie", "c=1", "X-A", "a", "Traceparent", parent); got != `{"data":{"n":1}}` {
			t.Errorf("%s", got)
		}
		return <-seen
	}
	h := ask(fetching(t, handle, nil))
	if h.Get("Authorization") != "" || h.Get("Cookie") != "" || h.Get("X-A") != "" || h.Get("Traceparent") != parent || h.Get("User-Agent") != "weir" {
		t.Errorf("by itself: %v", h)
	}
	h = ask(fetching(t, handle, func(f *config.File) {
		f.Supergraph.Headers = config.HeaderRules{Propagate: config.List{"authorization", "x-*"}, Insert: map[string]string{"x-from": "weir"}}
		sub := f.Supergraph.Subgraphs["a"]
		sub.Headers = config.HeaderRules{Remove: config.List{"x-a"}, Insert: map[string]string{"x-key": "k"}}
		f.Supergraph.Subgraphs["a"] = sub
	}))
	if h.Get("Authorization") != "Bearer t" || h.Get("Cookie") != "" || h.Get("X-A") != "" || h.Get("X-From") != "weir" || h.Get("X-Key") != "k" {
		t.Errorf("by rules: %v", h)
	}
	r := fetching(t, handle, func(f *config.File) { f.Supergraph.Trace = "create" })
	if r.post(); len((<-seen).Get("Traceparent")) != len(parent) {
		t.Error("no trace began")
	}
}

func TestASlowSubgraphAndItsBreaker(t *testing.T) {
	leave := make(chan struct{})
	r := fetching(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-leave:
		case <-r.Context().Done():
		}
	}, func(f *config.File) {
		sub := f.Supergraph.Subgraphs["a"]
		sub.Timeout = "30ms"
		f.Supergraph.Subgraphs["a"] = sub
		f.Policy.Breaker.Mode, f.Policy.Breaker.Requests, f.Policy.Breaker.Open = "enforce", 3, "1h"
	})
	defer close(leave)
	for range 3 {
		if got := r.post(); !strings.Contains(got, `"code":"subgraph.timeout"`) {
			t.Fatal(got)
		}
	}
	if got := r.post(); !strings.Contains(got, `"code":"subgraph.breaker"`) || !strings.Contains(got, `"data":{"n":null}`) {
		t.Error(got)
	}
	_, metrics := do(t, r.admin, http.MethodGet, "/metrics", "")
	for _, want := range []string{
		`weir_subgraph_fetches_total{subgraph="a"} 3`, `weir_subgraph_failures_total{reason="timeout",subgraph="a"} 3`,
		`weir_subgraph_refused_total{subgraph="a"} 1`, `weir_subgraph_breaker{subgraph="a"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in /metrics", want)
		}
	}
	if n := r.log.count("a subgraph fails: its breaker opened"); n != 1 {
		t.Errorf("%d lines about the breaker", n)
	}
}

func TestMaskedErrors(t *testing.T) {
	r := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"errors":[{"message":"password wrong at db-7","path":["n"],"extensions":{"stack":"x"}}],"data":{"n":null}}`)
	}, func(f *config.File) { f.Supergraph.MaskErrors = true })
	if got := r.post(); strings.Contains(got, "db-7") || strings.Contains(got, "stack") || !strings.Contains(got, `"path":["n"]`) {
		t.Error(got)
	}
}

// A client that leaves ends the fetches of its query; a mutation is done in whole.
func TestAClientThatLeavesEndsItsFetches(t *testing.T) {
	begun, ended, finish := make(chan string, 1), make(chan string, 1), make(chan struct{})
	r := fetching(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		kind := "query"
		if strings.Contains(string(body), "mutation") {
			kind = "mutation"
		}
		begun <- kind
		select {
		case <-r.Context().Done():
			ended <- kind + " ended"
		case <-finish:
			_, err := io.WriteString(w, `{"data":{"set":1}}`)
			ended <- kind + " done"
			if err != nil {
				t.Error(err)
			}
		}
	}, nil)
	leave := func(query string) {
		t.Helper()
		c, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(query), query)
		<-begun
		_ = c.Close()
	}
	leave(`{"query":"{ n }"}`)
	if got := <-ended; got != "query ended" {
		t.Error(got)
	}
	leave(`{"query":"mutation { set(to: 1) }"}`)
	leave(`{"query":"{ n }"}`) // by its end, the other client's leaving would have been seen
	if got := <-ended; got != "query ended" {
		t.Error(got)
	}
	close(finish)
	if got := <-ended; got != "mutation done" {
		t.Error(got)
	}
	_, metrics := do(t, r.admin, http.MethodGet, "/metrics", "")
	if !strings.Contains(metrics, "weir_clients_left_total 2\n") || !strings.Contains(metrics, `weir_subgraph_failures_total{reason="timeout",subgraph="a"} 0`) {
		t.Error("two clients left, and no subgraph failed")
	}
}

// Clients that ask for the same at once are one to the subgraph: by itself each fetch is shared, and with dedup_inbound each query. The first of
// them leaves, and the others have their answer all the same.
func TestWhatIsAskedTwiceAtOnceIsFetchedOnce(t *testing.T) {
	for _, c := range []struct {
		metric  string
		inbound bool
	}{{`weir_subgraph_shared_total{subgraph="a"}`, false}, {`weir_supergraph_joined_total`, true}} {
		begun, finish := make(chan bool, 3), make(chan struct{})
		r := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
			begun <- true
			<-finish
			_, _ = io.WriteString(w, `{"data":{"n":1}}`)
		}, func(f *config.File) { f.Supergraph.Inbound = c.inbound })
		first, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		query := `{"query":"{ n }"}`
		fmt.Fprintf(first, "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(query), query)
		<-begun
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if got := r.post(); got != `{"data":{"n":1}}` {
					t.Errorf("%s", got)
				}
			})
		}
		eventually(t, "joined", func() bool { return r.metric(c.metric) == 2 })
		_ = first.Close()
		eventually(t, "the first has left", func() bool { return r.metric("weir_clients_left_total") == 1 })
		close(finish)
		all.Wait()
		if len(begun) != 0 {
			t.Errorf("fetched %d times more", len(begun))
		}
	}
}
