package route

import "github.com/weirproxy/weir/planner/internal/join"

// strict divides the views of one key, from an index on, by where the objects' own fields may be null: the field of an object may be narrower than that
// of the interface by which it is selected, and it is the object's that decides how far a null goes (specification 6.4.4).
func (n *normaliser) strict(p *Place, from int) {
	added := n.views[p][from:]
	n.views[p] = n.views[p][:from:from]
	for _, v := range added {
		v.Wrap = v.Def.Wrap
		if !v.Def.Owner.Abstract() {
			n.views[p] = append(n.views[p], v)
			continue
		}
		first := len(n.views[p])
	next:
		for o := range v.Types.All {
			wrap := v.Wrap
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
		if alike := n.views[p][first:]; len(alike) == 1 {
			alike[0].Types = v.Types
		} else {
			p.Typed = true
		}
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
