package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
)

func TestScan(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":{"a":1}}`:                                "",
		` { "data" : { "a" : 1 } } `:                      "",
		`{"data":{"a":"\"errors\":[1]"}}`:                 "",
		`{"data":{"errors":[{"m":1}]}}`:                   "", // a field of that name is none of the answer
		`{"data":{"a":"}"}}`:                              "",
		`{"data":{"a":"{{{"},"extensions":{"x":"\\"}}`:    "",
		`{"errors":[],"data":{"a":1}}`:                    "",
		`{"errors":null,"data":{"a":1}}`:                  "",
		`{"data":{"a":null},"errors":[{"message":"no"}]}`: FailErrors,
		`{"errors":[{"message":"}"}],"data":null}`:        FailErrors,
		`{"data":null,"errors" : [ {"message":"no"} ] }`:  FailErrors,
		`{"errors":{"message":"no list"}}`:                FailErrors,
		`{"errors":"text"}`:                               FailErrors,
		`{"extensions":{"data":1}}`:                       FailData,
		`{}`:                                              FailData,
		`{"data":{"a":1}`:                                 FailJSON,
		`{"data":{"a":{"b":[1,2`:                          FailJSON,
		`{"data":{"a":1}}}`:                               FailJSON,
		`{"data":{"a":1}} x`:                              FailJSON,
		`{"data" {}}`:                                     FailJSON,
		`[{"data":1}]`:                                    FailJSON,
		`<html>{"data":{}}</html>`:                        FailJSON,
		`null`:                                            FailJSON,
		// Only the frame is read; the check json reads all.
		`{"data":}`:            "",
		`{"data":{"a":"open}}`: "",
		`{"x":1,"data":}`:      FailJSON,
		``:                     FailJSON,
		`{"data":{"a":1},"errors":[{"message":"unfinished"`: FailJSON,
	} {
		if got := Scan([]byte(body), 0); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	for body, want := range map[string]string{
		`[{"data":1},{"data":2}]`:                    "",
		` [ {"data":1} , {"data":2} ] `:              "",
		`[{"data":{"data":1}},{"x":1,"data":2}]`:     "",
		`[{"data":1}]`:                               FailBatch,
		`[{"data":1},{"data":2},{"data":3}]`:         FailBatch,
		`[]`:                                         FailBatch,
		`[{"data":1},{"errors":[{"message":"no"}]}]`: FailErrors,
		`[{"data":1},{}]`:                            FailData,
		`[{"data":1},{"data":2}`:                     FailJSON,
		`[{"data":1},`:                               FailJSON,
		`[1,2]`:                                      FailJSON,
		`{"errors":[{"message":"batches are refused"}]}`: FailErrors,
		`{"data":1}`: FailJSON,
	} {
		if got := Scan([]byte(body), 2); got != want {
			t.Errorf("batch %s: %q, want %q", body, got, want)
		}
	}
}

// What encoding/json reads as an answer, Scan judges the same; what Scan refuses as JSON is none.
func FuzzScan(f *testing.F) {
	for _, b := range []string{`{"data":{"a":[1,"\\\"{",null]},"errors":[]}`, `[{"data":1},{"errors":[{}]}]`, `{"data":"errors`, string(answer(300))} {
		f.Add([]byte(b), 0)
		f.Add([]byte(b), 2)
	}
	f.Fuzz(func(t *testing.T, body []byte, batch int) {
		got := Scan(body, batch)
		if batch > 0 || !json.Valid(body) {
			return
		}
		var in map[string]json.RawMessage
		if json.Unmarshal(body, &in) != nil || in == nil {
			if got != FailJSON {
				t.Fatalf("%s: %q", body, got)
			}
			return
		}
		if got == FailJSON {
			t.Fatalf("%s is JSON", body)
		}
		for key := range in { // encoding/json folds escapes in keys and repeated members; answers have neither
			if strings.Count(string(body), `"`+key+`"`) != 1 {
				return
			}
		}
		errors, data := in["errors"], in["data"]
		want := ""
		if len(errors) > 0 && !empty(errors) {
			want = FailErrors
		} else if data == nil {
			want = FailData
		}
		if got != want {
			t.Fatalf("%s: %q, want %q", body, got, want)
		}
	})
}

func one(t *testing.T, text string) *stream {
	t.Helper()
	w, err := compileText(text)
	if err != nil {
		t.Fatal(err)
	}
	return w.stream(1, 0)
}

func TestJudgeByStatusAndChecks(t *testing.T) {
	body := `{"data":{"city":{"id":"5","name":"Za\u0068le","n":3,"tags":["a","b"],"none":null}}}`
	sum := sha256.Sum256([]byte(body))
	for checks, want := range map[string]string{
		`{status: 200}`:                                         "",
		`{status: [201, 204]}`:                                  FailStatus,
		`{path: $.data.city.id, equals: "5"}`:                   "",
		`{path: data.city.id, equals: 5}`:                       "", // an ID
		`{path: data.city.id, equals: 6}`:                       "check: data.city.id",
		`{path: data.city.id, equals: 6, name: right city}`:     "check: right city",
		`{path: data.city.name, equals: Zahle}`:                 "",
		`{path: data.city.n, equals: 3.0}`:                      "",
		`{path: data.city.tags, equals: [a, b]}`:                "",
		`{path: "data.city.tags[1]", equals: b}`:                "",
		`{path: "data.city.tags[2]", exists: false}`:            "",
		`{path: "data.city.tags[2]", equals: c}`:                "check: data.city.tags[2]",
		`{path: "$['data'][\"city\"].tags[0]", matches: "^a$"}`: "",
		`{path: data.city.none, exists: true}`:                  "check: data.city.none",
		`{path: data.city.none, exists: false}`:                 "",
		`{path: data.city.none, equals: null}`:                  "",
		`{path: data.city.name.x, exists: false}`:               "",
		`{path: data.city, equals: {n: 3, id: "5"}}`:            "check: data.city",
		`{path: data.city.name, matches: "^Z.*e$"}`:             "",
		`{path: data.city.name, matches: "^z"}`:                 "check: data.city.name",
		`{sha256: ` + hex.EncodeToString(sum[:]) + `}`:          "",
		`{sha256: ` + strings.Repeat("00", 32) + `}`:            "check: sha256",
		`{max_bytes: 1KiB}`:                                     "",
		`{max_bytes: 10}`:                                       "check: max bytes",
		`{json: true}`:                                          "",
	} {
		s := one(t, "operations:\n  - document: \"query A { a }\"\n    checks: ["+checks+"]\n")
		s.Next(nil, &here, 3)
		if got, again := s.Judge(&load.Reply{Status: 200, Body: []byte(body)}, 3); got != want || again {
			t.Errorf("%s: %q, want %q", checks, got, want)
		}
	}
}

func TestJudgeWithoutChecks(t *testing.T) {
	s := one(t, "operations: [{document: \"query A { a }\"}]")
	s.Next(nil, &here, 0)
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{200, `{"data":{}}`, ""},
		{500, `{"data":{}}`, FailStatus},
		{204, ``, FailStatus},
		{200, `{"data":null,"errors":[{"message":"PersistedQueryNotFound"}]}`, FailErrors}, // nobody sent a hash
		{200, `<html>`, FailJSON},
	} {
		if got, again := s.Judge(&load.Reply{Status: c.status, Body: []byte(c.body)}, 0); got != c.want || again {
			t.Errorf("%d %s: %q %v, want %q", c.status, c.body, got, again, c.want)
		}
	}
}

func TestAStatusThatIsExpectedNeedsNoData(t *testing.T) {
	s := one(t, "operations:\n  - document: \"query A { a }\"\n    checks: [{status: [400, 200]}, {path: \"errors[0].extensions.code\", equals: LIMIT}]\n")
	s.Next(nil, &here, 0)
	if got, _ := s.Judge(&load.Reply{Status: 400, Body: []byte(`{"errors":[{"extensions":{"code":"LIMIT"}}]}`)}, 0); got != "" {
		t.Error(got)
	}
	if got, _ := s.Judge(&load.Reply{Status: 200, Body: []byte(`{"errors":[{"extensions":{"code":"LIMIT"}}]}`)}, 0); got != FailErrors {
		t.Error(got)
	}
}

func TestTheWholeBodyIsReadOnlyWhenACheckAsksForIt(t *testing.T) {
	body := []byte(`{"data":{"a":nope}}`)
	for checks, want := range map[string]string{"[]": "", "[{json: true}]": "check: json"} {
		s := one(t, "operations:\n  - document: \"query A { a }\"\n    checks: "+checks+"\n")
		s.Next(nil, &here, 0)
		if got, _ := s.Judge(&load.Reply{Status: 200, Body: body}, 0); got != want {
			t.Errorf("%s: %q, want %q", checks, got, want)
		}
	}
}

func TestAnAnswerIsCheckedAgainstItsOwnRequest(t *testing.T) {
	s := one(t, `
variables: {id: {zipf: {n: 1000}}, name: {uuid: true}}
operations:
  - document: "query A($id: ID!) { a }"
    variables: {id: "${id}"}
    checks:
      - {path: data.id, equals: "${id}"}
      - {path: data.name, equals: "n-${name}", name: name}
headers: {x-name: "n-${name}"}
`)
	var requests [8]string
	for slot := range requests {
		request, _ := s.Next(nil, &here, slot)
		requests[slot] = string(request)
	}
	for slot, request := range requests {
		r, body := server(t, []byte(request))
		var in struct{ Variables struct{ ID json.Number } }
		if err := json.Unmarshal(body, &in); err != nil {
			t.Fatal(err)
		}
		good := `{"data":{"id":"` + in.Variables.ID.String() + `","name":"` + r.Header.Get("X-Name") + `"}}`
		if got, _ := s.Judge(&load.Reply{Status: 200, Body: []byte(good)}, slot); got != "" {
			t.Errorf("%s for %s: %q", good, request, got)
		}
		if got, _ := s.Judge(&load.Reply{Status: 200, Body: []byte(strings.Replace(good, "n-", "m-", 1))}, slot); got != "check: name" {
			t.Error(got)
		}
		if got, _ := s.Judge(&load.Reply{Status: 200, Body: []byte(strings.Replace(good, `"id":"`, `"id":"x`, 1))}, slot); got != "check: data.id" {
			t.Error(got)
		}
	}
}

func TestChecksDoNotAllocate(t *testing.T) {
	s := one(t, `
variables: {id: {zipf: {n: 1000}}}
operations:
  - document: "query A($id: ID!) { a }"
    variables: {id: 5}
    checks:
      - {path: data.id, equals: "5"}
      - {path: "data.list[1]", matches: "^b"}
      - {path: data.none, exists: false}
      - sha256: `+func() string {
		sum := sha256.Sum256([]byte(`{"data":{"id":5,"list":["a","b"]}}`))
		return hex.EncodeToString(sum[:])
	}()+`
      - max_bytes: 1KiB
      - json: true
`)
	s.Next(nil, &here, 0)
	a := load.Reply{Status: 200, Body: []byte(`{"data":{"id":5,"list":["a","b"]}}`)}
	if n := testing.AllocsPerRun(1000, func() {
		if f, _ := s.Judge(&a, 0); f != "" {
			panic(f)
		}
	}); n > pooled {
		t.Errorf("%v allocations", n)
	}
}
