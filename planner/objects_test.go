package planner

import (
	"fmt"
	"testing"
)

func TestObjectsOfAType(t *testing.T) {
	s, err := ParseSchema("s", `type Query { n: Node p: Place } interface Node { id: ID } type B implements Node { id: ID }
		type A implements Node { id: ID } union Place = A | B  input I { a: Int } enum E { X }`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"A": "[A]", "Node": "[A B]", "Place": "[A B]", "Query": "[]", "I": "[]", "E": "[]", "Int": "[]", "C": "[]"} {
		if got := fmt.Sprint(s.ObjectsOf(name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
