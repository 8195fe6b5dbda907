package planner

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// covers is a supergraph of an entity with fields that some of many graphs have, and an operation that asks for all of them: which graphs to ask is
// a set cover, for which no way is known that is better than trying.
func covers(fields, graphs, each int) (sdl, query string) {
	r := rand.New(rand.NewPCG(1, 2))
	var b, q strings.Builder
	b.WriteString("enum join__Graph {")
	for g := range graphs {
		fmt.Fprintf(&b, " G%d @join__graph(name: \"g%d\", url: \"http://g%d\")", g, g, g)
	}
	b.WriteString(" }\ndirective @join__graph(name: String!, url: String!) on ENUM_VALUE\ntype Query { t: T @join__field(graph: G0) }\ntype T")
	for g := range graphs {
		fmt.Fprintf(&b, " @join__type(graph: G%d, key: \"id\")", g)
	}
	b.WriteString(" { id: ID!")
	q.WriteString("{ t {")
	for f := range fields {
		fmt.Fprintf(&b, " f%d: Int", f)
		fmt.Fprintf(&q, " f%d", f)
		for _, g := range r.Perm(graphs - 1)[:each] {
			fmt.Fprintf(&b, " @join__field(graph: G%d)", g+1)
		}
	}
	return b.String() + " }", q.String() + " } }"
}

// A search that cannot end in time ends when its work is used up, with a plan that answers everything, and says so once.
func TestASearchThatRunsOutHasAPlan(t *testing.T) {
	sdl, query := covers(60, 24, 4)
	s, err := LoadSupergraph("covers", sdl)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	plan := fetchPlan(t, s, query, "{}")
	t.Logf("%d requests, %d units of work, %s", len(plan.Steps), plan.Search.Work, time.Since(began))
	asked := map[string]bool{}
	for i := range plan.Steps {
		for _, name := range strings.FieldsFunc(plan.Steps[i].Query, func(c rune) bool { return strings.ContainsRune("{} ,.()", c) }) {
			asked[name] = true
		}
	}
	for f := range 60 {
		if !asked[fmt.Sprint("f", f)] {
			t.Errorf("nobody is asked for f%d", f)
		}
	}
	if !plan.Search.Exhausted || plan.Search.Work > 50_000 {
		t.Errorf("%+v", plan.Search)
	}
	if !plan.TellExhausted() || plan.TellExhausted() {
		t.Error("it is not told once")
	}
	sdl, query = covers(5, 6, 2)
	if s, err = LoadSupergraph("covers", sdl); err != nil {
		t.Fatal(err)
	}
	if plan := fetchPlan(t, s, query, "{}"); plan.Search.Exhausted || plan.TellExhausted() {
		t.Errorf("%+v", plan.Search)
	}
}

// One way to a leaf may take far more work than all others together: here, to the objects of more by a key that has to be fetched by others itself. It is
// not looked at to its end while there is another way.
func TestOneWayDoesNotUseUpTheSearch(t *testing.T) {
	sdl, err := os.ReadFile("testdata/ways.graphql")
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadSupergraph("ways", string(sdl))
	if err != nil {
		t.Fatal(err)
	}
	plan := fetchPlan(t, s, `{ first { ... on E0 { f next { id ... on E3 { id list { x more { last { k: __typename } } code } } } } } }`, "{}")
	if t.Logf("%d requests, %+v", len(plan.Steps), plan.Search); len(plan.Steps) > 6 || plan.Search.Work > 60_000 {
		t.Errorf("%s", plan)
	}
}
