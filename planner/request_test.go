package planner

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

func TestParseRequest(t *testing.T) {
	var r Request
	body := []byte(` {"query":"query A {\n a(s: \"\u00e9\") }","operationName":"A","variables":{"a":[1]},"other":{"query":1},
		"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab12"},"x":null}} `)
	if err := ParseRequest(body, &r); err != nil {
		t.Fatal(err.Message)
	}
	if got := string(r.AppendDocument(nil)); got != "query A {\n a(s: \"é\") }" || !r.Escaped {
		t.Errorf("document %q", got)
	}
	if string(r.AppendOperationName(nil)) != "A" || string(r.Variables) != `{"a":[1]}` || string(r.APQHash) != "ab12" || r.APQVersion != 1 {
		t.Errorf("%+v", r)
	}
	if err := ParseRequest([]byte(`{"\u0071uery":"{a}","operationName":null,"variables":null,"extensions":null}`), &r); err != nil {
		t.Fatal(err.Message)
	}
	if string(r.Query) != "{a}" || r.OperationName != nil || r.Variables != nil || r.Extensions != nil || r.Escaped {
		t.Errorf("%+v", r)
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for body, want := range map[string]string{
		``:                                     "not valid JSON",
		`{`:                                    "not valid JSON",
		`{"query":"{a}"} x`:                    "not valid JSON",
		`{"query":"{a}",}`:                     "not valid JSON",
		`[]`:                                   "must be a JSON object",
		`"{a}"`:                                "must be a JSON object",
		`{"query":1}`:                          "query must be a string",
		`{"operationName":{}}`:                 "operationName must be a string",
		`{"variables":"{}"}`:                   "variables must be an object",
		`{"variables":[]}`:                     "variables must be an object",
		`{"extensions":1}`:                     "extensions must be an object",
		`{"query":"{a}","query":"{b}"}`:        "query is given more than once",
		`{"query":null,"\u0071uery":"{b}"}`:    "query is given more than once",
		`{"variables":{},"variables":{}}`:      "variables is given more than once",
		`{"extensions":{"persistedQuery":[]}}`: "persistedQuery must be an object",
		`{"extensions":{"persistedQuery":{"sha256Hash":1}}}`:                                  "sha256Hash must be a string",
		`{"extensions":{"persistedQuery":{"version":"1"}}}`:                                   "version must be a whole number",
		`{"variables":` + strings.Repeat(`{"a":`, 600) + `1` + strings.Repeat(`}`, 600) + `}`: "nests too deep",
	} {
		var r Request
		err := ParseRequest([]byte(body), &r)
		if err == nil || !strings.Contains(err.Message, want) {
			t.Errorf("%.60s: %v, want %q", body, err, want)
			continue
		}
		if err.Code != "BAD_REQUEST" || r.Query != nil {
			t.Errorf("%.60s: code %s, request %+v", body, err.Code, r)
		}
	}
}

func TestSplitBatch(t *testing.T) {
	body := []byte(` [ {"query":"{a}"} , 1, {"query":"]"} ] `)
	if !IsBatch(body) || IsBatch([]byte(` {}`)) {
		t.Error("batch not told from object")
	}
	items, err := SplitBatch(body, nil)
	if err != nil || len(items) != 3 || string(items[2]) != `{"query":"]"}` {
		t.Errorf("%q %v", items, err)
	}
	for _, bad := range []string{`[1,]`, `{}`, `[`, `[] []`} {
		if _, err := SplitBatch([]byte(bad), nil); err == nil {
			t.Errorf("%s accepted", bad)
		}
	}
}

var plainRequest = []byte(`{"operationName":"City","variables":{"id":"12"},"query":"query City($id: ID!) { city(id: $id) { id name population { value since } } }"}`)

func TestParseRequestAllocatesNothing(t *testing.T) {
	var r Request
	batch := []byte(`[` + strings.Repeat(`{"query":"{a}"},`, 9) + `{}]`)
	items := make([][]byte, 0, 10)
	document := make([]byte, 0, 200)
	if n := testing.AllocsPerRun(100, func() {
		if ParseRequest(plainRequest, &r) != nil {
			t.Fatal("refused")
		}
		if out, err := SplitBatch(batch, items[:0]); err != nil || len(out) != 10 {
			t.Fatal("refused")
		}
		document = r.AppendDocument(document[:0])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(plainRequest)
	f.Add([]byte(`{"query":"\u007b","extensions":{"persistedQuery":{"version":1,"sha256Hash":"a"}}}`))
	f.Add([]byte(`[{"query":"{a}"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r Request
		if err := ParseRequest(body, &r); err == nil {
			var want map[string]any
			if jerr := json.Unmarshal(body, &want); jerr != nil {
				t.Fatalf("accepted %q: %v", body, jerr)
			}
			q, _ := want["query"].(string)
			if got := string(r.AppendDocument(nil)); gqltest.Replaced(got) != q && strings.ToValidUTF8(string(body), "") == string(body) {
				t.Fatalf("%q: document %q, want %q", body, got, q)
			}
		}
		if items, err := SplitBatch(body, nil); err == nil {
			var want []json.RawMessage
			if jerr := json.Unmarshal(body, &want); jerr != nil || len(want) != len(items) {
				t.Fatalf("%q: %d items, want %d (%v)", body, len(items), len(want), jerr)
			}
		}
	})
}

func BenchmarkParseRequest(b *testing.B) {
	b.ReportAllocs()
	var r Request
	for b.Loop() {
		if ParseRequest(plainRequest, &r) != nil {
			b.Fatal("refused")
		}
	}
}
