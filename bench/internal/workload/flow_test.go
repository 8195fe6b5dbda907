package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/load"
)

const unknown = `{"errors":[{"message":"PersistedQueryNotFound","extensions":{"code":"PERSISTED_QUERY_NOT_FOUND"}}]}`

// knows plays a server with automatic persisted queries: it answers as one that has seen these hashes.
func knows(t *testing.T, known map[string]string, request []byte) string {
	t.Helper()
	type envelope struct {
		Query      string
		Variables  map[string]any
		Extensions struct {
			PersistedQuery struct {
				Version    int
				Sha256Hash string
			}
		}
	}
	answer := func(in envelope) string {
		hash := in.Extensions.PersistedQuery.Sha256Hash
		if in.Query != "" {
			if sum := sha256.Sum256([]byte(in.Query)); hash != hex.EncodeToString(sum[:]) || in.Extensions.PersistedQuery.Version != 1 {
				t.Fatalf("%s", request)
			}
			known[hash] = in.Query
		}
		if known[hash] == "" {
			return unknown
		}
		v, _ := json.Marshal(in.Variables) // of what was just read
		return `{"data":` + string(v) + `}`
	}
	r, body := server(t, request)
	if r.Method == "GET" {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			t.Fatal(err)
		}
		in := envelope{Query: q.Get("query")}
		for name, into := range map[string]any{"variables": &in.Variables, "extensions": &in.Extensions} {
			if err := json.Unmarshal([]byte(q.Get(name)), into); err != nil {
				t.Fatal(err)
			}
		}
		return answer(in)
	}
	if body[0] == '[' {
		var list []envelope
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatal(err)
		}
		answers := make([]string, len(list))
		for i, in := range list {
			answers[i] = answer(in)
		}
		return "[" + strings.Join(answers, ",") + "]"
	}
	var in envelope
	if err := json.Unmarshal(body, &in); err != nil {
		t.Fatal(err)
	}
	return answer(in)
}

func TestTheDocumentOfAnUnknownHashIsSentOnce(t *testing.T) {
	for name, method := range map[string]string{"POST": "POST", "GET": "GET"} {
		t.Run(name, func(t *testing.T) {
			s := one(t, `
method: `+method+`
persisted: apq
variables: {id: {zipf: {n: 1000}}}
users: {count: 100}
operations:
  - document: "query A($id: Int) { a(id: $id, text: \"é & = + %\") }"
    variables: {id: "${id}"}
    checks: [{path: data.id, equals: "${id}"}]
  - document: "query B($id: Int) { b(id: $id) }"
    variables: {id: "${id}"}
    checks: [{path: data.id, equals: "${id}"}]
`)
			known, documents := map[string]string{}, 0
			for i := range 50 {
				request, _ := s.Next(nil, &here, i%5)
				failure, again := s.Judge(&load.Reply{Status: 200, Body: []byte(knows(t, known, request))}, i%5)
				if again {
					documents++
					repeated := s.Again(nil, &here, i%5)
					first, _ := server(t, request)
					second, _ := server(t, repeated)
					if first.Header.Get("Authorization") != second.Header.Get("Authorization") || first.Method != method || second.Method != method {
						t.Fatalf("%s\n%s", request, repeated)
					}
					failure, again = s.Judge(&load.Reply{Status: 200, Body: []byte(knows(t, known, repeated))}, i%5)
				}
				if failure != "" || again {
					t.Fatalf("%q %v: %s", failure, again, request)
				}
			}
			if documents != 2 || len(known) != 2 {
				t.Errorf("%d documents were sent, the server knows %d; want 2", documents, len(known))
			}
		})
	}
}

func TestAServerThatNeverLearnsFailsTheRequest(t *testing.T) {
	s := one(t, "persisted: apq\noperations: [{document: \"query A { a }\"}]")
	for _, status := range []int{200, 400, 404} {
		s.Next(nil, &here, 0)
		if failure, again := s.Judge(&load.Reply{Status: status, Body: []byte(unknown)}, 0); failure != "" || !again {
			t.Fatalf("%d: %q %v", status, failure, again)
		}
		s.Again(nil, &here, 0)
		want := FailStatus
		if status == 200 {
			want = FailErrors
		}
		if failure, again := s.Judge(&load.Reply{Status: status, Body: []byte(unknown)}, 0); failure != want || again {
			t.Errorf("%d: %q %v", status, failure, again)
		}
	}
	s.Next(nil, &here, 0) // another error is none of the hash
	if failure, again := s.Judge(&load.Reply{Status: 200, Body: []byte(`{"errors":[{"message":"no"}]}`)}, 0); failure != FailErrors || again {
		t.Errorf("%q %v", failure, again)
	}
}

func TestBatches(t *testing.T) {
	s := one(t, `
persisted: apq
variables: {n: {sequence: {}}}
operations:
  - {document: "query A($n: Int) { a }", variables: {n: "${n}"}, weight: 3}
  - {document: "query B($n: Int) { b }", variables: {n: "${n}"}, weight: 0, persisted: off}
  - {name: many, weight: 1000000, batch: {size: 3, of: [A, B]}, headers: {x-n: "${n}"}}
`)
	known := map[string]string{}
	for range 20 {
		request, op := s.Next(nil, &here, 0)
		if op != 2 {
			continue
		}
		r, body := server(t, request)
		failure := ""
		if strings.Contains(string(body), "sha256Hash") {
			var again bool
			if failure, again = s.Judge(&load.Reply{Status: 200, Body: []byte(knows(t, known, request))}, 0); again {
				request = s.Again(nil, &here, 0)
			}
		}
		if _, body = server(t, request); failure != "" {
			t.Fatal(failure)
		}
		var items []struct{ Variables struct{ N int } }
		if err := json.Unmarshal(body, &items); err != nil || len(items) != 3 {
			t.Fatalf("%v %s", err, body)
		}
		for i, item := range items {
			if item.Variables.N != items[0].Variables.N+i {
				t.Fatalf("%s", body)
			}
		}
		if got := r.Header.Get("X-N"); got == "" || got != json.Number(string(body[strings.Index(string(body), `"n":`)+4:][:len(got)])).String() {
			t.Fatalf("%s: the headers are not of the first operation", request)
		}
	}
	if failure, _ := s.Judge(&load.Reply{Status: 200, Body: []byte(`[{"data":1}]`)}, 0); failure != FailBatch {
		t.Error(failure)
	}
}

func TestTrustedDocumentsAreSentByTheirIds(t *testing.T) {
	sum := sha256.Sum256([]byte("query A { a }"))
	for head, want := range map[string]string{
		"persisted: trusted":                        `{"operationName":"A","variables":{},"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hex.EncodeToString(sum[:]) + `"}}}`,
		"persisted: trusted\nmanifest: apollo.json": `{"operationName":"A","variables":{},"extensions":{"persistedQuery":{"version":1,"sha256Hash":"apollo-a"}}}`,
		"persisted: trusted\nmanifest: plain.json":  `{"operationName":"A","variables":{},"extensions":{"persistedQuery":{"version":1,"sha256Hash":"plain-a"}}}`,
	} {
		request, _ := one(t, head+"\noperations: [{file: a.graphql}]").Next(nil, &here, 0)
		if head == "persisted: trusted" {
			request, _ = one(t, head+"\noperations: [{document: \"query A { a }\"}]").Next(nil, &here, 0)
		}
		if _, body := server(t, request); string(body) != want {
			t.Errorf("%s: %s, want %s", head, body, want)
		}
	}
	s := one(t, "operations: [{name: a, document_id: \"sha256:1\", operation: A, persisted: trusted, variables: {x: 1}}]")
	request, _ := s.Next(nil, &here, 0)
	if _, body := server(t, request); string(body) != `{"operationName":"A","documentId":"sha256:1","variables":{"x":1}}` {
		t.Errorf("%s", body)
	}
	if failure, again := s.Judge(&load.Reply{Status: 200, Body: []byte(unknown)}, 0); failure != FailErrors || again {
		t.Errorf("%q %v", failure, again) // there is no document to send
	}
}

// Every form of a request, byte by byte.
func TestGoldenRequests(t *testing.T) {
	w, err := compileText(`
name: forms
headers: {Host: graph.example, X-Static: "1"}
variables: {id: {sequence: {}}, u: {constant: 9}}
operations:
  - {name: post, document: "query A($id: ID!) {\n\ta(id: $id, b: \"x\")\n}", variables: {id: "${id}"}}
  - {name: get, document: "query A($id: ID!) { a(id: $id) }", variables: {id: "${id}"}, method: GET, headers: {X-Id: "${id}"}}
  - {name: anonymous, document: "{ a }", headers: {accept: "*/*", content-type: application/graphql+json}}
  - {name: apq, document: "query A { a }", persisted: apq}
  - {name: apq by get, document: "query A { a }", persisted: apq, method: GET}
  - {name: trusted, document: "query A { a }", persisted: trusted}
  - {name: by id, document_id: abc, persisted: trusted}
  - {name: wrong, document: "query {", kind: query}
  - {name: change, document: "mutation M($i: In!) { m(i: $i) }", variables: {i: {a: "${id}", b: [1, "${u}", "u${u}"]}}}
  - {name: batch, batch: {size: 2, of: [post, apq]}, headers: {X-U: "${u}"}}
`)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	target := here
	target.Path = "/graphql?tenant=1"
	for op := range w.Labels() { // one of each, whatever their weights
		s := w.stream(1, 0)
		s.slots = append(s.slots, slot{operation: op})
		s.fill(&s.slots[0])
		request := s.write(nil, &target, &s.slots[0])
		server(t, request)
		out = append(append(append(append(out, "# "...), w.Labels()[op].Name...), " ("+w.Labels()[op].Kind+")\n"...), request...)
		if w.operations[op].persist == apq {
			again := s.Again(nil, &target, 0)
			server(t, again)
			out = append(append(out, "\n# again\n"...), again...)
		}
		out = append(out, '\n')
	}
	golden(t, "forms.txt", out)
	if len(w.Body(1)) == 0 || !json.Valid(w.Body(1)) {
		t.Errorf("%s", w.Body(1))
	}
}

func TestARichWorkloadDoesNotAllocate(t *testing.T) {
	w, err := Load("../../workload.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := w.Stream(1, 0)
	buf := make([]byte, 0, 1<<16)
	ok, no := load.Reply{Status: 200, Body: []byte(`{"data":{"city":{"id":"1"}}}`)}, load.Reply{Status: 200, Body: []byte(unknown)}
	i := 0
	run := func() {
		i++
		buf, _ = s.Next(buf[:0], &here, i%16)
		if _, again := s.Judge(&no, i%16); again {
			buf = s.Again(buf[:0], &here, i%16)
		}
		s.Judge(&ok, i%16)
	}
	for range 5000 {
		run()
	}
	if n := testing.AllocsPerRun(5000, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
