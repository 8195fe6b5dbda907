package route

import (
	"slices"

	"github.com/weirproxy/weir/planner/internal/join"
)

// Router is the state of a search: sources and groups so far, and how to take back what was added.
type Router struct {
	s      *join.Supergraph
	kind   rootKind
	root   *Place
	Groups []*Group
	undo   []func()
	picks  int
	// entering are the entity groups whose inputs are being connected.
	entering []entering
	work     int
	budget   int

	tasks []task
	path  []int
	best  []int
	least int
	found bool
	// done: the plan cannot do with fewer requests, nor with fewer that wait for others.
	done bool
	// limit is how many groups there may be, those included whose inputs are being connected.
	limit     int
	lenient   bool    // fields may spoil what others want: there is no other way
	part      Members // what the leaf is for that is being connected
	decisions int
	floor     int
	// Exhausted: the budget ran out.
	Exhausted bool
	serials   int
}

type rootKind uint8

const (
	parallel rootKind = iota
	serial            // mutation
	single            // subscription
)

type entering struct {
	place *Place
	graph join.Graph
	field string
}

func (r *Router) mark() int { return len(r.undo) }

func (r *Router) rollback(mark int) {
	for len(r.undo) > mark {
		last := len(r.undo) - 1
		r.undo[last]()
		r.undo = r.undo[:last]
	}
}

func (r *Router) group(g join.Graph, entity bool, p *Place) *Group {
	out := &Group{ID: len(r.Groups), Graph: g, Entity: entity, For: r.part}
	out.Source = &Source{Group: out, Place: p, entity: entity}
	if !entity {
		out.Source.View = p.Declared
	}
	r.Groups = append(r.Groups, out)
	p.Sources = append(p.Sources, out.Source)
	r.undo = append(r.undo, func() {
		r.Groups = r.Groups[:len(r.Groups)-1]
		p.Sources = p.Sources[:len(p.Sources)-1]
	})
	return out
}

func (r *Router) depend(g, on *Group) {
	if g == on || slices.Contains(g.Deps, on) {
		return
	}
	g.Deps = append(g.Deps, on)
	r.undo = append(r.undo, func() { g.Deps = g.Deps[:len(g.Deps)-1] })
}

// reaches tells that g waits for other, by whatever way, or is it.
func (g *Group) reaches(other *Group) bool {
	if g == other || len(g.Deps) == 0 {
		return g == other
	}
	seen := map[*Group]bool{}
	var look func(g *Group) bool
	look = func(g *Group) bool {
		if g == other {
			return true
		}
		if seen[g] {
			return false
		}
		seen[g] = true
		return slices.ContainsFunc(g.Deps, look)
	}
	return look(g)
}

// pick puts a node into a source and returns the pick.
func (r *Router) pick(s *Source, n *Node, types join.Set) *Pick {
	for _, k := range s.Picks {
		if k.Node != n {
			continue
		}
		if old := k.Types; !types.Within(old) {
			k.Types = old.Or(types)
			n.picked = append(n.picked, pickedAt{s, types})
			r.undo = append(r.undo, func() { k.Types = old; n.picked = n.picked[:len(n.picked)-1] })
		}
		return k
	}
	k := &Pick{Node: n, Types: types}
	s.Picks = append(s.Picks, k)
	n.picked = append(n.picked, pickedAt{s, types})
	weight := 1
	if s.Group.Entity { // later than what a root answers
		weight = 2
	}
	r.picks += weight
	if n.Child != nil {
		k.Child = r.child(s, n, types)
	}
	r.undo = append(r.undo, func() {
		s.Picks = s.Picks[:len(s.Picks)-1]
		n.picked = n.picked[:len(n.picked)-1]
		r.picks -= weight
		if n.Child != nil {
			n.Child.Sources = n.Child.Sources[:len(n.Child.Sources)-1]
		}
	})
	return k
}

func (r *Router) child(s *Source, n *Node, types join.Set) *Source {
	c := &Source{Group: s.Group, Place: n.Child, View: n.Child.Declared}
	for o := range types.All {
		part := s.resolve(r.s, o, n.Name)
		if part == nil {
			continue
		}
		c.View, c.Provides = part.Type, part.Provides
		if sub, ok := provided(s.Provides, n, r.s.Objects[o]); ok && len(sub) > 0 {
			c.Provides = append(slices.Clip(c.Provides), sub...)
		}
		break
	}
	if types.Len() > 1 && c.View.Kind == join.Object && n.Child.Declared.Abstract() {
		c.View = n.Child.Declared
	}
	if known := c.View.In(s.Group.Graph); known != nil && known.InterfaceObject {
		c.Blurred = true
	}
	n.Child.Sources = append(n.Child.Sources, c)
	return c
}

// resolve returns what the graph of a source knows of a field of an object type that stands there.
func (s *Source) resolve(sg *join.Supergraph, object int, name string) *join.FieldPart {
	t := sg.Objects[object]
	if s.Blurred {
		return partOf(s.View, s.Group.Graph, name)
	}
	if s.entity {
		for _, e := range s.Group.Entries {
			if e.Types != nil && !e.Types.Has(object) {
				continue
			}
			if e.View.Kind == join.Interface && e.View.In(s.Group.Graph).InterfaceObject {
				return partOf(e.View, s.Group.Graph, name)
			}
			return partOf(t, s.Group.Graph, name)
		}
		return nil
	}
	return partOf(t, s.Group.Graph, name)
}

func partOf(t *join.Type, g join.Graph, name string) *join.FieldPart {
	if f := t.Fields[name]; f != nil {
		return f.In(g)
	}
	return nil
}

// provided looks for a node in what a path provides.
func provided(sel join.Selection, n *Node, t *join.Type) (sub join.Selection, ok bool) {
	for i := range sel {
		x := &sel[i]
		if x.Name == n.Name && (x.On == nil || x.On.Possible.Has(t.Object)) {
			sub, ok = append(slices.Clip(sub), x.Sub...), true
		}
	}
	return sub, ok
}

// depths counts, for each group, the groups that have to be asked one after another before it.
func (r *Router) depths() []int {
	out := make([]int, len(r.Groups))
	var depth func(g *Group) int
	depth = func(g *Group) int {
		if out[g.ID] > 0 {
			return out[g.ID]
		}
		d := 1
		out[g.ID] = 1
		for _, on := range g.Deps {
			d = max(d, 1+depth(on))
		}
		out[g.ID] = d
		return d
	}
	for _, g := range r.Groups {
		depth(g)
	}
	return out
}

// Weights of a plan's cost. Requests count most, then how many have to wait for each other.
const (
	costRequest = 10_000
	costDepth   = 1_000
	costGroup   = 50
)

// cost is what the groups so far cost. Groups of one depth for one graph are one request.
func (r *Router) cost() int {
	type request struct {
		graph, depth, serial int
		part                 Members
	}
	var few [16]request
	seen := few[:0]
	var many map[request]struct{} // when there are more than few
	depths := r.depths()
	requests, deepest := 0, 0
	for i, g := range r.Groups {
		deepest = max(deepest, depths[i])
		if !g.Entity {
			requests++
			continue
		}
		q := request{g.Graph, depths[i], g.Source.Place.Serial, g.For}
		if slices.Contains(seen, q) {
			continue
		}
		if len(seen) < len(few) {
			seen = append(seen, q)
			requests++
			continue
		}
		if many == nil {
			many = map[request]struct{}{}
		}
		many[q] = struct{}{}
	}
	return (requests+len(many))*costRequest + deepest*costDepth + len(r.Groups)*costGroup + r.picks
}
