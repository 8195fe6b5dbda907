package planner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

// hostileBudget is far above what any of these documents takes, and far below what a server must not spend on one.
const hostileBudget = 3 * time.Second

// chain makes fragments that spread the next one n times each: n^depth fields when written out.
func chain(on, inner string, depth, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "query { ...F0 }\n")
	for i := range depth {
		fmt.Fprintf(&b, "fragment F%d on %s { %s }\n", i, on, strings.Repeat(fmt.Sprintf("...F%d ", i+1), n))
	}
	fmt.Fprintf(&b, "fragment F%d on %s { %s }", depth, on, inner)
	return b.String()
}

// doubling nests a field in itself, given twice at each level.
func doubling(open, leaf string, depth int) string {
	if depth == 0 {
		return leaf
	}
	inner := doubling(open, leaf, depth-1)
	return open + " { " + inner + " } " + open + " { " + inner + " }"
}

func TestHostileDocumentsEndSoon(t *testing.T) {
	s := world(t)
	large := Options{Limits: Limits{Tokens: 2_000_000}}
	cycle := ""
	for i := range 1000 {
		cycle += fmt.Sprintf("fragment C%d on City { ...C%d ...C%d } ", i, (i+1)%1000, (i*7)%1000)
	}
	for _, tc := range []struct {
		name, document string
		o              Options
	}{
		{"braces", strings.Repeat("{", 100_000), Options{}},
		{"braces, tokens not limited", strings.Repeat("{", 1_000_000), large},
		{"nested fields", "{" + strings.Repeat("a{", 100_000) + strings.Repeat("}", 100_001), large},
		{"nested lists", "{ sum(a: " + strings.Repeat("[", 500_000) + ") }", large},
		{"nested objects", "{ sum(a: " + strings.Repeat("{a:", 300_000) + ") }", large},
		{"nested list types", "query ($a: " + strings.Repeat("[", 500_000) + ") { now }", large},
		{"aliases", "{" + strings.Repeat("a:now ", 1_000_000) + "}", Options{}},
		{"aliases, tokens not limited", "{" + strings.Repeat("a:now ", 100_000) + "}", large},
		{"comments", "{ now " + strings.Repeat("#\n", 500_000) + "}", Options{}},
		{"directives", "{ now " + strings.Repeat("@junk ", 4900) + "}", Options{}},
		{"one string", `{ city(id: "` + strings.Repeat("x", 1<<20) + `") { id } }`, Options{}},
		{"one name", "{ " + strings.Repeat("x", 1<<20) + " }", Options{}},
		{"many operations", strings.Repeat("{ now } ", 3000), Options{}},
		{"many variables", "query (" + strings.Repeat("$a: Int ", 2400) + ") { now }", Options{}},
		{"fragment bomb", chain("Query", "now", 30, 2), Options{}},
		{"fragment bomb, wide", chain("Query", "now me { id }", 60, 20), Options{}},
		{"fragment bomb on entities", strings.Replace(chain("City", "id country { capital { id } }", 30, 2), "{ ...F0 }", "{ city(id: 1) { ...F0 } }", 1), Options{}},
		{"fragment chain", chain("Query", "now", 1200, 1), Options{}},
		{"fragment cycles", "{ city(id: 1) { ...C0 } } " + cycle, Options{}},
		{"same field", "{ " + strings.Repeat("me { id } ", 2000) + "}", Options{}},
		{"same field with arguments", "{ " + strings.Repeat("city(id: 1) { id } ", 1000) + "}", Options{}},
		{"nested repetitions", "{ city(id: 1) { " + doubling("country { capital", "id } id", 6) + " } }", large},
		{"nested doubling", "{ city(id: 1) { country { " + doubling("capital { country", "id } id", 10) + " } } }", large},
		{"inline fragments", "{ city(id: 1) { " + strings.Repeat("... on City { "+strings.Repeat("id name ", 40)+"} ", 100) + "} }", Options{}},
		{"sibling fragments", siblings(700), Options{}},
		{"conflicts", "{ me { " + strings.Repeat("a: id a: name ", 1200) + "} }", Options{}},
		{"interface bomb", strings.Replace(chain("Node", "id ... on City { country { capital { id } } } ... on Country { capital { country { id } } }", 12, 3), "{ ...F0 }", "{ node(id: 1) { ...F0 } }", 1), Options{}},
		{"introspection bomb", "{ __schema { " + strings.Repeat("types { fields { type { ", 3) + "name" + strings.Repeat(" } } }", 3) + " } }", Options{}},
	} {
		for _, schema := range []*Schema{s, nil} {
			var p *Plan
			took := gqltest.CPUTime(t, func() { p = Build(schema, tc.document, "", tc.o) })
			if took > hostileBudget {
				t.Errorf("%s (schema %v): %v", tc.name, schema != nil, took)
			}
			if p.failed {
				t.Errorf("%s: building panicked", tc.name)
			}
			if took > 100*time.Millisecond {
				t.Logf("%s (schema %v): %v, %d bytes, %v %v", tc.name, schema != nil, took, len(tc.document), p.Violations(), first(p.Errors()))
			}
		}
	}
}

func first(errs []Error) string {
	if len(errs) == 0 {
		return ""
	}
	return errs[0].Message
}

func siblings(n int) string {
	var spreads, defs strings.Builder
	for i := range n {
		fmt.Fprintf(&spreads, "...S%d ", i)
		fmt.Fprintf(&defs, "fragment S%d on City { id name country { id } } ", i)
	}
	return "{ city(id: 1) { " + spreads.String() + "} } " + defs.String()
}

func TestBombsAreMeasured(t *testing.T) {
	p := Build(world(t), chain("Query", "now", 30, 2), "", Options{})
	if len(p.Violations()) == 0 || p.Measures().ExpandedFields < 1<<30 {
		t.Errorf("%+v %v", p.Measures(), p.Violations())
	}
	if len(p.Errors()) != 0 {
		t.Error(p.Errors())
	}
}
