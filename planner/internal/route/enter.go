package route

import (
	"slices"
	"strconv"

	"github.com/weirproxy/weir/planner/internal/join"
)

// maxNesting bounds how many moves may be needed to make a move.
const maxNesting = 12

// inputs collects the groups that answer what a representation needs.
type inputs struct{ groups []*Group }

func (in *inputs) add(g *Group) bool {
	if g == nil {
		return false
	}
	if !slices.Contains(in.groups, g) {
		in.groups = append(in.groups, g)
	}
	return true
}

// enter makes a graph answer for the entities of some types at a place, first connecting what the representations need: keys, what the
// field requires, and types. It returns nil when that is not possible.
func (r *Router) enter(g join.Graph, at *Place, types join.Set, first *Node) *Group {
	entries, ok := r.entries(g, at, types, first)
	if !ok {
		return nil
	}
	here := entering{place: at, graph: g}
	needs := first != nil && requires(r, entries, g, types, first)
	if needs {
		here.field = first.Name
	}
	if slices.Contains(r.entering, here) || len(r.entering) >= maxNesting {
		return nil
	}
	r.entering = append(r.entering, here)
	defer func() { r.entering = r.entering[:len(r.entering)-1] }()

	in := &inputs{}
	if !r.types(in, at) {
		return nil
	}
	if v := entries[0].View; needs && v.Kind == join.Interface && !v.In(g).InterfaceObject { // what is required depends on the type
		if !in.add(r.connect(&want{place: at})) {
			return nil
		}
		if entries, ok = r.entries(g, at, types, first); !ok {
			return nil
		}
	}
	for _, e := range entries {
		if !r.entry(in, g, at, e, types, first) {
			return nil
		}
	}
	return r.join(g, at, entries, in, first)
}

// types connects the types of the objects that lead to a place, where the same key leads elsewhere from others.
func (r *Router) types(in *inputs, at *Place) bool {
	for p := at; p.Via != nil; p = p.Parent {
		if p.Forks() && !in.add(r.connect(&want{place: p.Parent})) {
			return false
		}
	}
	return true
}

func requires(r *Router, entries []*Entry, g join.Graph, types join.Set, n *Node) bool {
	v := &Source{Group: &Group{Graph: g, Entity: true, Entries: entries}, entity: true}
	for o := range types.All {
		if p := v.resolve(r.s, o, n.Name); p != nil && p.Requires != nil {
			return true
		}
	}
	return false
}

// entry connects what one kind of representation needs.
func (r *Router) entry(in *inputs, g join.Graph, at *Place, e *Entry, types join.Set, first *Node) bool {
	objects := e.Types
	if objects == nil {
		objects = at.Possible
		if e.View.Kind == join.Object {
			objects = e.View.Possible
		}
	}
	if !r.key(in, g, at, e, objects) {
		return false
	}
	if e.Types != nil && !in.add(r.connect(&want{place: at})) { // behind the key: whoever answers that often tells the type, too
		return false
	}
	if first == nil {
		return true
	}
	owner := e.View
	if owner.Kind == join.Interface && !owner.In(g).InterfaceObject {
		return true
	}
	p := partOf(owner, g, first.Name)
	if p == nil || p.Requires == nil {
		return true
	}
	if _, given := provided(nil, first, owner); given {
		return true
	}
	return r.input(in, at, e, Input{Fields: p.Requires}, objects)
}

// input connects what an input of a representation needs.
func (r *Router) input(in *inputs, at *Place, e *Entry, input Input, objects join.Set) (ok bool) {
	if input.Held, ok = r.selection(in, at, input.Fields, objects); ok {
		e.Inputs = append(e.Inputs, input)
	}
	return ok
}

// selection connects all leaves of a selection at a place, for some types, and tells the nodes that hold them.
func (r *Router) selection(in *inputs, at *Place, sel join.Selection, types join.Set) (out []Held, ok bool) {
	for i := range sel {
		x := &sel[i]
		of := types
		if x.On != nil {
			if of = types.And(x.On.Possible); of.Empty() {
				continue
			}
		}
		for _, part := range (&normaliser{s: r.s}).classes(of, x.Name) {
			h := Held{Node: r.node(at, x, part, of), Types: part}
			below := h.Node.Child
			if below == nil {
				if !in.add(r.connect(&want{place: at, node: h.Node, types: part})) {
					return nil, false
				}
				out = append(out, h)
				continue
			}
			if below.Declared.Abstract() && !in.add(r.connect(&want{place: below})) {
				return nil, false
			}
			if h.Sub, ok = r.selection(in, below, x.Sub, below.Possible); !ok {
				return nil, false
			}
			out = append(out, h)
		}
	}
	return out, true
}

// node finds a node for a field that the plan needs, or makes one under a key that is nobody else's.
// Representations find it under one key, whichever of the types in all an object has.
func (r *Router) node(at *Place, x *join.Selected, types, all join.Set) *Node {
	if n := at.find(x.Name, x.Arguments, all); n != nil {
		return n
	}
	key := x.Name
	if slot := at.Scope.only(x.Name, x.Arguments); slot != nil {
		key = slot.Name
		for _, n := range slot.Nodes {
			if n.Place == at && types.Within(n.Types) {
				return n
			}
		}
	}
	f := r.field(at, x.Name, types)
	for i := 0; !at.Scope.free(key, x.Name, x.Arguments); i++ {
		key = "_w" + strconv.Itoa(i) + "_" + x.Name
	}
	had := at.Scope.byKey[key] != nil
	n := &Node{Place: at, Name: x.Name, Arguments: x.Arguments, Types: types}
	n.Slot = at.Scope.slot(key, false, f.Type.Composite())
	n.Slot.Nodes = append(n.Slot.Nodes, n)
	at.Nodes = append(at.Nodes, n)
	if f.Type.Composite() {
		n.Child = below(r.s, n, f.Type)
		n.Child.Typed = false
	}
	r.undo = append(r.undo, func() {
		at.Nodes = at.Nodes[:len(at.Nodes)-1]
		n.Slot.Nodes = n.Slot.Nodes[:len(n.Slot.Nodes)-1]
		if n.Child != nil {
			n.Slot.Scope.Places = n.Slot.Scope.Places[:len(n.Slot.Scope.Places)-1]
		}
		if !had {
			delete(at.Scope.byKey, key)
			at.Scope.Slots = at.Scope.Slots[:len(at.Scope.Slots)-1]
		}
	})
	return n
}

func (r *Router) field(at *Place, name string, types join.Set) *join.Field {
	if f := at.Declared.Fields[name]; f != nil {
		return f
	}
	for o := range types.All {
		if f := r.s.Objects[o].Fields[name]; f != nil {
			return f
		}
	}
	return nil
}

// join puts entries into a group of the graph at the place that does not have to wait for itself, or into a new one.
func (r *Router) join(g join.Graph, at *Place, entries []*Entry, in *inputs, first *Node) *Group {
	var group *Group
	for _, s := range at.Sources {
		o := s.Group
		if s.entity && o.Graph == g && o.For == r.part && !r.mixes(o, entries, first) && !slices.ContainsFunc(in.groups, func(d *Group) bool { return d.reaches(o) }) {
			group = o
		}
	}
	if group == nil {
		group = r.group(g, true, at)
	}
	for _, d := range in.groups {
		r.depend(group, d)
	}
	for _, e := range entries {
		r.merge(group, e)
	}
	return group
}

// mixes tells that entries cannot go into a group. Either a representation would have one field with two lists of arguments. Or the group asks an
// interface object for objects of other types than the entries do, and for one of them what the others cannot be asked for: by what a field requires, or
// a field that spoils them. What it asks, it asks for all of its objects.
func (r *Router) mixes(g *Group, entries []*Entry, first *Node) bool {
	for _, e := range entries {
		for _, o := range g.Entries {
			if o.View != e.View {
				continue
			}
			if o.clashes(e) {
				return true
			}
			if !e.View.In(g.Graph).InterfaceObject || o.alike(e) {
				continue
			}
			if o.required() || e.required() || r.spoils(first, o.View, g.Graph, o.objects(g.Source.Place)) {
				return true
			}
			asked := e.objects(g.Source.Place)
			if slices.ContainsFunc(g.Source.Picks, func(k *Pick) bool { return r.spoils(k.Node, e.View, g.Graph, asked) }) {
				return true
			}
		}
	}
	return false
}

// clashes tells that the representations of two entries have a field in common that is wanted with other arguments, or objects that would have to be
// put together from two places.
func (e *Entry) clashes(o *Entry) bool {
	for i := range e.Inputs {
		for j := range o.Inputs {
			a, b := &e.Inputs[i], &o.Inputs[j]
			if clash(a.Fields, b.Fields) || split(a.Held, b.Held) {
				return true
			}
		}
	}
	return false
}

// split tells that objects of a field are to be read at two keys.
func split(a, b []Held) bool {
	for i := range a {
		for j := range b {
			x, y := &a[i], &b[j]
			if x.Sub == nil || y.Sub == nil || x.Node.Place != y.Node.Place || x.Node.Name != y.Node.Name || !x.Types.Meets(y.Types) {
				continue
			}
			if x.Node.Slot != y.Node.Slot || split(x.Sub, y.Sub) {
				return true
			}
		}
	}
	return false
}

func clash(a, b join.Selection) bool {
	for i := range a {
		for j := range b {
			x, y := &a[i], &b[j]
			if x.Name != y.Name || x.On != nil && y.On != nil && x.On.Possible.And(y.On.Possible).Empty() {
				continue
			}
			if x.Arguments != y.Arguments || clash(x.Sub, y.Sub) {
				return true
			}
		}
	}
	return false
}

// alike tells that both ask for objects of the same types.
func (e *Entry) alike(o *Entry) bool {
	return (e.Types == nil) == (o.Types == nil) && e.Types.Equal(o.Types)
}

// required tells that the representation has more than a key.
func (e *Entry) required() bool {
	return slices.ContainsFunc(e.Inputs, func(i Input) bool { return !i.Key })
}

// merge adds an entry to a group.
func (r *Router) merge(g *Group, e *Entry) {
	for _, o := range g.Entries {
		if o.View != e.View || (o.Types == nil) != (e.Types == nil) {
			continue
		}
		types, n := o.Types, len(o.Inputs)
		if e.Types != nil {
			o.Types = types.Or(e.Types)
		}
		for _, input := range e.Inputs {
			for i := range o.Inputs {
				// Objects of other types may be named by another key, or hold the same elsewhere. One key of an object is enough.
				if have := &o.Inputs[i]; have.Key && input.Key || same(have.Fields, input.Fields) {
					input = input.without(have)
				}
			}
			if len(input.Held) > 0 {
				o.Inputs = append(o.Inputs, input)
			}
		}
		r.undo = append(r.undo, func() { o.Types, o.Inputs = types, o.Inputs[:n] })
		return
	}
	g.Entries = append(g.Entries, e)
	r.undo = append(r.undo, func() { g.Entries = g.Entries[:len(g.Entries)-1] })
}

// without leaves out the objects that another input is for.
func (i Input) without(o *Input) Input {
	var had join.Set
	for j := range o.Held {
		had = had.Or(o.Held[j].Types)
	}
	var rest []Held
	for _, h := range i.Held {
		if h.Types = h.Types.Minus(had); !h.Types.Empty() {
			rest = append(rest, h)
		}
	}
	i.Held = rest
	return i
}

func same(a, b join.Selection) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
