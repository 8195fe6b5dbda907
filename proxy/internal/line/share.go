package line

import (
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// share decides who may share the item's answer: the narrowest of what policy gives for what is selected, the class of the request's rule where
// policy is silent, PRIVATE of the schema, and what earlier answers have taught. False when the request does not prove that it belongs
// anywhere.
func (x *Exchange) share(it *Item, now int64) bool {
	share, given, private := it.Plan.Sharing()
	class := scope.Class(share)
	if !given {
		class = max(class, x.Scope.Class)
	}
	if it.learnt = it.Plan.Learnt(); private || x.Scope.Authenticated && it.learnt.PrivateAt(now) {
		class = scope.User
	}
	id, ok := x.Scope.ID(class)
	it.class, it.group = class, id
	return ok
}

// explicit marks keys of requests with credentials that no rule reads.
const explicit = 1 << 8

// shareKey is what of the sharing is in the key beside the group's hash.
func (x *Exchange) shareKey(it *Item) uint64 {
	k := uint64(it.class)
	if x.Scope.Explicit {
		k |= explicit
	}
	return k
}
