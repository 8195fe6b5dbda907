package line

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// requestHead parses a head of the given first line and header lines.
func requestHead(t testing.TB, first string, lines ...string) *wire.RequestHead {
	t.Helper()
	h := new(wire.RequestHead)
	text := first + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(append(lines, "", ""), "\r\n")
	if v := h.Parse([]byte(text), 64<<10); v != wire.OK {
		t.Fatalf("%q: verdict %v", text, v)
	}
	return h
}

func responseHead(t testing.TB, status int, lines ...string) *wire.ResponseHead {
	t.Helper()
	h := new(wire.ResponseHead)
	text := fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: 2\r\n", status) + strings.Join(append(lines, "", ""), "\r\n")
	if v := h.Parse([]byte(text), 64<<10, wire.MethodPost); v != wire.OK {
		t.Fatalf("%q: verdict %v", text, v)
	}
	return h
}

func TestClassify(t *testing.T) {
	p := &policy.Policy{Paths: [][]byte{[]byte("/graphql"), []byte("/api")}, MaxBody: 100}
	const json = "Content-Type: application/json"
	for _, c := range []struct {
		first  string
		lines  []string
		class  Class
		reason Reason
	}{
		{"GET /other?query={a}", nil, Other, ReasonNone},
		{"GET /graphql", nil, Other, ReasonNone},
		{"GET /graphql?query=", nil, Other, ReasonNone},
		{"GET /graphql?query={a}", nil, Get, ReasonNone},
		{"HEAD /api?a=b&query={a}", nil, Get, ReasonNone},
		{"GET /graphql?extensions={}", nil, Get, ReasonNone},
		{"PUT /graphql", []string{json, "Content-Length: 2"}, Other, ReasonNone},
		{"POST /graphql/", []string{json, "Content-Length: 2"}, Other, ReasonNone},
		{"POST /graphql", []string{json, "Content-Length: 2"}, Post, ReasonNone},
		{"POST /graphql?op=A", []string{json, "Content-Length: 2"}, Post, ReasonNone},
		{"POST /graphql", []string{"content-type: APPLICATION/JSON ; charset=utf-8", "Transfer-Encoding: chunked"}, Post, ReasonNone},
		{"POST /graphql", []string{"Content-Length: 2"}, Blind, ReasonMedia},
		{"POST /graphql", []string{"Content-Type: text/plain", "Content-Length: 2"}, Blind, ReasonMedia},
		{"POST /graphql", []string{"Content-Type: multipart/form-data; boundary=a", "Content-Length: 2"}, Blind, ReasonMultipart},
		{"POST /graphql", []string{json, "Content-Encoding: gzip", "Content-Length: 2"}, Blind, ReasonEncoding},
		{"POST /graphql", []string{json, "Content-Encoding: identity", "Content-Length: 2"}, Post, ReasonNone},
		{"POST /graphql", []string{json, "Expect: 100-continue", "Content-Length: 2"}, Blind, ReasonExpect},
		{"POST /graphql", []string{json, "Content-Length: 101"}, Blind, ReasonBody},
		{"POST /graphql?query={a}", []string{json, "Content-Length: 2"}, Blind, ReasonEnvelope},
		{"POST /graphql?%71uery={a}", []string{json, "Content-Length: 2"}, Blind, ReasonEnvelope},
	} {
		class, reason := Classify(p, requestHead(t, c.first, c.lines...))
		if class != c.class || reason != c.reason {
			t.Errorf("%s %q: %d %s, want %d %s", c.first, c.lines, class, reason, c.class, c.reason)
		}
	}
}

func TestParametersAreReadOnceAndUnescaped(t *testing.T) {
	const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, c := range []struct {
		query, document, name, variables string
		ok                               bool
	}{
		{"query={a}", "{a}", "", "", true},
		{"query=%7Ba%7D&operationName=A&variables=%7b%22x%22%3a1%7d", "{a}", "A", `{"x":1}`, true},
		{"query=query+A{a(x:%22%2B%22)}&other=1&&=", `query A{a(x:"+")}`, "", "", true},
		{"query={a}&operationName=&variables=", "{a}", "", "", true},
		{"query={a}&query={b}", "", "", "", false},
		{"query=&query={b}", "", "", "", false},
		{"query={a}&%71uery={b}", "", "", "", false},
		{"query={a}&Query={b}", "", "", "", false},
		{"query={a}&query[]={b}", "", "", "", false},
		{"query={a}&query.x={b}", "", "", "", false},
		{"query=%7", "", "", "", false},
		{"query=%zz", "", "", "", false},
		{"query={a}&extensions={", "", "", "", false},
		{"query={a}&extensions=[]", "", "", "", false},
	} {
		var r planner.Request
		_, ok := readParameters([]byte(c.query), &r, nil)
		if ok != c.ok {
			t.Errorf("%s: read %v", c.query, ok)
		}
		if ok && (string(r.Query) != c.document || string(r.OperationName) != c.name || string(r.Variables) != c.variables) {
			t.Errorf("%s: %q %q %q", c.query, r.Query, r.OperationName, r.Variables)
		}
	}
	var r planner.Request
	persisted := []byte(`query={a}&extensions={"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}`)
	scratch, ok := readParameters(persisted, &r, nil)
	if !ok || string(r.APQHash) != hash || r.APQVersion != 1 || string(r.Query) != "{a}" {
		t.Errorf("%v %q %d %q", ok, r.APQHash, r.APQVersion, r.Query)
	}
	if n := testing.AllocsPerRun(100, func() { scratch, _ = readParameters(persisted, &r, scratch) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzReadParameters(f *testing.F) {
	f.Add([]byte(`query={a}&variables=%7B%7D&operationName=A&extensions={"persistedQuery":{"version":1,"sha256Hash":"00"}}`))
	f.Add([]byte("query=%"))
	f.Fuzz(func(t *testing.T, query []byte) {
		var r planner.Request
		before := bytes.Clone(query)
		scratch, ok := readParameters(query, &r, nil)
		if !bytes.Equal(query, before) {
			t.Fatal("the target was changed")
		}
		if !ok {
			return
		}
		doc := bytes.Clone(r.Query)
		again := planner.Request{}
		if _, ok := readParameters(query, &again, scratch); !ok || !bytes.Equal(again.Query, doc) {
			t.Fatalf("read %q, then %q", doc, again.Query)
		}
		if len(doc) > 0 && !hasParameter(query, "query") {
			t.Fatalf("a document %q without a parameter", doc)
		}
		appendForeign(nil, query, true)
	})
}

func TestTraceIDs(t *testing.T) {
	for v, want := range map[string]byte{
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": 0x0a,
		"00-zaf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": 0,
		"00-0af7": 0, "": 0,
	} {
		if id := traceID([]byte(v)); id[0] != want {
			t.Errorf("%q: %x", v, id)
		}
	}
}
