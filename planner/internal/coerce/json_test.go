package coerce

import (
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

func TestAppendJSON(t *testing.T) {
	schema := gqltest.Schema(t, `type Query { a(i: In): Int } input In { id: ID, s: [String!], f: Float = 1.5, e: E, b: Boolean, any: Any, in: In } enum E { A B } scalar Any`)
	doc := gqltest.Document(t, `query ($x: In, $n: Int = 3) { a(i: $x) }`)
	p := Compile(schema, doc.Operations[0].VariableDefinitions)
	var v Values
	if errs := p.Run([]byte(`{"x": {"id": 4, "s": "o\"\n", "e": "A", "b": true, "any": {"k": [1, null]}, "in": {"f": null}}}`), &v); errs != nil {
		t.Fatal(errs)
	}
	for name, want := range map[string]string{
		"x": `{"id":"4","s":["o\"\n"],"f":1.5,"e":"A","b":true,"any":{"k":[1,null]},"in":{"f":null}}`,
		"n": `3`,
	} {
		if got := string(v.Find(name, nil).AppendJSON(nil)); got != want {
			t.Errorf("$%s is %s, want %s", name, got, want)
		}
	}
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { _ = v.Find("x", nil).AppendJSON(buf) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
