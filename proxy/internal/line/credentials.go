package line

import "github.com/weirproxy/weir/proxy/internal/wire"

// accounted reports whether every header that tells who the client is has its place: in the key by its value, in a rule, or said not to matter.
// Without one its answers may be that client's alone, and nothing would tell them apart. Few requests have such a header.
func (x *Exchange) accounted(h *wire.RequestHead) (ok bool) {
	ok = true
	h.VisitHeaders(func(name, _ []byte) bool {
		if wire.IsCredential(name) && !x.Policy.Scope.Reads(name) && !listed(x.Policy.Cache.Vary, name) {
			ok = false
		}
		return ok
	})
	return ok
}

func listed(list []string, name []byte) bool {
	for _, n := range list {
		if is(name, n) {
			return true
		}
	}
	return false
}
