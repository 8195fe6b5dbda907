package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/gql"
)

const echoSDL = `
enum CacheControlScope { PUBLIC PRIVATE }
directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
scalar Any
enum Kind { A B }
input Filter { n: Int = 1, f: Float, s: String, list: [Int!], any: Any, sub: Filter, kind: Kind = A }
type Echo @cacheControl(maxAge: 600) { args: String seen: String echo(i: Int = 1, s: String, any: Any): Echo }
type Query { echo(i: Int = 1, f: Float, s: String, id: ID, b: Boolean, any: Any, list: [Int!], in: Filter, kind: Kind): Echo }
`

// seenKey is where the echo's handler leaves what it saw of a request outside of the operation.
type seenKey struct{}

// ignored are the request headers that no answer may depend on; policy leaves them out of keys.
var ignored = []string{"Accept-Encoding", "User-Agent", "Content-Length", "X-Forwarded-For", "X-Request-Id", "Connection"}

// spelt writes a value with its type, members in order, so that two values are spelt alike only when they are the same.
func spelt(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var b strings.Builder
		for _, k := range slices.Sorted(func(yield func(string) bool) {
			for k := range v {
				if !yield(k) {
					return
				}
			}
		}) {
			fmt.Fprintf(&b, "%q:%s,", k, spelt(v[k]))
		}
		return "{" + b.String() + "}"
	case []any:
		var b strings.Builder
		for _, e := range v {
			b.WriteString(spelt(e) + ",")
		}
		return "[" + b.String() + "]"
	}
	return fmt.Sprintf("%T(%v)", v, v)
}

// echo is an origin that answers with everything that it saw and nothing else.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	again := func(_ context.Context, c *gql.Call) (any, error) { return spelt(c.Args), nil }
	engine, err := gql.New("echo.graphql", echoSDL, gql.Resolvers{
		"Query": {"echo": again},
		"Echo": {
			"echo": again,
			"args": func(_ context.Context, c *gql.Call) (any, error) { return c.Parent, nil },
			"seen": func(ctx context.Context, _ *gql.Call) (any, error) { return ctx.Value(seenKey{}), nil },
		},
	}, nil, func(any) string { return "Echo" })
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var in struct {
			Query         string          `json:"query"`
			OperationName string          `json:"operationName"`
			Variables     json.RawMessage `json:"variables"`
		}
		foreign := r.URL.Query()
		if r.Method == http.MethodGet {
			in.Query, in.OperationName, in.Variables = foreign.Get("query"), foreign.Get("operationName"), json.RawMessage(foreign.Get("variables"))
			for _, name := range []string{"query", "operationName", "variables"} {
				foreign.Del(name)
			}
		} else if err := json.Unmarshal(raw, &in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		request := &gql.Request{Query: in.Query, OperationName: in.OperationName, ReadOnly: r.Method == http.MethodGet}
		if len(in.Variables) > 0 {
			d := json.NewDecoder(strings.NewReader(string(in.Variables)))
			d.UseNumber()
			if err := d.Decode(&request.Variables); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		headers := r.Header.Clone()
		for _, name := range ignored {
			headers.Del(name)
		}
		seen := fmt.Sprint(r.Method, " ", r.URL.Path, " ", foreign.Encode(), " ", r.Host, " ", engine.Identify(request).Name, " ", headers)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(engine.Execute(context.WithValue(r.Context(), seenKey{}, seen), request).AppendJSON(nil))
	}))
	t.Cleanup(s.Close)
	return s
}

// asked is one request.
type asked struct {
	method, path, body, host string
	lines                    []string
}

// echoWriter writes requests out of few pieces, so that many are alike but for one, and hurts some of them.
type echoWriter struct{ *rand.Rand }

func (w echoWriter) of(list ...string) string { return list[w.IntN(len(list))] }

func (w echoWriter) value() string {
	return w.of("1", `"1"`, "1.0", "true", `"a"`, `"a\u0000"`, `"é"`, `"e\u0301"`, "null", "[1]", "[1,2]", `["1"]`, "{}", `{"a":1}`, `{"a":"1"}`, `{"n":1}`, `{"n":null}`, `{"s":"a","n":1}`,
		`{"n":1,"s":"a"}`, `{"sub":{"n":1}}`, `{"kind":"B"}`, `{"list":1}`, `{"list":[1]}`, `"A"`, `"B"`, "9007199254740993", "9007199254740992", "-0", "1e0", `"1b:2"`, `{"a":"1b:2"}`)
}

func (w echoWriter) literal() string {
	return w.of("i: 1", "i: 2", "i: null", `s: "a"`, `s: "b"`, `s: """a"""`, `id: 1`, `id: "1"`, `any: 1`, `any: "1"`, `any: {a: 1}`, `any: {b: 2, a: 1}`, `in: {}`, `in: {n: 1}`, `in: {s: "a", n: 2}`, "b: true",
		"f: 1", "f: 1.0", "list: 1", "list: [1]", "kind: A", `s: "\u0061"`, "f: 1e0")
}

func (w echoWriter) selection() string {
	return w.of("{ args }", "{ args seen }", "{ seen args }", "{ seen }", "{ a: args seen }", "{ args seen @include(if: true) }", "{ ...F } ", "{ args echo(i: 2) { args seen } }", "{ echo(s: \"a\") { seen args } }",
		"{ seen ... on Echo { args } }", "{ args seen @skip(if: $b) }", "{ seen __typename }")
}

// operation returns a document and raw JSON variables.
func (w echoWriter) operation() (query, variables string) {
	var fields, types []string
	given := map[string]string{}
	for i := range 1 + w.IntN(2) {
		arguments := "(" + w.literal() + ")"
		if k := w.IntN(5); k < 3 {
			name, kind := fmt.Sprintf("v%d", i), w.of("Any", "Filter", "String", "ID", "Int", "Float", "[Int!]", "Kind", "Any", "Filter")
			types = append(types, "$"+name+": "+kind+w.of("", "", "", " = null"))
			arguments = "(" + map[string]string{"Any": "any", "Filter": "in", "String": "s", "ID": "id", "Int": "i", "Float": "f", "[Int!]": "list", "Kind": "kind"}[kind] + ": $" + name + ")"
			if w.IntN(6) > 0 {
				given[name] = w.value()
			}
		} else if k == 3 {
			arguments = ""
		}
		fields = append(fields, fmt.Sprintf("%s: echo%s %s", w.of("x", "y", "z")+fmt.Sprint(i), arguments, w.selection()))
	}
	body := "{ " + strings.Join(fields, w.of(" ", ", ", "\n", " # c\n")) + " }"
	if strings.Contains(body, "$b") {
		types = append(types, "$b: Boolean!")
		given["b"] = w.of("true", "false")
	}
	head := w.of("query", "query Q", "query R", "query Q")
	if len(types) > 0 {
		head += "(" + strings.Join(types, ", ") + ")"
	}
	query = head + w.of(" ", "\n") + body
	if strings.Contains(body, "...F") {
		query += " fragment F on Echo { " + w.of("args", "seen", "args seen") + " }"
	}
	var members []string
	for name, v := range given {
		members = append(members, fmt.Sprintf("%q:%s", name, v))
	}
	slices.Sort(members)
	if w.IntN(8) == 0 {
		members = append(members, `"unknown":1`)
	}
	return query, "{" + strings.Join(members, ",") + "}"
}

func (w echoWriter) request() asked {
	query, variables := w.operation()
	a := asked{method: http.MethodPost, path: "/graphql" + w.of("", "", "", "?a=b", "?a=c", "?a=b&a=c", "?x"), host: w.of("echo", "echo", "echo", "other")}
	name := ""
	if w.IntN(6) == 0 {
		name = w.of("Q", "R")
	}
	if w.IntN(4) == 0 {
		a.method = http.MethodGet
		a.path += map[bool]string{true: "&", false: "?"}[strings.Contains(a.path, "?")] + "query=" + url.QueryEscape(query) + "&variables=" + url.QueryEscape(variables)
		if name != "" {
			a.path += "&operationName=" + name
		}
	} else {
		quoted, _ := json.Marshal(query) // a string always can be
		a.body = `{"query":` + string(quoted) + `,"variables":` + variables + `}`
		if name != "" {
			a.body = strings.TrimSuffix(a.body, "}") + `,"operationName":"` + name + `"}`
		}
		if w.IntN(4) == 0 && len(a.body) > 0 { // hurt a byte
			at := w.IntN(len(a.body))
			a.body = a.body[:at] + w.of(`"`, "{", "}", ",", ":", " ", "1", "0", "a", `\`, "$", "n", "é", "#") + a.body[at+w.IntN(2):]
		}
	}
	for _, line := range [][]string{{"X-A", "1"}, {"X-A", "2"}, {"X-Forwarded-Host", "evil"}, {"X-Forwarded-For", "10.0.0.1"}, {"X-Request-Id", "7"}, {"X-Http-Method-Override", "PUT"}, {"Authorization", "Bearer x"}, {"Accept", "application/graphql-response+json"}} {
		if w.IntN(16) == 0 {
			a.lines = append(a.lines, line...)
		}
	}
	return a
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a asked) answer(ctx context.Context, client *http.Client, base string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, a.method, base+a.path, strings.NewReader(a.body))
	if err != nil {
		return answer{}, err
	}
	r.Host = a.host
	if a.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(a.lines); i += 2 {
		r.Header.Add(a.lines[i], a.lines[i+1])
	}
	back, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer back.Body.Close()
	text, err := io.ReadAll(back.Body)
	return answer{back.StatusCode, back.Header, string(text)}, err
}

func (a asked) send(ctx context.Context, client *http.Client, base string) (status int, body, cache string, err error) {
	r, err := a.answer(ctx, client, base)
	return r.status, r.body, r.header.Get("Cache-Status"), err
}

// echoesItsOwn: two requests that the origin may answer in two ways never share an entry. The origin answers with all that it saw, so each
// answer through Weir must be, byte by byte, the one that it gives to the same request without Weir.
func echoesItsOwn(t *testing.T, programs fleet.Binaries) {
	const workers, requests = 4, 1500
	o := echo(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"echo.graphql": echoSDL, "weir.yaml": "policy: {unseen: {per_second: 1000000, burst: 1000000}, cache: {vary: [x-a, host]}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := fleet.StartSidecar(t.Context(), fleet.SidecarConfig{
		Binary: programs.Weir, Name: "echo", Dir: dir, Upstream: o.URL, Schema: filepath.Join(dir, "echo.graphql"), Service: "echo", Args: []string{"-c", filepath.Join(dir, "weir.yaml")},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop() }()
	seed := uint64(20261125)
	var hits, answered, wrong atomic.Int64
	var work sync.WaitGroup
	for n := range workers {
		work.Go(func() {
			w := echoWriter{rand.New(rand.NewPCG(seed, uint64(n)))}
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			defer client.CloseIdleConnections()
			for i := range requests {
				a := w.request()
				status, want, _, err := a.send(t.Context(), client, o.URL)
				for range 2 {
					var got, cache string
					var gotStatus int
					if err == nil {
						gotStatus, got, cache, err = a.send(t.Context(), client, s.URL())
					}
					if err != nil {
						t.Errorf("seed %d, worker %d, request %d: %v", seed, n, i, err)
						return
					}
					answered.Add(1)
					if strings.Contains(cache, "weir; hit") {
						hits.Add(1)
					}
					if (got != want || gotStatus != status) && wrong.Add(1) < 10 {
						t.Errorf("seed %d, worker %d, request %d: %+v\n%d %s\nwant\n%d %s\n%s", seed, n, i, a, gotStatus, got, status, want, cache)
					}
				}
			}
		})
	}
	work.Wait()
	t.Logf("%d answers, %d of them hits, %d not the request's own", answered.Load(), hits.Load(), wrong.Load())
	if hits.Load() < answered.Load()/10 {
		t.Error("too few hits to prove anything")
	}
}
