package assemble

import (
	"fmt"
	"slices"

	"github.com/weirproxy/weir/planner/internal/fetch"
	"github.com/weirproxy/weir/planner/internal/join"
	"github.com/weirproxy/weir/planner/internal/route"
)

// represent compiles how objects at a place are named to a graph.
func (b *builder) represent(at *route.Place, e *route.Entry) int {
	types := e.Types
	if types == nil {
		types = at.Possible
	}
	r := fetch.Representation{Typename: e.View.Name}
	for _, in := range e.Inputs {
		b.members(&r, []*route.Place{at}, in.Fields, types, in.Key, false)
	}
	return b.representation(r)
}

// representation adds one to the plan, or finds its like.
func (b *builder) representation(r fetch.Representation) int {
	key := fmt.Sprint(r)
	if i, ok := b.representations[key]; ok {
		return i
	}
	b.plan.Representations = append(b.plan.Representations, r)
	b.representations[key] = len(b.plan.Representations) - 1
	return len(b.plan.Representations) - 1
}

// members adds the fields of a selection on objects at places of one scope. Others of the scope may have the same field under another key.
func (b *builder) members(r *fetch.Representation, places []*route.Place, sel join.Selection, types join.Set, key, conditional bool) {
	for i := range sel {
		x := &sel[i]
		of := types
		if x.On != nil {
			of = of.And(x.On.Possible)
		}
		slot := places[0].Scope.Find(places, x.Name, x.Arguments, of)
		if slot == nil || of.Empty() {
			continue
		}
		f := fetch.RepresentationField{Name: x.Name, Prefix: prefix(x.Name), Slot: b.layouts.slots[slot], NonNull: key || b.nonNull(of, x.Name), Representation: -1}
		if conditional && !types.Within(of) {
			f.Types = b.typeSet(of)
		}
		if slot.Scope != nil {
			f.Representation = b.part(slot, places, x, key)
		}
		if j := slices.IndexFunc(r.Fields, func(o fetch.RepresentationField) bool { return o.Name == f.Name && equal(o.Types, f.Types) }); j >= 0 {
			if f.Representation >= 0 {
				r.Fields[j].Representation = b.union(r.Fields[j].Representation, f.Representation)
			}
			r.Fields[j].NonNull = r.Fields[j].NonNull || f.NonNull
			continue
		}
		r.Fields = append(r.Fields, f)
	}
}

// part compiles the objects in a field of a representation.
func (b *builder) part(slot *route.Slot, parents []*route.Place, x *join.Selected, key bool) int {
	var places []*route.Place
	var possible join.Set
	abstract := false
	for _, p := range slot.Scope.Places {
		if p.Via.Name == x.Name && p.Via.Arguments == x.Arguments && slices.Contains(parents, p.Parent) {
			places = append(places, p)
			possible = possible.Or(p.Possible)
			abstract = abstract || p.Declared.Abstract()
		}
	}
	if abstract {
		b.typeSet(possible) // their names are looked up by the number
	}
	r := fetch.Representation{OwnTypename: abstract}
	b.members(&r, places, x.Sub, possible, key, abstract)
	return b.representation(r)
}

// union makes one representation of two of the same objects.
func (b *builder) union(i, j int) int {
	if i == j {
		return i
	}
	r := b.plan.Representations[i]
	r.Fields = slices.Clone(r.Fields)
	for _, f := range b.plan.Representations[j].Fields {
		n := slices.IndexFunc(r.Fields, func(o fetch.RepresentationField) bool { return o.Name == f.Name && equal(o.Types, f.Types) })
		if n < 0 {
			r.Fields = append(r.Fields, f)
			continue
		}
		if f.Representation >= 0 {
			r.Fields[n].Representation = b.union(r.Fields[n].Representation, f.Representation)
		}
	}
	return b.representation(r)
}

func equal(a, b fetch.TypeSet) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

func (b *builder) nonNull(types join.Set, name string) bool {
	for o := range types.All {
		if f := b.s.Objects[o].Fields[name]; f != nil {
			return f.Wrap.NonNull&1 != 0
		}
	}
	return false
}
