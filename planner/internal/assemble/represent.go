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
	var list []member
	for _, in := range e.Inputs {
		list = members(list, in.Held, in.Key)
	}
	fields, _ := b.fields(list, types) // of one place
	return b.representation(fetch.Representation{Typename: e.View.Name, Fields: fields})
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

// member is a field of a representation where it is held.
type member struct {
	*route.Held
	key bool
}

func members(list []member, held []route.Held, key bool) []member {
	for i := range held {
		list = append(list, member{&held[i], key})
	}
	return list
}

// fields compiles the members of a representation of objects of some types. Objects of a type have a field at one key of the answer. ok is false where
// it depends on the place of an object what is in one of its fields.
func (b *builder) fields(list []member, types join.Set) (out []fetch.RepresentationField, ok bool) {
	out = []fetch.RepresentationField{}
	for i := range list {
		name := list[i].Node.Name
		if slices.ContainsFunc(out, func(f fetch.RepresentationField) bool { return f.Name == name }) {
			continue
		}
		var had join.Set
		for _, same := range bySlot(list[i:], name) {
			of := typesOf(same).Minus(had)
			if of.Empty() {
				continue
			}
			had = had.Or(of)
			if out, ok = b.field(out, same, of, types); !ok {
				return nil, false
			}
		}
	}
	return out, true
}

// alike tells that objects of a type have the same fields, at the same keys, whichever of some places they stand at: then their type tells which. typed:
// they know it; otherwise those of all types have to.
func alike(list []member, places []*route.Place, types join.Set, typed bool) bool {
	for i := range list {
		for _, same := range bySlot(list[i:], list[i].Node.Name) {
			of := typesOf(same)
			if !typed && !types.Within(of) {
				return false
			}
			for _, p := range places {
				here := slices.DeleteFunc(slices.Clone(same), func(m member) bool { return m.Node.Place != p })
				if !of.And(p.Possible).Within(typesOf(here)) {
					return false
				}
			}
		}
	}
	return true
}

func typesOf(list []member) (types join.Set) {
	for _, m := range list {
		types = types.Or(m.Types)
	}
	return types
}

// bySlot groups the members of a name by the key of the answer that they are at.
func bySlot(list []member, name string) (out [][]member) {
	for _, m := range list {
		if m.Node.Name != name {
			continue
		}
		i := slices.IndexFunc(out, func(same []member) bool { return same[0].Node.Slot == m.Node.Slot })
		if i < 0 {
			i = len(out)
			out = append(out, nil)
		}
		out[i] = append(out[i], m)
	}
	return out
}

// field adds a field that is at one key for objects of some types of all. What is in it may depend on their type, and whether it may be null: then there is
// one for each.
func (b *builder) field(out []fetch.RepresentationField, list []member, of, all join.Set) (more []fetch.RepresentationField, ok bool) {
	n := list[0].Node
	strict := of
	if !slices.ContainsFunc(list, func(m member) bool { return m.key }) {
		strict = b.strict(of, n.Name)
	}
	if loose := of.Minus(strict); !strict.Empty() && !loose.Empty() && n.Place.TypeSource != nil {
		if out, ok = b.field(out, list, strict, all); !ok {
			return nil, false
		}
		return b.field(out, list, loose, all)
	}
	f := fetch.RepresentationField{Name: n.Name, Prefix: prefix(n.Name), Slot: b.layouts.slots[n.Slot], NonNull: of.Within(strict), Representation: -1}
	if n.Child != nil {
		if f.Representation = b.part(list); f.Representation < 0 {
			return b.split(out, list, of, all)
		}
	}
	if !all.Within(of) {
		f.Types = b.typeSet(of)
	}
	return append(out, f), true
}

// split adds a field for each of the nodes that hold it.
func (b *builder) split(out []fetch.RepresentationField, list []member, of, all join.Set) (more []fetch.RepresentationField, ok bool) {
	for len(list) > 0 {
		n := list[0].Node
		own := slices.DeleteFunc(slices.Clone(list), func(m member) bool { return m.Node != n })
		list = slices.DeleteFunc(slices.Clone(list), func(m member) bool { return m.Node == n })
		types := typesOf(own)
		if slices.ContainsFunc(list, func(m member) bool { return m.Node.Place != n.Place && m.Types.Meets(types) }) {
			return nil, false
		}
		if types = types.And(of); types.Empty() {
			continue
		}
		of = of.Minus(types)
		if out, ok = b.field(out, own, types, all); !ok {
			return nil, false
		}
	}
	return out, true
}

// part compiles the objects in a field of a representation; -1 where that depends on what has the field.
func (b *builder) part(list []member) int {
	var below []member
	var places []*route.Place
	var possible join.Set
	abstract := false
	for _, m := range list {
		p := m.Node.Child
		if !slices.Contains(places, p) {
			places = append(places, p)
			possible = possible.Or(p.Possible)
			abstract = abstract || p.Declared.Abstract()
		}
		below = members(below, m.Sub, m.key)
	}
	if len(places) > 1 && !alike(below, places, possible, abstract) {
		return -1
	}
	if abstract {
		b.typeSet(possible) // their names are looked up by the number
	}
	had := len(b.plan.Representations)
	fields, ok := b.fields(below, possible)
	if !ok {
		b.forget(had)
		return -1
	}
	return b.representation(fetch.Representation{OwnTypename: abstract, Fields: fields})
}

// forget takes back the representations that were made for nothing.
func (b *builder) forget(from int) {
	for _, r := range b.plan.Representations[from:] {
		delete(b.representations, fmt.Sprint(r))
	}
	b.plan.Representations = b.plan.Representations[:from]
}

// strict are those of some types whose field must not be null.
func (b *builder) strict(types join.Set, name string) (out join.Set) {
	for o := range types.All {
		if f := b.s.Objects[o].Fields[name]; f != nil && f.Wrap.NonNull&1 != 0 {
			out = out.With(o)
		}
	}
	return out
}
