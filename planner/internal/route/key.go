package route

import "github.com/weirproxy/weir/planner/internal/join"

// key connects the key that costs least. Keys that need fewer requests come first: to prove of another that it cannot be had takes more work than a whole
// plan, where all that it needs is fetched by others again.
func (r *Router) key(in *inputs, g join.Graph, at *Place, e *Entry, objects join.Set) bool {
	if keys := e.View.In(g).Keys; len(keys) == 1 {
		return r.input(in, at, e, Input{Fields: keys[0].Fields, Key: true}, objects)
	}
	limit := r.limit
	defer func() { r.limit = limit }()
	here := len(r.Groups) + len(r.entering)
	for moves := 0; ; moves++ {
		if r.limit = limit; moves <= maxMoves {
			r.limit = min(limit, here+moves)
		}
		if key := r.cheapestKey(in, g, at, e, objects); key != nil {
			return r.input(in, at, e, Input{Fields: key.Fields, Key: true}, objects)
		}
		if r.limit == limit {
			return false
		}
	}
}

// cheapestKey returns the key that costs least within the limit of groups, nil when none keeps it.
func (r *Router) cheapestKey(in *inputs, g join.Graph, at *Place, e *Entry, objects join.Set) (best *join.Key) {
	keys := e.View.In(g).Keys
	least := 0
	for i := range keys {
		if !keys[i].Resolvable {
			continue
		}
		mark, before := r.mark(), len(in.groups)
		if _, ok := r.selection(in, at, keys[i].Fields, objects); ok {
			if c := r.cost() + 10*len(in.groups); best == nil || c < least {
				best, least = &keys[i], c
			}
		}
		in.groups = in.groups[:before]
		r.rollback(mark)
	}
	return best
}
