package cost

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/coerce"
	"github.com/weirproxy/weir/planner/internal/gqltest"
)

const tree = `
interface Node { next: Node left(first: Int): [Node] @listSize(slicingArguments: ["first"]) v: Int }
type A implements Node { next: Node left(first: Int): [Node] @listSize(slicingArguments: ["first"]) v: Int }
type B implements Node @cost(weight: "3") { next: Node left(first: Int): [Node] @listSize(slicingArguments: ["first"]) v: Int }
input I { i: I j: [I!] k: Int @cost(weight: "1") loop: I = {} }
type Query { node: Node f(i: I): A }
`

func prices(t testing.TB, schema *ast.Schema, document, variables string) (Cost, *Formula) {
	t.Helper()
	doc := gqltest.Document(t, document)
	f := Compile(schema, doc, doc.Operations[0])
	var v coerce.Values
	if errs := coerce.Compile(schema, doc.Operations[0].VariableDefinitions).Run([]byte(variables), &v); errs != nil {
		t.Fatal(errs)
	}
	return f.Evaluate(&v), f
}

// chain is a document of n fragments, each holding the next one twice under different aliases.
func chain(n int, args string) string {
	return "query ($n: Int, $v: Boolean = true) {node {...F0}}" + gqltest.Repeat(n, func(i int) string {
		return fmt.Sprintf("fragment F%d on Node {a: left%s {...F%d} b: left%s {...F%d}}", i, args, i+1, args, i+1)
	}) + fmt.Sprintf("fragment F%d on Node {v}", n)
}

func TestExponentialExpansionIsPriced(t *testing.T) {
	schema := load(t, tree)
	// One level costs twice a list of 2: 4 values of 3 each, behind each of them the next level.
	got, _ := prices(t, schema, chain(3, "(first: 2)"), ``)
	if want := (Cost{1 + 3 + 3*4 + 3*16 + 3*64, 1 + 2 + 2*4 + 2*16}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, args := range []string{"(first: 2)", "(first: $n)", "(first: $n) @include(if: $v)"} {
		got, f := prices(t, schema, chain(2000, args), `{"n":2}`)
		if got != (Cost{ceiling, ceiling}) {
			t.Errorf("%s: %+v", args, got)
		}
		t.Logf("%s: %d nodes, %d terms", args, len(f.nodes), len(f.terms))
	}
}

func TestSizesSaturate(t *testing.T) {
	schema := load(t, tree)
	document := `query ($n: Int!) {node {` + strings.Repeat("left(first: $n) {", 40) + "v" + strings.Repeat("}", 40) + `}}`
	got, _ := prices(t, schema, document, `{"n":2147483647}`)
	if got != (Cost{ceiling, ceiling}) || got.Points() != 1e18 {
		t.Errorf("%+v", got)
	}
	if got, _ = prices(t, schema, document, `{"n":0}`); got != (Cost{1 + 3, 1 + 1}) {
		t.Errorf("%+v", got)
	}
	if got, _ = prices(t, schema, document, `{"n":1}`); got != (Cost{1 + 3*41, 1 + 40}) {
		t.Errorf("%+v", got)
	}
	literal := `{node {` + strings.Repeat("left(first: 99999999999999999999999999) {", 40) + "v" + strings.Repeat("}", 40) + `}}`
	if got, _ = prices(t, schema, literal, ``); got != (Cost{ceiling, ceiling}) {
		t.Errorf("%+v", got)
	}
}

func TestWorkIsBounded(t *testing.T) {
	schema := load(t, tree)
	// Response names that lead to exponentially many different merges.
	document := "{node {...F0}}" + gqltest.Repeat(60, func(i int) string {
		return fmt.Sprintf("fragment F%d on Node {a: next {...F%d} a: next {...F0} b: next {...F%d} n%d: v}", i, (i+1)%60, (i+1)%60, i)
	})
	if got, _ := prices(t, schema, document, ``); got != (Cost{ceiling, ceiling}) {
		t.Errorf("%+v", got)
	}
	// More conditions than anyone evaluates.
	document = "query (" + gqltest.Repeat(20, func(i int) string { return fmt.Sprintf("$v%d: Boolean = true", i) }) + ") {" + gqltest.Repeat(20_000, func(i int) string {
		return fmt.Sprintf("a%d: node @include(if: $v%d) @skip(if: $v%d) {v}", i, i%20, (i+1)%20)
	}) + "}"
	if got, _ := prices(t, schema, document, ``); got != (Cost{ceiling, ceiling}) {
		t.Errorf("%+v", got)
	}
}

func TestCyclesEnd(t *testing.T) {
	schema := load(t, tree)
	got, _ := prices(t, schema, `{node {...F}} fragment F on Node {v next {...G}} fragment G on Node {...F next {v ...F}}`, ``)
	if got.Type < 4 || got.Type >= ceiling {
		t.Errorf("%+v", got)
	}
	if got, _ = prices(t, schema, `{f(i: {})  {v}}`, ``); got.Field >= ceiling {
		t.Errorf("%+v", got)
	}
}

func TestTooLargeLiteral(t *testing.T) {
	schema := load(t, tree)
	document := "{f(i: " + strings.Repeat("{i: ", 100) + "{k: 1}" + strings.Repeat("}", 100) + ") {v}}"
	if got, _ := prices(t, schema, document, ``); got.Field < 60 {
		t.Errorf("%+v", got)
	}
	document = "{f(i: {j: [" + gqltest.Repeat(100_000, func(int) string { return "{k: 1}" }) + "]}) {v}}"
	if got, _ := prices(t, schema, document, ``); got.Field < 100_000 {
		t.Errorf("%+v", got)
	}
}

func TestEvaluateDoesNotAllocate(t *testing.T) {
	for name, c := range map[string]compiled{
		"few":            compile(t, load(t, shop), `query ($n: Int, $r: Range, $v: Boolean!) {items(first: $n, page: $r) {...on Book {related(first: $n) {id related(first: $n) @include(if: $v) {id}}}} search(in: $r) {title}}`),
		"many variables": compile(t, load(t, tree), manyVariables(2*fewVariables)),
		"many":           compile(t, load(t, tree), `query ($n: Int) {node {`+strings.Repeat("left(first: $n) {", 100)+"v"+strings.Repeat("}", 100)+`}}`),
	} {
		var v coerce.Values
		if errs := c.program.Run([]byte(`{"n":2,"v":true,"v0":3,"r":{"from":1,"and":[{"to":1},{"page":2}]}}`), &v); errs != nil {
			t.Fatal(errs)
		}
		if n := testing.AllocsPerRun(200, func() { c.formula.Evaluate(&v) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if name == "many" && len(c.formula.nodes) <= fewNodes {
			t.Errorf("%d nodes test nothing", len(c.formula.nodes))
		}
	}
}

// manyVariables is an operation of n variables, each the size of a list.
func manyVariables(n int) string {
	return "query (" + gqltest.Repeat(n, func(i int) string { return fmt.Sprintf("$v%d: Int", i) }) + ") {node {" + gqltest.Repeat(n, func(i int) string {
		return fmt.Sprintf("a%d: left(first: $v%d) {v}", i, i)
	}) + "}}"
}

func TestEvaluateConcurrently(t *testing.T) {
	schema := load(t, tree)
	for _, n := range []int{5, fewVariables + 1, 200} {
		c := compile(t, schema, manyVariables(n))
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				var v coerce.Values
				for i := range 50 {
					size := worker*100 + i
					if errs := c.program.Run(fmt.Appendf(nil, `{"v%d":%d,"v0":0}`, n-1, size), &v); errs != nil {
						t.Error(errs)
					}
					// All but two lists have the default length.
					want := Cost{1 + 3 + float64(3*(n-2)*DefaultListSize+3*size), 1 + float64(n)}
					if got := c.formula.Evaluate(&v); got != want {
						t.Errorf("%d variables: got %+v, want %+v", n, got, want)
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestNoVariablesNoNodes(t *testing.T) {
	_, f := prices(t, load(t, shop), `{node(id: 1) {... on Book {pages {text}}} items(first: 5) {__typename}}`, ``)
	if len(f.nodes) != 0 {
		t.Errorf("%d nodes", len(f.nodes))
	}
	if f.Evaluate(nil) != f.root.known {
		t.Error("the price depends on variables")
	}
}

func BenchmarkEvaluate(b *testing.B) {
	c := compile(b, load(b, shop), `query ($n: Int, $r: Range, $v: Boolean!) {items(first: $n, page: $r) {...on Book {related(first: $n) {id related(first: $n) @include(if: $v) {id}}}} search(in: $r) {title}}`)
	var v coerce.Values
	if errs := c.program.Run([]byte(`{"n":2,"v":true,"r":{"from":1,"and":[{"to":1},{"page":2}]}}`), &v); errs != nil {
		b.Fatal(errs)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.formula.Evaluate(&v)
	}
}

func BenchmarkCompile(b *testing.B) {
	shopSchema, treeSchema := load(b, shop), load(b, tree)
	for _, c := range []struct {
		name, document string
		schema         *ast.Schema
	}{
		{"ordinary", `query ($n: Int, $r: Range, $v: Boolean!) {items(first: $n, page: $r) {...on Book {related(first: $n) {id related(first: $n) @include(if: $v) {id}}}} search(in: $r) {title}}`, shopSchema},
		{"chain", chain(1000, "(first: $n)"), treeSchema},
		{"subsets", "{node {...F0}}" + gqltest.Repeat(60, func(i int) string {
			return fmt.Sprintf("fragment F%d on Node {a: next {...F%d} a: next {...F0} b: next {...F%d} n%d: v}", i, (i+1)%60, (i+1)%60, i)
		}), treeSchema},
	} {
		doc := gqltest.Document(b, c.document)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compile(c.schema, doc, doc.Operations[0])
			}
		})
	}
}
