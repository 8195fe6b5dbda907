package route

import (
	"strconv"

	"github.com/weirproxy/weir/planner/internal/join"
)

// strict divides the views of one key, from an index on, by where the objects' own fields may be null: the field of an object may be narrower than that
// of the interface by which it is selected, and it is the object's that decides how far a null goes (specification 6.4.4).
func (n *normaliser) strict(p *Place, from int) {
	added := n.views[p][from:]
	n.views[p] = n.views[p][:from:from]
	for _, v := range added {
		first := len(n.views[p])
	next:
		for o := range v.Types.All {
			wrap := v.Def.Wrap
			if own := n.s.Objects[o].Fields[v.Def.Name]; own != nil {
				wrap = own.Wrap
			}
			for i := first; i < len(n.views[p]); i++ {
				if like := &n.views[p][i]; like.Wrap == wrap {
					like.Types = like.Types.With(o)
					continue next
				}
			}
			one := v
			one.Types, one.Wrap = join.Set(nil).With(o), wrap
			n.views[p] = append(n.views[p], one)
		}
		p.Typed = p.Typed || len(n.views[p]) > first+1
	}
}

// fold makes one view of those of a leaf, for the client does not care which graphs answer; objects below are told apart by their
// parents' types.
func (n *normaliser) fold(p *Place, from int, types join.Set) {
	added := n.views[p][from:]
	switch {
	case len(added) < 2:
	case added[0].Node.Child == nil:
		added[0].Types = types
		n.views[p] = n.views[p][:from+1]
	default:
		p.Typed = p.Typed || p.Declared.Abstract()
	}
}

// slot returns where the answer holds a node: at its response key, or at one of its own where the key stands for another field of other types and an interface
// object may be asked for either, for it answers for objects of all types.
func (n *normaliser) slot(p *Place, node *Node, key string, composite bool) *Slot {
	own := key
	for i := 0; !p.Scope.free(own, node.Name, node.Arguments) && n.blurs(p.Possible); i++ {
		own = "_i" + strconv.Itoa(i) + "_" + key
	}
	slot := p.Scope.slot(own, true, composite)
	slot.Key = key
	return slot
}

// blurs tells that some graph has objects of some of the types as an interface object.
func (n *normaliser) blurs(types join.Set) bool {
	for o := range types.All {
		if len(n.s.Objects[o].Blurs) > 0 {
			return true
		}
	}
	return false
}
