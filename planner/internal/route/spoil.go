package route

import (
	"strings"

	"github.com/weirproxy/weir/planner/internal/join"
)

// spoils tells that a field cannot be asked by an interface object for objects of some types, for it is wanted for some of them only: the graph does
// not know types, so it is asked for all, and where a null may not be in the others they would be lost with it, though nobody wanted it of them. A key
// is never null. Where nobody can tell the types there is no other way, and the router is lenient.
func (r *Router) spoils(n *Node, view *join.Type, g join.Graph, objects join.Set) bool {
	if n == nil || r.lenient || objects.Within(n.wanted()) {
		return false
	}
	p := partOf(view, g, n.Name)
	if p == nil || !strings.HasSuffix(p.Text, "!") {
		return false
	}
	for _, k := range view.In(g).Keys {
		for i := range k.Fields {
			if k.Fields[i].Name == n.Name {
				return false
			}
		}
	}
	return true
}

// wanted is of which types somebody wants the field at its place: there is a node for those that the same graphs have it of.
func (n *Node) wanted() (types join.Set) {
	for _, o := range n.Slot.Nodes {
		if o.Place == n.Place && o.Name == n.Name && o.Arguments == n.Arguments {
			types = types.Or(o.Types)
		}
	}
	return types
}

// spoiled is spoils for what a source is asked, where objects of the types stand.
func (r *Router) spoiled(s *Source, n *Node, types join.Set) bool {
	if s.Blurred {
		return r.spoils(n, s.View, s.Group.Graph, s.Place.Possible)
	}
	if !s.entity {
		return false
	}
	for _, e := range s.Group.Entries {
		here := e.objects(s.Place)
		if e.View.Kind == join.Interface && e.View.In(s.Group.Graph).InterfaceObject && !here.And(types).Empty() && r.spoils(n, e.View, s.Group.Graph, here) {
			return true
		}
	}
	return false
}

// objects are those asked for at a place.
func (e *Entry) objects(at *Place) join.Set {
	if e.Types == nil {
		return at.Possible
	}
	return e.Types
}
