package document

import (
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

func TestDocument(t *testing.T) {
	s := gqltest.Schema(t, "type Query { a: Int } type Mutation { b: Int }")
	doc := gqltest.Document(t, "{ x: a a ...F } fragment F on Query { a } fragment F on Mutation { b }")
	set := doc.Operations[0].SelectionSet
	if a, b := ResponseName(set[0].(*ast.Field)), ResponseName(set[1].(*ast.Field)); a != "x" || b != "a" || ResponseName(&ast.Field{Name: "c"}) != "c" {
		t.Errorf("%s %s", a, b)
	}
	if Root(s, ast.Query) != s.Query || Root(s, "") != s.Query || Root(s, ast.Mutation) != s.Mutation || Root(s, ast.Subscription) != nil || Root(nil, ast.Query) != nil {
		t.Error("another root")
	}
	if f := Fragments(doc.Fragments); len(f) != 1 || f["F"] != doc.Fragments[0] {
		t.Errorf("%v", f)
	}
}
