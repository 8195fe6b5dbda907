package route

import (
	"slices"

	"github.com/weirproxy/weir/planner/internal/join"
)

// want is a leaf to connect: a node, or the type of what stands at a place (exists: only that something stands there).
type want struct {
	place  *Place
	node   *Node
	types  join.Set
	exists bool
}

// option is a way to connect a leaf: through a source that is there, or through a new group that enters at a place.
type option struct {
	source *Source // nil: a new group
	graph  join.Graph
	at     *Place // where the group enters
	chain  []*Node
}

// ways lists the ways to connect a leaf that are admitted. The first source that can serve it without anything new makes it the only one.
func (r *Router) ways(w *want, admit admission) []option {
	var out []option
	whole := w.place.chain()
	graphs := r.candidates(w)
	for at, i := w.place, len(whole); at != nil; at, i = at.Parent, i-1 {
		chain := whole[i:]
		var best *Source
		for _, s := range at.Sources {
			if (at.Parent != nil || r.kind == parallel || r.resumes(s, chain, w)) && r.follow(s, chain, w, false) {
				if admit(s.Group, at, chain, w) && (best == nil || len(s.Group.Deps) < len(best.Group.Deps)) {
					best = s
				}
			}
		}
		if best != nil {
			return []option{{source: best, graph: best.Group.Graph, at: at, chain: chain}}
		}
		for _, g := range graphs {
			if admit(nil, at, chain, w) && r.enterable(g, at, chain, w) {
				out = append(out, option{graph: g, at: at, chain: chain})
			}
		}
	}
	return out
}

// chain lists the nodes that lead from the root to a place.
func (p *Place) chain() []*Node {
	n := 0
	for at := p; at.Via != nil; at = at.Parent {
		n++
	}
	out := make([]*Node, n)
	for at := p; at.Via != nil; at = at.Parent {
		n--
		out[n] = at.Via
	}
	return out
}

// resumes tells that the last root group of a mutation may take one more field.
func (r *Router) resumes(s *Source, chain []*Node, w *want) bool {
	n := w.node
	if len(chain) > 0 {
		n = chain[0]
	}
	if n == nil {
		return r.kind == parallel
	}
	if len(n.picked) > 0 {
		return false
	}
	last := r.lastRoot()
	// What belongs to the fields before has to be answered before the next one has its effect.
	return last == s.Group && !slices.ContainsFunc(r.Groups, func(g *Group) bool { return g.Entity && g.reaches(last) })
}

func (r *Router) lastRoot() *Group {
	for i := len(r.Groups) - 1; i >= 0; i-- {
		if !r.Groups[i].Entity {
			return r.Groups[i]
		}
	}
	return nil
}

// candidates lists the graphs that know the leaf.
func (r *Router) candidates(w *want) []join.Graph {
	var out []join.Graph
	if w.node == nil {
		for g := range r.s.Graphs {
			if p := w.place.Declared.In(g); p != nil && (w.exists || !p.InterfaceObject) {
				out = append(out, g)
			}
		}
		return out
	}
	t := r.s.Objects[w.types.First()]
	add := func(t *join.Type) {
		if f := t.Fields[w.node.Name]; f != nil {
			for i := range f.Parts {
				if !slices.Contains(out, f.Parts[i].Graph) {
					out = append(out, f.Parts[i].Graph)
				}
			}
		}
	}
	add(t)
	for _, i := range t.Blurs {
		add(i)
	}
	return out
}

// enterable tells that a new group of a graph at a place could go down to the leaf.
func (r *Router) enterable(g join.Graph, at *Place, chain []*Node, w *want) bool {
	if at.Parent == nil {
		if at.Declared.In(g) == nil {
			return false
		}
		if r.kind != parallel {
			n := w.node
			if len(chain) > 0 {
				n = chain[0]
			}
			if n == nil || len(n.picked) > 0 {
				return false
			}
		} else if slices.ContainsFunc(at.Sources, func(s *Source) bool { return s.Group.Graph == g && s.Group.For == r.part }) {
			return false
		}
		v := &Source{Group: &Group{Graph: g}, Place: at, View: at.Declared}
		return r.follow(v, chain, w, false)
	}
	types, first := w.types, w.node
	if len(chain) > 0 {
		types, first = chain[0].Types, chain[0]
	}
	entries, ok := r.entries(g, at, types, first)
	if !ok {
		return false
	}
	v := &Source{Group: &Group{Graph: g, Entity: true, Entries: entries}, Place: at, entity: true}
	return r.follow(v, chain, w, true)
}

// entries tells how objects are named to a graph that is asked for a field first, without their keys; ok is false when some cannot be.
func (r *Router) entries(g join.Graph, at *Place, types join.Set, first *Node) (out []*Entry, ok bool) {
	if blurred := r.blurred(at); blurred != nil {
		if p := blurred.In(g); p != nil && resolvable(p) && !r.spoils(first, blurred, g, at.Possible) {
			return []*Entry{{View: blurred}}, true
		}
	}
	if types == nil {
		types = at.Possible
	}
	whole := !at.Declared.Abstract()
	for o := range types.All {
		v := r.viewOf(r.s.Objects[o], g)
		if v == nil {
			return nil, false
		}
		i := slices.IndexFunc(out, func(e *Entry) bool { return e.View == v })
		if i < 0 {
			i = len(out)
			out = append(out, &Entry{View: v})
		}
		if !whole {
			out[i].Types = out[i].Types.With(o)
		}
	}
	if len(out) == 1 && out[0].View.Kind == join.Interface && at.Possible.Within(out[0].Types) {
		out[0].Types = nil
	}
	return out, len(out) > 0
}

func resolvable(p *join.Part) bool {
	return slices.ContainsFunc(p.Keys, func(k join.Key) bool { return k.Resolvable })
}

// viewOf is the type by which a graph can be asked for an object: its own, or an interface object.
func (r *Router) viewOf(t *join.Type, g join.Graph) *join.Type {
	if p := t.In(g); p != nil && resolvable(p) {
		return t
	}
	for _, i := range t.Blurs {
		if p := i.In(g); p != nil && p.InterfaceObject && resolvable(p) {
			return i
		}
	}
	return nil
}

// blurred returns the interface that stands for the objects of a place where nobody can tell their types yet.
func (r *Router) blurred(p *Place) *join.Type {
	out := p.blur
	for _, s := range p.Sources {
		if s.entity {
			for _, e := range s.Group.Entries {
				if e.Types == nil && e.View.Kind == join.Interface && e.View.In(s.Group.Graph).InterfaceObject {
					continue
				}
				return nil
			}
			continue
		}
		if !s.Blurred {
			return nil
		}
		out = s.View
	}
	return out
}

// follow tells that a source can go down a chain of nodes to a leaf. Where the group enters an entity, the first field may require
// others.
func (r *Router) follow(s *Source, chain []*Node, w *want, fresh bool) bool {
	r.work++
	at := *s
	for i, n := range chain {
		next, ok := r.down(&at, n, n.Types, fresh && i == 0)
		if !ok {
			return false
		}
		at = next
	}
	if w.node != nil {
		_, ok := r.down(&at, w.node, w.types, fresh && len(chain) == 0)
		return ok
	}
	if w.exists {
		return true
	}
	if at.entity {
		return !slices.ContainsFunc(at.Group.Entries, func(e *Entry) bool {
			p := e.View.In(at.Group.Graph)
			return p == nil || p.InterfaceObject
		})
	}
	return !at.Blurred
}

// down tells that a source has a node for all of the types, and where it leads.
func (r *Router) down(s *Source, n *Node, types join.Set, fresh bool) (next Source, ok bool) {
	next = Source{Group: s.Group, Place: n.Child}
	g := s.Group.Graph
	if r.spoiled(s, n, types) {
		return next, false
	}
	for o := range types.All {
		part := s.resolve(r.s, o, n.Name)
		if part == nil {
			return next, false
		}
		sub, given := provided(s.Provides, n, r.s.Objects[o])
		if part.External && !given || part.Requires != nil && !fresh && !given {
			return next, false
		}
		if next.View == nil {
			next.View, next.Provides = part.Type, part.Provides
			if len(sub) > 0 {
				next.Provides = append(slices.Clip(next.Provides), sub...)
			}
		}
	}
	if next.View != nil {
		if p := next.View.In(g); p != nil {
			next.Blurred = p.InterfaceObject
		}
	}
	return next, true
}

// commit connects a leaf by an option and returns the group; nil when it turns out not to be possible.
func (r *Router) commit(o *option, w *want) *Group {
	r.work++
	s := o.source
	if s == nil {
		types := w.types
		first := w.node
		if len(o.chain) > 0 {
			first, types = o.chain[0], o.chain[0].Types
		}
		var g *Group
		if len(r.Groups)+len(r.entering) >= r.limit {
			return nil
		}
		if o.at.Parent == nil {
			g = r.enterRoot(o.graph, o.at)
		} else {
			g = r.enter(o.graph, o.at, types, first)
		}
		if g == nil {
			return nil
		}
		s = g.Source
	}
	for _, n := range o.chain {
		s = r.pick(s, n, n.Types).Child
	}
	switch {
	case w.node != nil:
		types := w.types
		if s.Blurred {
			types = w.node.Types
		}
		r.pick(s, w.node, types)
	case !w.exists:
		r.typename(s)
	}
	return s.Group
}

// typename makes a source tell the types of a place.
func (r *Router) typename(s *Source) {
	p := s.Place
	if p.TypeSource != nil {
		return
	}
	p.TypeSource, s.Typename = s, true
	r.undo = append(r.undo, func() { p.TypeSource, s.Typename = nil, false })
}

func (r *Router) enterRoot(g join.Graph, at *Place) *Group {
	out := r.group(g, false, at)
	if r.kind == serial {
		r.serials++
		out.Serial = r.serials
		r.undo = append(r.undo, func() { r.serials-- })
	}
	return out
}

// connect connects a leaf by the way that costs least and returns the group that answers it; nil when there is no way.
func (r *Router) connect(w *want) *Group {
	if g := r.connected(w); g != nil {
		return g
	}
	opts := r.options(w)
	if len(opts) == 1 {
		return r.commit(&opts[0], w)
	}
	limit := r.limit
	defer func() { r.limit = limit }()
	here := len(r.Groups) + len(r.entering)
	for moves := 1; moves <= maxMoves && here+moves <= limit; moves++ {
		r.limit = here + moves
		if o := r.cheapest(opts, w); o != nil {
			return r.commit(o, w)
		}
	}
	return nil
}

// cheapest returns the option that costs least within the limit of groups, nil when none keeps it.
func (r *Router) cheapest(opts []option, w *want) *option {
	best, least := -1, 0
	for i := range opts {
		mark := r.mark()
		if r.commit(&opts[i], w) != nil {
			if c := r.cost(); best < 0 || c < least {
				best, least = i, c
			}
		}
		r.rollback(mark)
	}
	if best < 0 {
		return nil
	}
	return &opts[best]
}

// connected returns the group that answers a leaf already.
func (r *Router) connected(w *want) *Group {
	if w.node == nil {
		switch {
		case w.exists && len(w.place.Sources) > 0:
			return w.place.Sources[0].Group
		case !w.exists && w.place.TypeSource != nil:
			return w.place.TypeSource.Group
		}
		return nil
	}
	for _, k := range w.node.picked {
		if w.types.Within(k.types) {
			return k.source.Group
		}
	}
	return nil
}
