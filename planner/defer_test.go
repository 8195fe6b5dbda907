package planner

import (
	"fmt"
	"strings"
	"testing"
)

func planInParts(t testing.TB, s *Supergraph, document, variables string) *FetchPlan {
	t.Helper()
	p, v := coerced(t, s, document, variables)
	plan, err := p.FetchesInParts(v, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// inShort tells of a plan which subgraphs are asked for what, and for which parts.
func inShort(p *FetchPlan) string {
	var b strings.Builder
	for i := range p.Steps {
		s := &p.Steps[i]
		query := s.Query
		if at := strings.Index(query, "){_entities"); at >= 0 {
			query = strings.TrimSuffix(strings.TrimPrefix(query[at:], "){_entities(representations:$_r)"), "}")
		}
		fmt.Fprintf(&b, "%s for %b %s\n", p.Subgraphs[s.Subgraph], s.For, query)
	}
	for i := range p.Parts {
		if part := &p.Parts[i]; i > 0 {
			fmt.Fprintf(&b, "%d %q in %d, above %d, empty %v\n", i, part.Label, part.Parent, part.Above, part.Empty)
		}
	}
	return b.String()
}

func TestWhatIsDeferredIsFetchedForItself(t *testing.T) {
	s := loadSupergraph(t, "testdata/shop.graphql")
	for _, c := range []struct{ name, document, variables, want string }{
		{"another subgraph's fields", `{ topProducts { name ... @defer(label: "r") { reviews { body author { name } } } inStock } }`, ``, `
products for 1 {topProducts{name upc}}
inventory for 1 {...on Product{inStock}}
reviews for 10 {...on Product{reviews{body author{id}}}}
accounts for 10 {...on User{name}}
1 "r" in 0, above 0, empty false
`},
		{"the same subgraph's fields of an entity", `{ topProducts { upc ... @defer { name } } }`, ``, `
products for 1 {topProducts{upc}}
products for 10 {...on Product{name}}
1 "" in 0, above 0, empty false
`},
		{"one subgraph for two", `{ topProducts { upc ...A @defer ...B @defer } } fragment A on Product { reviews { body } } fragment B on Product { inStock reviews { body } }`, ``, `
products for 1 {topProducts{upc}}
inventory for 100 {...on Product{inStock}}
reviews for 110 {...on Product{reviews{body}}}
1 "" in 0, above 0, empty false
2 "" in 0, above 0, empty false
`},
		{"one in another", `{ topProducts { upc ... @defer(label: "a") { name ... @defer(label: "b") { inStock name } } } }`, ``, `
products for 1 {topProducts{upc}}
products for 10 {...on Product{name}}
inventory for 100 {...on Product{inStock}}
1 "a" in 0, above 0, empty false
2 "b" in 1, above 1, empty false
`},
		{"one in another that has nothing new", `{ topProducts { upc ... @defer { upc ... @defer { inStock } } } }`, ``, `
products for 1 {topProducts{upc}}
inventory for 100 {...on Product{inStock}}
1 "" in 0, above 0, empty true
2 "" in 1, above 0, empty false
`},
		{"a root field", `{ me { id } ... @defer { topProducts { name } } }`, ``, `
accounts for 1 {me{id}}
products for 10 {topProducts{name}}
1 "" in 0, above 0, empty false
`},
		{"by a variable", `query ($d: Boolean!) { topProducts { upc ... @defer(if: $d) { inStock } } }`, `{"d":true}`, `
products for 1 {topProducts{upc}}
inventory for 10 {...on Product{inStock}}
1 "" in 0, above 0, empty false
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := inShort(planInParts(t, s, c.document, c.variables)); got != c.want[1:] {
				t.Errorf("got\n%s\nwant%s", got, c.want)
			}
		})
	}
}

func TestWhatIsNotDeferredHasThePlanWithoutIt(t *testing.T) {
	s := loadSupergraph(t, "testdata/shop.graphql")
	for _, c := range []struct{ document, variables string }{
		{`{ topProducts { upc ... @defer(if: false) { inStock } } }`, ``},
		{`query ($d: Boolean!) { topProducts { upc ... @defer(if: $d) { inStock } } }`, `{"d":false}`},
		{`query ($d: Boolean!) { topProducts { upc ... @skip(if: $d) @defer { inStock } } }`, `{"d":true}`},
		{`{ topProducts { upc inStock } }`, ``},
		{`{` + strings.Repeat(` ... @defer { topProducts { upc } }`, 64) + ` }`, ``},
	} {
		plan := planInParts(t, s, c.document, c.variables)
		if plan.Parts != nil {
			t.Errorf("%.80s has parts", c.document)
		}
		p := Build(s.Schema(), c.document, "", Options{})
		var v Values
		p.Coerce([]byte(c.variables), &v)
		if same, err := p.Fetches(&v); err != nil || inShort(same) != inShort(plan) {
			t.Errorf("%.80s: %s", c.document, inShort(plan))
		}
	}
	p := Build(s.Schema(), `{ topProducts { upc ... @defer { inStock } } }`, "", Options{})
	var v Values
	p.Coerce(nil, &v)
	if plan, err := p.Fetches(&v); err != nil || plan.Parts != nil || plan.Steps[0].For != 0 || plan.Projections[0].Divided {
		t.Error("who does not take parts gets some")
	}
}

func TestDeferIsValidated(t *testing.T) {
	s, err := ParseSchema("s", `type Query { a: Query b: Int } type Mutation { a: Query } type Subscription { a: Query }`)
	if err != nil {
		t.Fatal(err)
	}
	for document, want := range map[string]string{
		`{ ... @defer(label: "x") { b } a { ... @defer(label: "y") { b } } }`:         "",
		`{ ...F a { ...F } } fragment F on Query { ... @defer(label: "x") { b } }`:    "",
		`mutation { a { ... @defer { b } } }`:                                         "",
		`{ ... @defer(label: "x") { b } a { ... @defer(label: "x") { b } } }`:         "must be unique",
		`query ($l: String) { ... @defer(label: $l) { b } }`:                          "must be a static string",
		`mutation { ... @defer { a { b } } }`:                                         `cannot be used on root mutation type "Mutation"`,
		`mutation { ...F @defer } fragment F on Mutation { a { b } }`:                 `cannot be used on root mutation type "Mutation"`,
		`subscription { a { b } ...F @defer } fragment F on Subscription { a { b } }`: `cannot be used on root subscription type "Subscription"`,
		`{ b @defer }`:                "may not be used on FIELD",
		`{ ... @defer(if: 1) { b } }`: "Boolean cannot represent",
	} {
		p := Build(s, document, "", Options{})
		switch errs := p.Errors(); {
		case want == "" && len(errs) > 0, want != "" && (len(errs) == 0 || !strings.Contains(fmt.Sprint(errs), want)):
			t.Errorf("%s: %v", document, errs)
		}
	}
}
