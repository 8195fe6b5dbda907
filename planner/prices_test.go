package planner

import (
	"slices"
	"testing"
)

const pricedGraphs = `
type Query @join__type(graph: A) { top(first: Int = 5): [P] @join__field(graph: A) @listSize(slicingArguments: ["first"]) one: P @join__field(graph: A) any: [X] @join__field(graph: A) }
union X @join__type(graph: A) @join__unionMember(graph: A, member: "P") @join__unionMember(graph: A, member: "Q") = P | Q
type P @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID! name: String @join__field(graph: A)
  reviews(n: Int): [R] @join__field(graph: B) @listSize(assumedSize: 3, slicingArguments: ["n"])
  stock: Int @join__field(graph: C) @cost(weight: "4") }
type Q @join__type(graph: A, key: "id") @join__type(graph: C, key: "id") { id: ID! left: Int @join__field(graph: C) }
type R @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") { id: ID! stars: Int @join__field(graph: B) by: U @join__field(graph: C) }
type U @join__type(graph: C) { name: String }
`

func pricedSupergraph(t testing.TB) *Supergraph {
	t.Helper()
	s, err := LoadSupergraph("s", joinDirectives+"directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION\n"+pricedGraphs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a fetch costs before it is sent: the points of what it asks, as often as the lists on the way may hold it.
func TestFetchesHaveAPrice(t *testing.T) {
	s := pricedSupergraph(t)
	for _, c := range []struct {
		name, document, variables string
		want                      []int64 // by step
	}{
		{"a root alone", `{ one { name } }`, "", []int64{2}},
		{"a default that slices", `{ top { name } }`, "", []int64{6}},
		{"entities of a list", `{ top(first: 7) { stock } }`, "", []int64{8, 7*4 + 1}},
		{"a variable", `query($n: Int) { top(first: $n) { stock } }`, `{"n":100}`, []int64{101, 401}},
		{"lists in lists", `query($n: Int) { top(first: 2) { reviews(n: $n) { by { name } } } }`, `{"n":6}`, []int64{3, 2 + 12, 12 + 12}},
		{"one entity", `{ one { stock } }`, "", []int64{2, 5}},
		{"the dearest of a union", `{ any { ... on P { stock } ... on Q { left } } }`, "", []int64{11, 41}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Build(s.Schema(), c.document, "", Options{})
			var v Values
			if problems := p.Coerce([]byte(c.variables), &v); len(p.Errors())+len(problems) > 0 {
				t.Fatal(p.Errors(), problems)
			}
			plan, err := p.Fetches(&v)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.FetchPoints(plan, &v, nil); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v\n%s", got, c.want, plan)
			}
			dst := make([]int64, 0, 8)
			if n := testing.AllocsPerRun(20, func() { dst = p.FetchPoints(plan, &v, dst[:0]) }); n > 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func TestHugePricesDoNotVanish(t *testing.T) {
	s := pricedSupergraph(t)
	p := Build(s.Schema(), `{ top(first: 2000000000) { reviews(n: 2000000000) { by { name } } } }`, "", Options{})
	var v Values
	plan, err := p.Fetches(&v)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.FetchPoints(plan, &v, nil); len(got) != 3 || got[2] != maxPoints {
		t.Errorf("%v", got)
	}
}
