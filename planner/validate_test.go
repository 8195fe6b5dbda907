package planner

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// deliberate lists where validation means to differ from graphql-js 16, and why; each row must be met.
var deliberate = []struct {
	reason string
	same   func(document string, ours []Error, theirs []string) bool
}{
	{
		"@skip and @include at the root of a subscription are refused, as the edition of September 2025 demands",
		func(document string, ours []Error, theirs []string) bool {
			return len(theirs) == 0 && len(ours) > 0 && strings.Contains(ours[0].Message, "at its top level")
		},
	},
	{
		"@defer and @stream are known also where the schema does not define them: the server decides",
		func(document string, ours []Error, theirs []string) bool {
			return len(ours) == 0 && len(theirs) > 0 && (strings.Contains(theirs[0], `"@defer"`) || strings.Contains(theirs[0], `"@stream"`))
		},
	},
	{
		"graphql-js 16.11 throws on a variable in a @oneOf input object that lies in a fragment before its operation",
		func(document string, ours []Error, theirs []string) bool {
			return len(ours) == 0 && strings.Contains(theirs[0], "Cannot read properties of undefined")
		},
	},
}

// handmade are cases the generator does not reach.
var handmade = []string{
	"", " ", "# only a comment", "{", "}", "{}", "{ now", "query", "query Q", "query Q { }", "{ now } }", "{ now }}", "{ n ow }", "\ufeff{ now }", "{ now } fragment", "{ ...on City }",
	"{ now @skip(if: true) @include(if: false) }", "query ($a: Int = 1) { sum(a: $a) }", "query ($a: Int) { sum(a: $a) }", "query ($a: Int!) { sum(a: $a, b: null) }",
	"query ($b: Float) { sum(a: 1, b: $b) }", "query ($b: Int) { sum(a: 1, b: $b) }", "query ($l: [Int]) { sum(a: 1, list: $l) }", "query ($l: Int) { sum(a: 1, list: [$l]) }", "query ($l: Int!) { sum(a: 1, list: [$l]) }",
	"{ sum(a: 2147483647) }", "{ sum(a: 2147483648) }", "{ sum(a: -2147483649) }", "{ sum(a: 1, b: 99999999999) }", "{ sum(a: 1.0) }", `{ sum(a: "1") }`, "{ sum(a: 1, grid: 1) }", "{ sum(a: 1, grid: [[1, null], null]) }",
	"query ($by: By!) { country(by: $by) { id } }", "query ($id: ID) { country(by: {id: $id}) { id } }", "query ($id: ID!) { country(by: {id: $id}) { id } }", "fragment F on Query { country(by: {id: $id}) { id } } query ($id: ID!) { ...F }", "{ country(by: {}) { id } }", "{ country(by: {id: 1, name: null}) { id } }", "{ country(by: {id: null}) { id } }",
	"{ a: now, a: me { id } }", "{ me { name, name: id } }", "{ search(text: \"a\") { ... on City { x: name } ... on Country { x: id } } }", "{ search(text: \"a\") { ... on Person { x: name } ... on Robot { x: name } } }",
	"{ search(text: \"a\") { ... on Person { age } ... on Robot { age } } }", "{ city(id: 1) { id } city(id: 2) { id } }", "{ city(id: 1) { id } city(id: \"1\") { id } }", "{ city(id: 1) { ...A ...B } } fragment A on City { x: id } fragment B on City { x: name }",
	"subscription { tick @skip(if: true) }", "subscription ($b: Boolean!) { ...F } fragment F on Subscription { tick @include(if: $b) }", "subscription { tick a: tick }", "subscription { tick cityChanged { id } }", "subscription { __typename }",
	"{ ... @defer { now } }", "{ cities @stream { id } }", "query A { now } query B { now }", "query A { now } query A { now }", "query A { now } { now }", "{ ...F } fragment F on Query { ...F }", "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
	"{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", "{ __type(name: \"City\") { name fields { name } } }", "{ __type { name } }", "{ __typename { a } }", "mutation { __typename }", "mutation { addCity(in: {}) { id } }",
	"{ node(id: 1) { ... on Robot { serial } } }", "{ node(id: 1) { ... on Search { __typename } } }", "{ search(text: \"x\") { id } }", "{ search(text: \"x\") { __typename } }", "{ search(text: \"x\") { ... on Node { id } } }", "{ place(id: 1) { ... on Person { id } } }",
	"fragment F on City { id }", "fragment on on City { id } { city(id: 1) { ...on } }", "query ($x: City) { now }", "query ($x: Int, $x: Int) { sum(a: $x) }", "query ($x: Int @once) { sum(a: 1, list: [$x]) }", "query @mark(name: \"q\") { now }", "{ now @mark }", "{ now @once @once }",
	"{ city(id: \"\\uD83D\\uDE00\") { id } }", "{ city(id: \"\\uD83D\") { id } }", "{ city(id: \"\\u{1F600}\") { id } }", "{ city(id: \"\\u{D83D}\") { id } }", "{ city(id: \"\\u{110000}\") { id } }", "{ city(id: \"a\\x\") { id } }", "{ city(id: \"\"\"a \\\"\"\" b\"\"\") { id } }",
	"{ city(id: 01) { id } }", "{ city(id: 1a) { id } }", "{ sum(a: 1, b: 1.) }", "{ sum(a: 1, b: .5) }", "{ sum(a: 1, b: 1e) }", "{ sum(a: -0) }", "{ city(id: 1.5) { id } }", "{ city(id: true) { id } }", "{ city(id: $x) { id } }", "{ cities(filter: {name: \"a\", name: \"b\"}) { id } }",
	"{ cities(filter: {population: {min: 1}}) { id } }", "{ cities(filter: {population: {max: null}}) { id } }", "{ cities(filter: {and: {name: \"a\"}}) { id } }", "{ cities(filter: {and: [{units: METRIC}], since: {a: [1, B]}}) { id } }", "{ cities(filter: {nope: 1}) { id } }",
	"query ($f: CityFilter = {population: {max: 1}}) { cities(filter: $f) { id } }", "query ($f: CityFilter = {population: {}}) { cities(filter: $f) { id } }", "query ($m: Int) { cities(filter: {population: {min: $m, max: 1}}) { id } }", "query ($m: Int) { cities(filter: {population: {max: $m}}) { id } }",
	"query ($s: Int) { cities(filter: {since: $s}) { id } }", "query ($s: Date) { cities(filter: {since: {at: [$s]}}) { id } }", "query ($u: Unit) { city(id: 1) { area(unit: $u) } }", "query ($u: [Unit!]) { cities(filter: {units: $u}) { id } }", "query ($u: Unit!) { cities(filter: {units: $u}) { id } }",
}

func TestValidationAgreesWithGraphQLJS(t *testing.T) {
	s := world(t)
	docs := append([]string{}, handmade...)
	g := &documents{r: rand.New(rand.NewPCG(20250901, 7)), schema: s.ast, mistakes: 60}
	for range 2000 {
		docs = append(docs, g.document())
	}
	theirs := messages(t, worldSDL(t), docs)
	used := make([]int, len(deliberate))
	var canonical []string
	valid, bad := 0, 0
	for i, doc := range docs {
		p := Build(s, doc, firstOperation(doc), Options{Limits: Limits{Tokens: 1e6, Depth: 1e6}})
		ours := p.Errors()
		if len(ours) == 1 && ours[0].Code == "OPERATION_RESOLUTION_FAILURE" && len(theirs[i]) == 0 {
			continue // choosing an operation is not validation
		}
		if (len(ours) == 0) == (len(theirs[i]) == 0) {
			if len(ours) == 0 {
				valid++
				canonical = append(canonical, p.Canonical())
			}
			continue
		}
		known := false
		for d := range deliberate {
			if known = deliberate[d].same(doc, ours, theirs[i]); known {
				used[d]++
				break
			}
		}
		if !known {
			if bad++; bad <= 20 {
				t.Errorf("%s\n ours   %v\n theirs %v", doc, ours, theirs[i])
			}
		}
	}
	for d, n := range used {
		if n == 0 {
			t.Errorf("deliberate difference never met: %s", deliberate[d].reason)
		}
	}
	for i, theirs := range messages(t, worldSDL(t), canonical) {
		if len(theirs) > 0 {
			t.Errorf("graphql-js refuses the canonical form %s: %v", canonical[i], theirs)
		}
	}
	t.Logf("%d documents, %d valid, deliberate differences met %v, other differences %d", len(docs), valid, used, bad)
}

// firstOperation names an operation, so that validation is reached in documents with several.
func firstOperation(doc string) string {
	for _, name := range []string{"A", "Op"} {
		if strings.Contains(doc, "query "+name+" ") && strings.Count(doc, "{ now }")+strings.Count(doc, "query ") > 1 {
			return name
		}
	}
	return ""
}

// TestLongDocumentsAreNotInvalid: a document that is correct is never called invalid, however long its fragments go on.
func TestLongDocumentsAreNotInvalid(t *testing.T) {
	s := world(t)
	for _, schema := range []*Schema{s, nil} {
		p := Build(schema, chain("Query", "now", 1240, 1), "", Options{})
		if len(p.Errors()) > 0 || len(p.Violations()) > 0 || !p.analysed {
			t.Errorf("a chain of fragments: %v %v", p.Errors(), p.Violations())
		}
	}
	many := strings.Replace(chain("Query", "now", 600, 1), "query { ...F0 }", "", 1)
	for i := range 1000 {
		many += fmt.Sprintf(" query Q%d { ...F0 }", i)
	}
	p := Build(s, many, "Q0", Options{Limits: Limits{Tokens: 100_000}})
	if len(p.Errors()) > 0 || fmt.Sprint(p.Violations()) != "[{expanded_fields 500001 500000}]" || p.Cache().Cacheable || p.Kind() != KindQuery || p.Name() != "Q0" {
		t.Errorf("many operations: %v %v %+v", p.Errors(), p.Violations(), p.Cache())
	}
	if p = Build(s, many+" query Q { nothing }", "Q0", Options{Limits: Limits{Tokens: 100_000}}); len(p.Errors()) > 0 {
		t.Errorf("beyond the bound: %v", p.Errors())
	}
	if p = Build(s, "query Q { nothing } "+many, "Q0", Options{Limits: Limits{Tokens: 100_000}}); len(p.Errors()) != 1 {
		t.Errorf("before the bound: %v", p.Errors())
	}
}

// TestFragmentsAreCheckedOnTheirOwn: what no operation reaches is validated too, and the document is whole afterwards.
func TestFragmentsAreCheckedOnTheirOwn(t *testing.T) {
	s := world(t)
	for document, want := range map[string]string{
		"{ ...A } fragment A on Query { now } fragment B on City { nope }":                                     "Cannot query field \"nope\" on type \"City\". Fragment \"B\" is never used.",
		"{ now } fragment B on City { ...C } fragment C on Query { now }":                                      "Fragment \"C\" cannot be spread here as objects of type \"City\" can never be of type \"Query\". Fragment \"B\" is never used.",
		"{ ...A } fragment A on Query { ...B } fragment B on Query { me { ...C } } fragment C on Person { x }": "Cannot query field \"x\" on type \"Person\".",
	} {
		p := Build(s, document, "", Options{})
		var got []string
		for _, e := range p.Errors() {
			got = append(got, e.Message)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q", document, got)
		}
	}
	p := Build(s, "{ ...A } fragment A on Query { ...B } fragment B on Query { me { id } }", "", Options{})
	var tags Tags
	p.Inspect([]byte(`{"data":{"me":{"id":"7"}}}`), &tags)
	if got := list(&tags); got != "Person Person:7" {
		t.Errorf("tags %q", got)
	}
}
