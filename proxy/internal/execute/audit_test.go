package execute

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

type auditTest struct {
	Query    string
	Expected struct{ Data, Errors any }
}

// The conformance kit of federation gateways: `audit serve` at AUDIT_URL, with its suites in AUDIT_SUITES.
func TestAudit(t *testing.T) {
	base, dir := os.Getenv("AUDIT_URL"), os.Getenv("AUDIT_SUITES")
	if base == "" {
		t.Skip("AUDIT_URL and AUDIT_SUITES say where the kit is")
	}
	passed, fetches := 0, 0
	files, _ := filepath.Glob(dir + "/*/supergraph.graphql")
	for _, file := range files {
		suite := filepath.Base(filepath.Dir(file))
		t.Run(suite, func(t *testing.T) {
			sdl, _ := os.ReadFile(file)
			sg, err := planner.LoadSupergraph(suite, strings.ReplaceAll(string(sdl), "{{host}}", strings.TrimPrefix(base, "http://")))
			if err != nil {
				t.Fatal(err)
			}
			e := executorFor(t, sg)
			if r, err := http.Post(base+"/"+suite+"/reset", "", nil); err == nil {
				_ = r.Body.Close()
			}
			var tests []auditTest
			text, _ := os.ReadFile(filepath.Dir(file) + "/tests.json")
			if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "{{nonce}}", "n")), &tests); err != nil {
				t.Fatal(err)
			}
			for i := range tests {
				if n, ok := audit(t, e, sg, fmt.Sprint(i), &tests[i]); ok {
					passed, fetches = passed+1, fetches+n
				}
			}
		})
	}
	t.Logf("%d passed, %d fetches", passed, fetches)
}

func executorFor(t *testing.T, sg *planner.Supergraph) *Executor {
	t.Helper()
	var clients []*subgraph.Client
	for _, s := range sg.Subgraphs() {
		c, err := subgraph.New(subgraph.Config{URL: s.URL, Share: true})
		if err == nil {
			t.Cleanup(c.Close)
		}
		clients = append(clients, c)
	}
	return New(Config{Clients: clients})
}

func audit(t *testing.T, e *Executor, sg *planner.Supergraph, name string, test *auditTest) (fetches int, ok bool) {
	t.Helper()
	p := planner.Build(sg.Schema(), test.Query, "", planner.Options{})
	if len(p.Errors()) > 0 {
		if test.Expected.Errors == nil {
			t.Errorf("%s: %v", name, p.Errors())
		}
		return 0, test.Expected.Errors != nil
	}
	var v planner.Values
	p.Coerce(nil, &v)
	plan, err := p.Fetches(&v)
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, test.Query)
		return 0, false
	}
	body, stats := e.Execute(t.Context(), &Request{Plan: plan, Values: &v}, nil)
	var got struct {
		Data   any
		Errors []any
	}
	err = json.Unmarshal(body, &got)
	if err != nil || !reflect.DeepEqual(got.Data, test.Expected.Data) || test.Expected.Errors != nil && len(got.Errors) == 0 {
		t.Errorf("%s: %v\n%s\ngot  %s\nwant %v\n%s", name, err, test.Query, body, test.Expected, plan)
		return 0, false
	}
	return stats.Fetches, true
}
