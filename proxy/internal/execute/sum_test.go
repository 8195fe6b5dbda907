package execute

import (
	"testing"

	"github.com/weirproxy/weir/planner"
)

// Objects whose type decides where a field is read are not asked for when nobody told their type: their representation would lack the field.
func TestRepresentationByType(t *testing.T) {
	var p, q planner.TypeSet
	plan := &planner.FetchPlan{
		Types:   []planner.FetchType{{Name: "P"}, {Name: "Q"}},
		Layouts: []planner.FetchLayout{{Type: planner.NoType, Slots: []planner.FetchSlot{{Name: "id", Layout: -1}, {Name: "x", Layout: -1}}}},
		Representations: []planner.Representation{{Typename: "I", Fields: []planner.RepresentationField{
			{Name: "id", Prefix: []byte(`"id":`), Slot: 0, Types: p.Add(0), NonNull: true, Representation: -1},
			{Name: "id", Prefix: []byte(`"id":`), Slot: 1, Types: q.Add(1), NonNull: true, Representation: -1},
		}}},
		Steps: []planner.FetchStep{{}},
	}
	r := &run{}
	r.reset(plan)
	r.texts[0] = []byte(`"1""2"`)
	r.write(r.objects[0].slots, value{kind: leaf, at: 0, end: 3})
	r.write(r.objects[0].slots+1, value{kind: leaf, at: 3, end: 6})
	for _, c := range []struct {
		typ  planner.TypeID
		want string
	}{
		{0, `{"__typename":"I","id":"1"}`},
		{1, `{"__typename":"I","id":"2"}`},
		{planner.NoType, ""},
	} {
		r.objects[0].typ = c.typ
		got := ""
		if _, ok := r.sum(0, 0, 0); ok {
			got = string(r.writeRepresentation(nil, 0, 0))
		}
		if got != c.want {
			t.Errorf("type %d: %s, want %s", c.typ, got, c.want)
		}
	}
}
