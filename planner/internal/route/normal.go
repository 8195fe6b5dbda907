package route

import (
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/canon"
	"github.com/weirproxy/weir/planner/internal/join"
)

// Operation is an operation in normal form.
type Operation struct {
	Kind ast.Operation
	Root *Place
	// Views are what a client sees of each place, in the order of the specification.
	Views map[*Place][]View
	// Needs are the requirements (of the supergraph) of what was looked at, and Denied the paths of fields left out, with @ for each list.
	Needs  join.Set
	Denied [][]string
	// Parts are what is delivered later, each behind its parent; Parts[0] is what is answered at once. Only that one, when nothing is deferred.
	Parts []Part
	// Starts are the parts that begin at a place.
	Starts map[*Place][]int
	// DeniedIn are the parts that ask for what is in Denied.
	DeniedIn []Members
}

// View is a field as a client sees it.
type View struct {
	Key   string
	Types join.Set
	Node  *Node       // nil: __typename, or introspection
	Field *ast.Field  // for introspection
	Def   *join.Field // nil of __typename and introspection
	Wrap  join.Wrap   // of the field in objects of the types
	// Denied: the caller may not have it. There is no Node.
	Denied bool
	// In are the parts that have the field.
	In    Members
	order int
}

type normaliser struct {
	s          *join.Supergraph
	fragments  map[string]*ast.FragmentDefinition
	conditions map[string]bool
	views      map[*Place][]View
	nodes      int
	unmet      join.Set // requirements that the caller does not meet
	needs      join.Set
	path       []string
	denied     [][]string
	deferral
}

// MaxNodes bounds the fields of an operation in normal form.
const MaxNodes = 20_000

// Normalise brings a valid operation into normal form for given values of the variables of @skip and @include. What has one of the
// requirements unmet is left out. defers: @defer divides the operation into parts; otherwise it is as if it were not there.
func Normalise(s *join.Supergraph, op *ast.OperationDefinition, fragments ast.FragmentDefinitionList, conditions map[string]bool, unmet join.Set, defers bool) (*Operation, error) {
	n := &normaliser{s: s, fragments: make(map[string]*ast.FragmentDefinition, len(fragments)), conditions: conditions, views: map[*Place][]View{}, unmet: unmet}
	n.deferral = deferral{on: defers, parts: []Part{{Parent: -1}}, starts: map[*Place][]int{}}
	for _, f := range fragments {
		n.fragments[f.Name] = f
	}
	root := s.Query
	kind := op.Operation
	switch kind {
	case ast.Mutation:
		root = s.Mutation
	case ast.Subscription:
		root = s.Subscription
	default:
		kind = ast.Query
	}
	if root == nil {
		return nil, fmt.Errorf("the supergraph has no type for a %s", kind)
	}
	p := &Place{Declared: root, Possible: root.Possible, Scope: newScope()}
	p.Scope.Places = append(p.Scope.Places, p)
	for g := range s.Graphs {
		p.graphs = p.graphs.With(g)
	}
	n.place(p, []subset{{op.SelectionSet, root, 0}})
	switch {
	case n.nodes > MaxNodes:
		return nil, fmt.Errorf("the operation has more than %d fields", MaxNodes)
	case len(n.parts) > MaxParts:
		return nil, ErrParts
	}
	return &Operation{
		Kind: kind, Root: p, Views: n.views, Needs: n.needs, Denied: n.denied, Parts: n.parts, Starts: n.starts, DeniedIn: n.deniedIn,
	}, nil
}

// occurrence is a field where it is written.
type occurrence struct {
	field  *ast.Field
	parent *join.Type
	types  join.Set
	order  int
	part   int
}

// subset is a piece of a selection, on a type, in a part of the answer.
type subset struct {
	set    ast.SelectionSet
	parent *join.Type
	part   int
}

// keyed is a response key with its occurrences.
type keyed struct {
	key  string
	list []occurrence
}

func (n *normaliser) place(p *Place, sets []subset) {
	visible := p.Possible.And(p.Declared.Accessible)
	var keys []keyed
	index := map[string]int{}
	order := 0
	var collect collector
	collect = func(set ast.SelectionSet, parent *join.Type, types join.Set, in int) {
		for _, sel := range set {
			switch s := sel.(type) {
			case *ast.Field:
				if !n.included(s.Directives) {
					continue
				}
				key := s.Alias
				if key == "" {
					key = s.Name
				}
				i, ok := index[key]
				if !ok {
					i = len(keys)
					index[key] = i
					keys = append(keys, keyed{key: key})
				}
				keys[i].list = append(keys[i].list, occurrence{s, parent, types, order, in})
				order++
			case *ast.InlineFragment:
				n.fragment(p, collect, s.Directives, s.TypeCondition, subset{s.SelectionSet, parent, in}, types)
			case *ast.FragmentSpread:
				if f := n.fragments[s.Name]; f != nil {
					n.fragment(p, collect, s.Directives, f.TypeCondition, subset{f.SelectionSet, parent, in}, types)
				}
			}
		}
	}
	for _, set := range sets {
		collect(set.set, set.parent, visible.And(set.parent.Possible), set.part)
	}
	for _, k := range keys {
		n.key(p, k, visible)
	}
	slices.SortStableFunc(n.views[p], func(a, b View) int { return a.order - b.order })
}

// collector takes the fields of a selection set apart, in a part of the answer.
type collector func(set ast.SelectionSet, parent *join.Type, types join.Set, in int)

func (n *normaliser) fragment(p *Place, collect collector, directives ast.DirectiveList, condition string, of subset, types join.Set) {
	if !n.included(directives) {
		return
	}
	parent := of.parent
	if condition != "" {
		t := n.s.Types[condition]
		if t == nil {
			return
		}
		parent, types = t, types.And(t.Possible)
		if types.Empty() {
			return
		}
	}
	collect(of.set, parent, types, n.part(p, directives, of.part, types))
}

func (n *normaliser) included(list ast.DirectiveList) bool { return Included(list, n.conditions) }

// Included decides @skip and @include for given values of variables.
func Included(list ast.DirectiveList, conditions map[string]bool) bool {
	for _, d := range list {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		a := d.Arguments.ForName("if")
		if a == nil {
			continue
		}
		value := a.Value.Raw == "true"
		if a.Value.Kind == ast.Variable {
			value = conditions[a.Value.Raw]
		}
		if value == (d.Name == "skip") {
			return false
		}
	}
	return true
}

// part is a set of types for which the same occurrences of a key apply.
type part struct {
	types join.Set
	list  []occurrence
}

// key makes the nodes of a response key: one for each set of types for which other occurrences apply, or other subgraphs may answer.
func (n *normaliser) key(p *Place, k keyed, visible join.Set) {
	for _, part := range n.same(parts(k.list)) {
		first, in := part.list[0], n.members(part.list)
		if !visible.Within(part.types) && p.Declared.Abstract() {
			p.Typed = true
		}
		if meta(first.field.Name) {
			p.Typed = p.Typed || p.Declared.Abstract()
			n.views[p] = append(n.views[p], View{Key: k.key, Types: part.types, Field: first.field, In: in, order: first.order})
			continue
		}
		seen := len(n.views[p])
		if n.deny(p, k.key, part, in) {
			n.strict(p, seen)
			continue
		}
		for _, types := range n.classes(part.types, first.field.Name) {
			n.node(p, k.key, types, part.list)
		}
		n.fold(p, seen, part.types)
		n.strict(p, seen)
	}
}

// deny tells whether the caller may not have a field, and leaves it out.
func (n *normaliser) deny(p *Place, key string, of part, in Members) bool {
	first := of.list[0]
	needs := n.s.NeedsOf(of.types, first.field.Name)
	if needs.Empty() {
		return false
	}
	n.needs = n.needs.Or(needs)
	if needs.And(n.unmet).Empty() {
		return false
	}
	def := first.parent.Fields[first.field.Name]
	n.views[p] = append(n.views[p], View{Key: key, Types: of.types, Def: def, Denied: true, In: in, order: first.order})
	path := append(slices.Clone(n.path), key)
	if i := slices.IndexFunc(n.denied, func(have []string) bool { return slices.Equal(have, path) }); i >= 0 {
		n.deniedIn[i] |= in
		return true
	}
	n.denied, n.deniedIn = append(n.denied, path), append(n.deniedIn, in)
	return true
}

func meta(name string) bool { return name == "__typename" || name == "__schema" || name == "__type" }

// same makes one part of those that are the same leaf. Of different types a key may stand for different fields.
func (n *normaliser) same(list []part) []part {
	var out []part
next:
	for _, more := range list {
		f := more.list[0]
		def := f.parent.Fields[f.field.Name]
		if def != nil && def.Type.Composite() {
			out = append(out, more)
			continue
		}
		for i := range out {
			if o := out[i].list[0].field; o.Name == f.field.Name && n.members(out[i].list) == n.members(more.list) && canon.Arguments(o.Arguments) == canon.Arguments(f.field.Arguments) {
				out[i].types = out[i].types.Or(more.types)
				continue next
			}
		}
		out = append(out, more)
	}
	return out
}

func parts(list []occurrence) []part {
	var out []part
	for _, o := range list {
		rest := o.types
		for i := 0; i < len(out) && !rest.Empty(); i++ {
			both := out[i].types.And(rest)
			if both.Empty() {
				continue
			}
			if len(both) > 0 && !out[i].types.Within(both) {
				out = append(out, part{out[i].types.Minus(both), out[i].list})
				out[i].types = both
			}
			out[i].list = append(slices.Clone(out[i].list), o)
			rest = rest.Minus(both)
		}
		if !rest.Empty() {
			out = append(out, part{rest, []occurrence{o}})
		}
	}
	return out
}

// classes splits types by which graphs know a field, and how.
func (n *normaliser) classes(types join.Set, name string) []join.Set {
	if types.Len() == 1 {
		return []join.Set{types}
	}
	var out []join.Set
	var of []*join.Type
next:
	for o := range types.All {
		t := n.s.Objects[o]
		for i, other := range of {
			if alike(t, other, name) {
				out[i] = out[i].With(o)
				continue next
			}
		}
		of = append(of, t)
		out = append(out, join.Set(nil).With(o))
	}
	return out
}

// alike tells that all graphs know a field of two types alike.
func alike(a, b *join.Type, name string) bool {
	f, g := a.Fields[name], b.Fields[name]
	if f == nil || g == nil || len(f.Parts) != len(g.Parts) || !slices.Equal(a.Blurs, b.Blurs) {
		return false
	}
	for i := range f.Parts {
		x, y := &f.Parts[i], &g.Parts[i]
		if x.Graph != y.Graph || x.External != y.External || (x.Requires == nil) != (y.Requires == nil) || x.Provides != nil || y.Provides != nil || x.Type != y.Type {
			return false
		}
	}
	return len(f.Parts) == 0 || len(a.Parts) == len(b.Parts) // what interface objects alone resolve is asked of them whatever the type
}

func (n *normaliser) node(p *Place, key string, types join.Set, list []occurrence) {
	if n.nodes++; n.nodes > MaxNodes {
		return
	}
	first := list[0]
	def := first.parent.Fields[first.field.Name]
	in := n.members(list)
	node := &Node{Place: p, Name: first.field.Name, Arguments: canon.Arguments(first.field.Arguments), Types: types, For: n.earliest(in)}
	for _, a := range first.field.Arguments {
		node.Variables = variables(node.Variables, a.Value)
	}
	node.Slot = n.slot(p, node, key, def.Type.Composite())
	node.Slot.Nodes = append(node.Slot.Nodes, node)
	n.views[p] = append(n.views[p], View{Key: key, Types: types, Node: node, Def: def, In: in, order: first.order})
	p.Nodes = append(p.Nodes, node)
	if !def.Type.Composite() {
		return
	}
	node.Child = below(n.s, node, def.Type)
	sets := make([]subset, len(list))
	for i, o := range list {
		sets[i] = subset{o.field.SelectionSet, o.parent.Fields[o.field.Name].Type, o.part}
	}
	above := len(n.path)
	n.path = append(n.path, key)
	for range def.Wrap.Lists {
		n.path = append(n.path, "@")
	}
	n.place(node.Child, sets)
	n.path = n.path[:above]
}

// variables adds the variables of a value.
func variables(out []string, v *ast.Value) []string {
	if v.Kind == ast.Variable && !slices.Contains(out, v.Raw) {
		out = append(out, v.Raw)
	}
	for _, c := range v.Children {
		out = variables(out, c.Value)
	}
	return out
}
