package canon

import (
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

func TestText(t *testing.T) {
	for document, want := range map[string]string{
		`{ b a }`:                    `query{b,a}`,
		`mutation M { a }`:           `mutation M{a}`,
		`subscription { x: x y: z }`: `subscription{x,y:z}`,
		`query ($b: [Int!]! = [1, 2], $a: In = {d: 1, c: {f: 2, e: E}} @y @x(b: 1, a: null)) @q { a }`:                    `query($a:In={c:{e:E,f:2},d:1}@y@x(a:null,b:1),$b:[Int!]!=[1,2])@q{a}`,
		`{ a(s: "x\n\t\u0001\"\\\u00e9", b: """  block "x" """, f: 1.50, t: true) @i }`:                                   `query{a(b:"  block \"x\" ",f:1.50,s:"x\n\u0009\u0001\"\\é",t:true)@i}`,
		`{ ...B ... on X @k { ...A } ... { a } } fragment A on X { a } fragment B on Y @z { ...A } fragment C on Z { c }`: `query{...B,...on X@k{...A},...{a}} fragment A on X{a} fragment B on Y@z{...A}`,
		`{ ...A } fragment A on X { ...A }`:                    `query{...A} fragment A on X{...A}`,
		`{ ...A } fragment A on X { a } fragment A on Y { b }`: `query{...A} fragment A on X{a} fragment A on Y{b}`,
		`{ a(x: [], y: {}) }`:                                  `query{a(x:[],y:{})}`,
	} {
		doc := gqltest.Document(t, document)
		got := Text(doc.Operations[0], doc.Fragments)
		if got != want {
			t.Errorf("%s:\n got  %s\n want %s", document, got, want)
		}
		again := gqltest.Document(t, got)
		if twice := Text(again.Operations[0], again.Fragments); twice != got {
			t.Errorf("%s is not its own canonical form: %s", got, twice)
		}
	}
}

func TestPrintingChangesNothing(t *testing.T) {
	doc := gqltest.Document(t, `query ($b: Int, $a: Int) { a(y: $b, x: {d: $a, c: 1}) }`)
	Text(doc.Operations[0], doc.Fragments)
	op := doc.Operations[0]
	if op.VariableDefinitions[0].Variable != "b" || op.SelectionSet[0].(*ast.Field).Arguments[0].Name != "y" || op.SelectionSet[0].(*ast.Field).Arguments[1].Value.Children[0].Name != "d" {
		t.Error("the document was sorted in place")
	}
}
