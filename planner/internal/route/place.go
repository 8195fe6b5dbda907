package route

import "github.com/weirproxy/weir/planner/internal/join"

// below makes the place that a node leads to.
func below(s *join.Supergraph, node *Node, declared *join.Type) *Place {
	p := &Place{Parent: node.Place, Via: node, Declared: declared, Scope: node.Slot.Scope, Serial: node.Place.Serial}
	blurred := true
	for o := range node.Types.All {
		p.narrow(s, s.Objects[o], &blurred)
	}
	p.Possible = p.Possible.And(declared.Possible)
	if p.Possible.Empty() {
		p.Possible = declared.Possible
	}
	if !blurred {
		p.blur = nil
	}
	for o := range p.Possible.All {
		p.enterable(s.Objects[o])
	}
	if declared.Abstract() && !p.Possible.Within(declared.Accessible) {
		p.Typed = true
	}
	p.Scope.Places = append(p.Scope.Places, p)
	return p
}

// narrow adds what can stand at a place below an object of a type: what all graphs that may answer agree on. Graphs that cannot be
// asked for the parent do not count.
func (p *Place) narrow(s *join.Supergraph, t *join.Type, blurred *bool) {
	var out, some join.Set
	known := false
	add := func(t *join.Type) {
		f := t.Fields[p.Via.Name]
		if f == nil {
			return
		}
		for i := range f.Parts {
			part := &f.Parts[i]
			if part.External || !p.Parent.graphs.Has(part.Graph) {
				continue
			}
			// Of an interface only who has it as an interface object answers for its objects.
			if t.Kind == join.Interface && !t.In(part.Graph).InterfaceObject {
				continue
			}
			p.graphs = p.graphs.With(part.Graph)
			set := part.Type.Possible
			if part.Type.Abstract() {
				here := part.Type.In(part.Graph)
				if here == nil || here.InterfaceObject {
					p.blur = part.Type
					continue
				}
				set = here.Possible
			}
			*blurred = false
			if !known {
				out, known = set, true
			}
			out, some = out.And(set), some.Or(set)
		}
	}
	add(t)
	for _, i := range t.Blurs {
		add(i)
	}
	switch {
	case !known: // anything may come
		out = p.Declared.Possible
	case out.Empty(): // they agree on nothing: what any of them has may come
		out = some
	}
	p.Possible = p.Possible.Or(out)
}

// enterable adds the graphs that can be asked for an entity.
func (p *Place) enterable(t *join.Type) {
	add := func(t *join.Type) {
		for i := range t.Parts {
			if resolvable(&t.Parts[i]) {
				p.graphs = p.graphs.With(t.Parts[i].Graph)
			}
		}
	}
	add(t)
	for _, i := range t.Blurs {
		add(i)
	}
}
