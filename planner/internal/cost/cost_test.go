package cost

import (
	"math"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/coerce"
	"github.com/weirproxy/weir/planner/internal/gqltest"
)

const directives = `
directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
`

func load(t testing.TB, sdl string) *ast.Schema {
	t.Helper()
	schema := gqltest.Schema(t, directives+sdl)
	return schema
}

// compiled is an operation ready to be priced.
type compiled struct {
	formula *Formula
	program *coerce.Program
}

func compile(t testing.TB, schema *ast.Schema, document string) compiled {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(schema, document, nil)
	if errs != nil {
		t.Fatalf("%s: %v", document, errs)
	}
	return compiled{Compile(schema, doc, doc.Operations[0]), coerce.Compile(schema, doc.Operations[0].VariableDefinitions)}
}

func (c compiled) price(t testing.TB, variables string) Cost {
	t.Helper()
	var v coerce.Values
	if errs := c.program.Run([]byte(variables), &v); errs != nil {
		t.Fatalf("%s: %v", variables, errs)
	}
	return c.formula.Evaluate(&v)
}

type priceCase struct {
	name, document, variables string
	typ, field                float64
}

func run(t *testing.T, schema *ast.Schema, cases []priceCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, want := compile(t, schema, c.document).price(t, c.variables), (Cost{c.typ, c.field}); got != want {
				t.Errorf("%s %s\n got  %+v\n want %+v", c.document, c.variables, got, want)
			}
		})
	}
}

func TestExamplesOfTheSpecification(t *testing.T) {
	t.Run("users", func(t *testing.T) {
		run(t, load(t, `
			type User { name: String age: Int @cost(weight: "2.0") }
			type Query { users(max: Int): [User] @listSize(slicingArguments: ["max"]) }`),
			[]priceCase{{"upper bound of 11", `{users(max: 5) {age}}`, ``, 1 + 5, 1 + 5*2}})
	})
	t.Run("argument weights", func(t *testing.T) {
		run(t, load(t, `
			input Filter { field: String }
			type Query { topProducts(filter: Filter @cost(weight: "15.0")): [String] @cost(weight: "5.0") @listSize(assumedSize: 10) }`),
			[]priceCase{
				{"without the filter", `{topProducts}`, ``, 1, 5},
				{"with it", `{topProducts(filter: {field: "x"})}`, ``, 1, 20},
				{"from a variable", `query($f: Filter) {topProducts(filter: $f)}`, `{"f":{"field":"x"}}`, 1, 20},
				{"from an absent variable", `query($f: Filter) {topProducts(filter: $f)}`, `{}`, 1, 5},
			})
	})
	t.Run("negative weights", func(t *testing.T) {
		run(t, load(t, `
			input Approximate { by: Int }
			type Product { name: String }
			type Query { mostPopularProduct(approx: Approximate @cost(weight: "-3.0")): Product @cost(weight: "5.0") }`),
			[]priceCase{
				{"exact", `{mostPopularProduct {name}}`, ``, 2, 5},
				{"approximate", `{mostPopularProduct(approx: {by: 1}) {name}}`, ``, 2, 2},
			})
	})
	t.Run("input field weights", func(t *testing.T) {
		run(t, load(t, `
			input Approximate { by: Int }
			input Filter { approx: Approximate @cost(weight: "-12.0") }
			type Query { topProducts(filter: Filter @cost(weight: "15.0")): [String] @cost(weight: "5.0") @listSize(assumedSize: 10) }`),
			[]priceCase{
				{"literal", `{topProducts(filter: {approx: {by: 1}})}`, ``, 1, 8},
				{"variable", `query($f: Filter) {topProducts(filter: $f)}`, `{"f":{"approx":{"by":1}}}`, 1, 8},
				{"variable within", `query($a: Approximate) {topProducts(filter: {approx: $a})}`, `{"a":{"by":1}}`, 1, 8},
				{"absent variable within", `query($a: Approximate) {topProducts(filter: {approx: $a})}`, `{}`, 1, 20},
			})
	})
	t.Run("directive arguments", func(t *testing.T) {
		run(t, load(t, `
			directive @approx(tolerance: Float! @cost(weight: "-1.0")) on FIELD
			type Product { name: String }
			type Query { product: Product @cost(weight: "3") cheap: String }`),
			[]priceCase{
				{"with", `{product @approx(tolerance: 0.5) {name}}`, ``, 2, 2},
				{"without", `{product {name}}`, ``, 2, 3},
				{"never below zero", `{cheap @approx(tolerance: 0.5)}`, ``, 1, 0},
			})
	})
	t.Run("connections", func(t *testing.T) {
		run(t, load(t, `
			type Film { title: String }
			type FilmEdge { cursor: ID node: Film }
			type PageInfo { endCursor: ID }
			type FilmConnection { edges: [FilmEdge] pageInfo: PageInfo }
			type Query { films(first: Int, after: ID, last: Int, before: ID): FilmConnection @listSize(slicingArguments: ["first", "last"], sizedFields: ["edges"]) }`),
			[]priceCase{
				{"first", `{films(first: 5) {edges {node {title}} pageInfo {endCursor}}}`, ``, 1 + 1 + 5*2 + 1, 1 + 1 + 5 + 1},
				{"the greater of two", `{films(first: 5, last: 7) {edges {cursor}}}`, ``, 1 + 1 + 7, 1 + 1},
				{"variable", `query($n: Int!) {films(last: $n) {edges {node {title}}}}`, `{"n":3}`, 1 + 1 + 3*2, 1 + 1 + 3},
				{"neither", `{films {edges {cursor}}}`, ``, 1 + 1 + DefaultListSize, 1 + 1},
			})
	})
}

const shop = `
scalar Blob @cost(weight: "0.5")
enum Color { RED GREEN }
interface Node { id: ID! related(first: Int): [Node!]! @listSize(slicingArguments: ["first"]) }
type Book implements Node @cost(weight: "2") { id: ID! title: String cover: Blob pages: [Page!]! related(first: Int): [Node!]! @listSize(slicingArguments: ["first"]) }
type Film implements Node @cost(weight: "5") { id: ID! title: String @cost(weight: "7") pages: [Page!]! @listSize(assumedSize: 3) related(first: Int): [Node!]! }
type Page { text: String grid: [[Cell]] }
type Cell { v: Int }
union Item = Book | Page
input Range { from: Int @cost(weight: "1.5") to: Int = 9 @cost(weight: "0.25") next: Range and: [Range!] page: Int }
type Query {
  node(id: ID!): Node
  nodes(ids: [ID!]): [Node] @listSize(slicingArguments: ["ids"])
  items(first: Int = 4, page: Range, color: Color @cost(weight: "3")): [Item!] @listSize(slicingArguments: ["first", "page.page"], assumedSize: 6, requireOneSlicingArgument: false)
  search(in: Range, list: [Range!], n: Float): [Book] @listSize(slicingArguments: ["n"], assumedSize: 2, requireOneSlicingArgument: false)
  book: Book
  page: Page @cost(weight: "0")
  _entities(representations: [Blob!]!): [Item]!
}
type Mutation { add(in: Range!): Book @cost(weight: "10") }
`

func TestPrices(t *testing.T) {
	run(t, load(t, shop), []priceCase{
		{"typename is free", `{__typename}`, ``, 1, 0},
		{"introspection costs one", `{__schema {types {name fields {name}}}}`, ``, 2, 1},
		{"scalars may weigh", `{book {cover}}`, ``, 1 + 2 + 0.5, 1},
		{"the dearest type of an interface", `{node(id: 1) {id}}`, ``, 1 + 5, 1},
		{"fields of one type only", `{node(id: 1) {... on Book {title pages {text}} ... on Film {title}}}`, ``, 1 + max(2+10, 5), 1 + max(1, 7)},
		{"a union takes the dearer member", `{items {... on Book {title} ... on Page {text}}}`, ``, 1 + 4*2, 1},
		{"default of an argument", `{items {__typename}}`, ``, 1 + 4*2, 1},
		{"null overrides it", `{items(first: null) {__typename}}`, ``, 1 + 6*2, 1},
		{"absent variable: default", `query($n: Int) {items(first: $n) {__typename}}`, `{}`, 1 + 4*2, 1},
		{"null variable", `query($n: Int) {items(first: $n) {__typename}}`, `{"n":null}`, 1 + 6*2, 1},
		{"negative says nothing", `query($n: Int) {items(first: $n) {__typename}}`, `{"n":-1}`, 1 + 6*2, 1},
		{"negative literal", `{items(first: -100) {__typename}}`, ``, 1 + 6*2, 1},
		{"none at all", `query($n: Int) {items(first: $n) {__typename}}`, `{"n":0}`, 1, 1},
		{"dotted slicing argument", `{items(first: 2, page: {page: 20}) {__typename}}`, ``, 1 + 20*2, 1 + 1 + 0.25},
		{"dotted through a variable", `query($p: Range) {items(first: 2, page: $p) {__typename}}`, `{"p":{"page":30}}`, 1 + 30*2, 1 + 1 + 0.25},
		{"weight of an enum argument", `{items(color: RED) {__typename}}`, ``, 1 + 4*2, 4},
		{"length of a list argument", `{nodes(ids: [1, 2, 3]) {id}}`, ``, 1 + 3*5, 1},
		{"length of a list variable", `query($i: [ID!]) {nodes(ids: $i) {id}}`, `{"i":[1,2]}`, 1 + 2*5, 1},
		{"float slicing", `query($n: Float) {search(n: $n) {id}}`, `{"n":2.5}`, 1 + 2.5*2, 1},
		{"input object by variable", `query($r: Range) {search(in: $r) {id}}`, `{"r":{"from":1,"next":{"from":2,"and":[{"to":1},{"to":2,"from":3}]}}}`, 1 + 2*2, 1 + 1 + 1.5 + 0.25 + 1 + 1.5 + 0.25 + 1 + 0.25 + 0.25 + 1.5},
		{"the same by literal", `{search(in: {from: 1, next: {from: 2, and: [{to: 1}, {to: 2, from: 3}]}}) {id}}`, ``, 1 + 2*2, 1 + 1 + 1.5 + 0.25 + 1 + 1.5 + 0.25 + 1 + 0.25 + 0.25 + 1.5},
		{"list of input objects", `query($l: [Range!]) {search(list: $l) {id}}`, `{"l":[{"from":1},{"from":2}]}`, 1 + 2*2, 1 + 1 + 2*1.75},
		{"single for a list", `query($l: [Range!]) {search(list: $l) {id}}`, `{"l":{"from":1}}`, 1 + 2*2, 1 + 1 + 1.75},
		{"variable within a list", `query($r: Range!) {search(list: [{from: 1}, $r]) {id}}`, `{"r":{}}`, 1 + 2*2, 1 + 1 + 1.75 + 0.25},
		{"null input object", `query($r: Range) {search(in: $r) {id}}`, `{"r":null}`, 1 + 2*2, 2},
		{"nested lists", `{page {grid {v}}}`, ``, 1 + 1 + 100, 0 + 1},
		{"size from the interface's field", `{node(id: 1) {... on Film {related(first: 50) {id}}}}`, ``, 1 + max(2, 5+50*5), 1 + 1},
		{"size depends on the type", `{node(id: 1) {... on Film {pages {text}} ... on Book {pages {text}}}}`, ``, 1 + max(5+3, 2+10), 1 + 1},
		{"nested products", `query($n: Int) {node(id: 1) {related(first: $n) {related(first: $n) {id}}}}`, `{"n":10}`, 1 + 5 + 10*5 + 100*5, 1 + 1 + 10},
		{"entities by representations", `query($r: [Blob!]!) {_entities(representations: $r) {... on Book {title}}}`, `{"r":[{},{},{}]}`, 1 + 3*2, 1},
		{"mutation", `mutation {add(in: {from: 1}) {id}}`, ``, 1 + 2, 10 + 1 + 1.75},
		{"merged fields cost once", `{book {title} book {title id} ...F} fragment F on Query {book {id}}`, ``, 1 + 2, 1},
		{"aliases do not merge", `{a: book {title} b: book {title}}`, ``, 1 + 4, 2},
		{"merged behind merged", `{book {pages {text}} ...F} fragment F on Query {book {pages {grid {v}}}}`, ``, 1 + 2 + 10 + 1000, 1 + 1 + 10},
	})
}

func TestConditionalSelections(t *testing.T) {
	run(t, load(t, shop), []priceCase{
		{"literal skip", `{book @skip(if: true) {title} page {text}}`, ``, 1 + 1, 0},
		{"literal include", `{book @include(if: false) {title} page @include(if: true) {text}}`, ``, 1 + 1, 0},
		{"variable holds", `query($v: Boolean!) {book @include(if: $v) {title}}`, `{"v":true}`, 1 + 2, 1},
		{"variable does not", `query($v: Boolean!) {book @include(if: $v) {title}}`, `{"v":false}`, 1, 0},
		{"skip", `query($v: Boolean!) {book @skip(if: $v) {title}}`, `{"v":true}`, 1, 0},
		{"one occurrence is enough", `query($v: Boolean!) {book @include(if: $v) {title} book {id}}`, `{"v":false}`, 1 + 2, 1},
		{"behind one of two", `query($v: Boolean!) {book @include(if: $v) {pages {text}} book {id}}`, `{"v":false}`, 1 + 2, 1},
		{"behind one of two, open", `query($v: Boolean!) {book @include(if: $v) {pages {text}} book {id}}`, `{"v":true}`, 1 + 2 + 10, 2},
		{"on a fragment", `query($v: Boolean!) {...F @include(if: $v)} fragment F on Query {book {pages {text}}}`, `{"v":false}`, 1, 0},
		{"on a fragment, open", `query($v: Boolean!) {...F @include(if: $v)} fragment F on Query {book {pages {text}}}`, `{"v":true}`, 1 + 2 + 10, 2},
		{"on an inline fragment", `query($v: Boolean!) {... @skip(if: $v) {book {id}}}`, `{"v":true}`, 1, 0},
		{"both", `query($v: Boolean!, $w: Boolean!) {book @include(if: $v) @skip(if: $w) {id}}`, `{"v":true,"w":true}`, 1, 0},
		{"both hold", `query($v: Boolean!, $w: Boolean!) {book @include(if: $v) @skip(if: $w) {id}}`, `{"v":true,"w":false}`, 1 + 2, 1},
		{"never", `query($v: Boolean!) {book @include(if: $v) @skip(if: $v) {id}}`, `{"v":true}`, 1, 0},
		{"either", `query($v: Boolean!) {book @include(if: $v) {id} book @skip(if: $v) {title}}`, `{"v":true}`, 1 + 2, 1},
	})
}

func TestPoints(t *testing.T) {
	for _, c := range []struct {
		cost Cost
		want int64
	}{
		{Cost{}, 1},
		{Cost{1, 0}, 1},
		{Cost{2, 11}, 11},
		{Cost{2.1, 0}, 3},
		{Cost{ceiling, 3}, 1e18},
		{Cost{1e30, 3}, math.MaxInt64},
		{Cost{math.NaN(), 3}, 1},
	} {
		if got := c.cost.Points(); got != c.want {
			t.Errorf("%+v: %d points, want %d", c.cost, got, c.want)
		}
	}
}

func TestWeight(t *testing.T) {
	for sdl, want := range map[string]float64{
		`"2"`: 2, `"-1.5"`: -1.5, `3`: 3, `0.5`: 0.5, `"1e18"`: 1e18, `"""4"""`: 4,
		`"cheap"`: unknown, `"NaN"`: unknown, `"1e999"`: unknown, `"Infinity"`: unknown, `"2e18"`: unknown, `""`: unknown, `"2x"`: unknown, `true`: unknown, `[1]`: unknown,
	} {
		doc := gqltest.Document(t, "{f(a: "+sdl+")}")
		got, ok := Weight(doc.Operations[0].SelectionSet[0].(*ast.Field).Arguments[0].Value)
		if ok != (want != unknown) || ok && got != want {
			t.Errorf("%s: %v %v", sdl, got, ok)
		}
	}
}
