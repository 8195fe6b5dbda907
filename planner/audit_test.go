package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The conformance kit of federation gateways: `audit serve` at AUDIT_URL, with its suites in AUDIT_SUITES.
func TestAudit(t *testing.T) {
	base, dir := os.Getenv("AUDIT_URL"), os.Getenv("AUDIT_SUITES")
	if base == "" {
		t.Skip("AUDIT_URL and AUDIT_SUITES say where the kit is")
	}
	names, _ := filepath.Glob(dir + "/*/supergraph.graphql")
	fetches, reference := 0, 0
	for _, file := range names {
		suite := filepath.Base(filepath.Dir(file))
		t.Run(suite, func(t *testing.T) {
			sdl, _ := os.ReadFile(file)
			sg, err := LoadSupergraph(suite, strings.ReplaceAll(string(sdl), "{{host}}", strings.TrimPrefix(base, "http://")))
			if err != nil {
				t.Fatal(err)
			}
			if r, err := http.Post(base+"/"+suite+"/reset", "", nil); err == nil {
				r.Body.Close()
			}
			var tests []struct {
				Query    string
				Expected struct {
					Data   any
					Errors any
				}
			}
			var counts []int
			read(t, filepath.Dir(file)+"/tests.json", &tests)
			read(t, filepath.Dir(file)+"/fetches.json", &counts)
			for i, test := range tests {
				query := strings.ReplaceAll(test.Query, "{{nonce}}", fmt.Sprint("n", i))
				p := Build(sg.Schema(), query, "", Options{})
				if len(p.Errors()) > 0 {
					if test.Expected.Errors == nil {
						t.Errorf("%d: %v", i, p.Errors())
					}
					continue
				}
				var v Values
				p.Coerce(nil, &v)
				plan, err := p.Fetches(&v)
				if err != nil {
					t.Errorf("%d: %v\n%s", i, err, query)
					continue
				}
				x := &interpreter{plan: plan, values: &v, send: func(s *FetchStep, body string) (map[string]any, error) {
					return post(sg.Subgraphs()[s.Subgraph].URL, body)
				}}
				data, err := x.run()
				want, _ := json.Marshal(test.Expected.Data)
				got, _ := json.Marshal(data)
				if want := strings.ReplaceAll(string(want), "{{nonce}}", fmt.Sprint("n", i)); err != nil || !equalJSON(want, string(got)) {
					t.Errorf("%d: %v %v\n%s\ngot  %s\nwant %s\n%s", i, err, x.errs, query, got, want, plan)
					continue
				}
				if test.Expected.Errors != nil && len(x.errs) == 0 {
					t.Errorf("%d: no errors", i)
				}
				fetches, reference = fetches+x.sent, reference+counts[i]
				if x.sent > counts[i] {
					t.Logf("%d: %d fetches, the reference has %d\n%s\n%s", i, x.sent, counts[i], query, plan)
				}
				if plan.Search.Exhausted || plan.Search.Work > 2000 {
					t.Logf("%d: work %d", i, plan.Search.Work)
				}
			}
		})
	}
	t.Logf("%d fetches, the reference has %d", fetches, reference)
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func equalJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

func post(url, body string) (map[string]any, error) {
	r, err := http.Post(url, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	var answer struct {
		Data   map[string]any
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if len(answer.Errors) > 0 {
		err = fmt.Errorf("%s answers: %s", url, answer.Errors[0].Message)
	}
	return answer.Data, err
}
