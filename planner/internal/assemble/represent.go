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
	fields, _ := b.fields(list, types, false, true)
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

// fields compiles the members of a representation of objects of some types. divided: they stand at several places, and ok is false where it depends
// on the place at which key of the answer they have a field. At one place it depends on their type alone.
func (b *builder) fields(list []member, types join.Set, divided, typed bool) (out []fetch.RepresentationField, ok bool) {
	out = []fetch.RepresentationField{}
	for i := range list {
		name := list[i].Node.Name
		if slices.ContainsFunc(out, func(f fetch.RepresentationField) bool { return f.Name == name }) {
			continue
		}
		var had join.Set
		for _, same := range bySlot(list[i:], name) {
			of := typesOf(same).Minus(had)
			if divided && (elsewhere(list[i:], same) || !typed && !types.Within(of)) {
				return nil, false
			}
			if !of.Empty() {
				had = had.Or(of)
				out = b.field(out, same, of, types)
			}
		}
	}
	return out, true
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

// elsewhere tells that other members of the name and types of some are at another key, below another object.
func elsewhere(list, some []member) bool {
	return slices.ContainsFunc(list, func(m member) bool {
		return m.Node.Name == some[0].Node.Name && m.Node.Slot != some[0].Node.Slot && slices.ContainsFunc(some, func(o member) bool {
			return m.Node.Place != o.Node.Place && m.Types.Meets(o.Types)
		})
	})
}

// field adds a field that is at one key for objects of some types of all.
func (b *builder) field(out []fetch.RepresentationField, list []member, of, all join.Set) []fetch.RepresentationField {
	n := list[0].Node
	f := fetch.RepresentationField{Name: n.Name, Prefix: prefix(n.Name), Slot: b.layouts.slots[n.Slot], NonNull: b.nonNull(of, n.Name), Representation: -1}
	for _, m := range list {
		f.NonNull = f.NonNull || m.key
	}
	if n.Child != nil {
		var ok bool
		if f.Representation, ok = b.part(list); !ok {
			for len(list) > 0 {
				below := list[0].Node.Child
				own := slices.DeleteFunc(slices.Clone(list), func(m member) bool { return m.Node.Child != below })
				list = slices.DeleteFunc(slices.Clone(list), func(m member) bool { return m.Node.Child == below })
				if types := typesOf(own).And(of); !types.Empty() {
					out = b.field(out, own, types, all)
				}
			}
			return out
		}
	}
	if !all.Within(of) {
		f.Types = b.typeSet(of)
	}
	return append(out, f)
}

// part compiles the objects in a field of a representation.
func (b *builder) part(list []member) (representation int, ok bool) {
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
	fields, ok := b.fields(below, possible, len(places) > 1, abstract)
	if !ok {
		return -1, false
	}
	if abstract {
		b.typeSet(possible) // their names are looked up by the number
	}
	return b.representation(fetch.Representation{OwnTypename: abstract, Fields: fields}), true
}

func (b *builder) nonNull(types join.Set, name string) bool {
	for o := range types.All {
		if f := b.s.Objects[o].Fields[name]; f != nil {
			return f.Wrap.NonNull&1 != 0
		}
	}
	return false
}
