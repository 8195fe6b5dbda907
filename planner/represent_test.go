package planner

import (
	"fmt"
	"strings"
	"testing"
)

// An interface I, of the types P and Q in a and b, is an interface object in o; and R beside them has tags like P.
const interfaceObjects = `enum join__Graph { A @join__graph(name: "a", url: "") B @join__graph(name: "b", url: "") O @join__graph(name: "o", url: "") }
directive @join__type(graph: join__Graph!, key: String, resolvable: Boolean = true, isInterfaceObject: Boolean = false) repeatable on OBJECT | INTERFACE
directive @join__field(graph: join__Graph, requires: String) repeatable on FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT
type Query @join__type(graph: A) @join__type(graph: B) { i: I @join__field(graph: A) }
interface I @join__type(graph: A, key: "id") @join__type(graph: O, key: "id", isInterfaceObject: true) { id: ID! name: String @join__field(graph: O) }
type P implements I @join__implements(graph: A, interface: "I") @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID! name: String @join__field(graph: O) tags: Tags @join__field(graph: A) size: Int @join__field(graph: B, requires: "tags { a b }") a: Int @join__field(graph: A)
  next: I @join__field(graph: A) far: Int @join__field(graph: B, requires: "next { ... on P { a next { ... on P { a } } } ... on R { next { ... on P { id } } } }")
}
type Q implements I @join__implements(graph: A, interface: "I") @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID! name: String @join__field(graph: O) a: Int @join__field(graph: A)
}
type R implements I @join__implements(graph: A, interface: "I") @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID! name: String @join__field(graph: O) tags: Tags @join__field(graph: A) size: Int @join__field(graph: B, requires: "tags { a b }") next: I @join__field(graph: A)
}
type Tags @join__type(graph: A) @join__type(graph: B) { a: Int b: Int }
`

// A representation reads each field from where it has been fetched, of objects of each type.
func TestRepresentationsReadWhatIsFetched(t *testing.T) {
	s, err := LoadSupergraph("s", interfaceObjects)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, document, want string }{
		{"under one name", `{ i { name ... on P { id } ... on Q { id } } }`, "o by id=id"},
		{"under two names, by types", `{ i { name ... on P { x: id } ... on Q { y: id } } }`, "o by id=x"},
		{"under two names, one of them later", `{ i { ... on P { id } name ... on P @defer { name } ... @defer { x: id } } }`, "o by [P]id=id [R][Q]id=x, a by id=id, a by id=x, a by id=x"},
		{"objects under two names, one of them later", `{ i { ... on P { size ... @defer { t: tags { a } } u: tags { b } } } }`, "b by id=id tags=t{a=a b=b}"},
		{"objects under two names, by types", `{ i { ... on P { z: size u: tags { a } } ... on R { size tags { b } } } }`, "b by id=id tags=u{a=a b=b}, b by id=id tags=tags{a=a b=b}"},
		{"objects of which other fields are required by where they stand", `{ i { ... on P { far } } }`, "b by id=id next=next{[P]a=a [P]next=next{[P]a=a} [R]next=next{[P]id=id}}"},
	} {
		plan := planInParts(t, s, c.document, "")
		var got []string
		for i := range plan.Steps {
			for _, l := range plan.Steps[i].Lookups {
				for j := range l.Targets {
					target := &l.Targets[j]
					got = append(got, plan.Subgraphs[plan.Steps[i].Subgraph]+" by "+reads(plan, target.Representation, plan.Outputs[target.Output].Layout))
				}
			}
		}
		if got := strings.Join(got, ", "); got != c.want {
			t.Errorf("%s: %s, want %s\n%s", c.name, got, c.want, plan)
		}
	}
}

// reads tells from which keys of objects of a layout the fields of their representation are read.
func reads(p *FetchPlan, representation, layout int) string {
	var out []string
	for _, f := range p.Representations[representation].Fields {
		slot := p.Layouts[layout].Slots[f.Slot]
		text := f.Name + "=" + slot.Name
		for id := range p.Types {
			if f.Types != nil && f.Types.Has(TypeID(id)) {
				text = "[" + p.Types[id].Name + "]" + text
			}
		}
		if f.Representation >= 0 {
			text += "{" + reads(p, f.Representation, slot.Layout) + "}"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// What an interface object answers for objects of all types does not take the place of what others of them have under the same key.
func TestAnInterfaceObjectAnswersUnderAKeyOfItsOwn(t *testing.T) {
	sdl := strings.Replace(interfaceObjects, "@join__type(graph: B) { i: I", "@join__type(graph: B) @join__type(graph: O) { j: I @join__field(graph: O) i: I", 1)
	sdl = strings.ReplaceAll(sdl, "a: Int @join__field(graph: A)\n", "a: Int @join__field(graph: A) label: String @join__field(graph: A)\n")
	s, err := LoadSupergraph("s", sdl)
	if err != nil {
		t.Fatal(err)
	}
	plan := planInParts(t, s, `{ j { ... on P { w: name } ... on Q { w: label } } }`, "")
	slots := map[int]bool{}
	for _, f := range plan.Projections[plan.Projections[0].Fields[0].Projection].Fields {
		if f.Key != "w" || slots[f.Slot] {
			t.Errorf("%+v\n%s", f, plan)
		}
		slots[f.Slot] = true
	}
	if len(slots) != 2 || strings.Contains(fmt.Sprint(plan.Layouts), "_i0_w") {
		t.Error(plan)
	}
}
