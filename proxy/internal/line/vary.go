package line

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"strings"

	"github.com/weirproxy/weir/proxy/internal/cachecontrol"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// An answer is found in two steps where its operation is known to differ by request headers that policy does not name: the plan tells which
// they are, and their values are part of the key. Answers teach them: the first one with a Vary that is not keyed yet is not kept.

// variantSeed hashes the values of learnt headers, to count variants.
var variantSeed = maphash.MakeSeed()

// learntValues puts the values of the headers that the item's answers are known to differ by into x.learnt. False when one of them is not
// usable.
func (x *Exchange) learntValues(it *Item, h *wire.RequestHead) bool {
	x.learnt = x.learnt[:0]
	for _, name := range it.learnt.Vary {
		n := h.Count(name)
		if n > 1 {
			return false
		}
		v := h.Header(name)
		x.learnt = append(append(x.learnt, name...), ':', byte(n))
		x.learnt = binary.AppendUvarint(x.learnt, uint64(len(v)))
		x.learnt = append(x.learnt, v...)
	}
	it.variant = maphash.Bytes(variantSeed, x.learnt)
	return true
}

// varies reports whether every header that the upstream's Vary names is part of the item's key.
func (x *Exchange) varies(it *Item, r *wire.ResponseHead) bool {
	all := true
	eachVary(r, func(name []byte) { all = all && x.keyed(it, name) })
	return all
}

// eachVary calls f with each name in the answer's Vary, which may come in several lines.
func eachVary(r *wire.ResponseHead, f func(name []byte)) {
	switch r.Count("vary") {
	case 0:
	case 1:
		eachName(r.Header("vary"), f)
	default:
		r.VisitHeaders(func(name, value []byte) bool {
			if is(name, "vary") {
				eachName(value, f)
			}
			return true
		})
	}
}

func eachName(list []byte, f func(name []byte)) {
	for len(list) > 0 {
		var name []byte
		name, list, _ = bytes.Cut(list, []byte(","))
		if name = bytes.TrimSpace(name); len(name) > 0 {
			f(name)
		}
	}
}

// keyed reports whether the request header is part of the key, or does not matter: entries are kept without content coding. Credentials are
// in the key by what they prove.
func (x *Exchange) keyed(it *Item, name []byte) bool {
	if is(name, "accept") || is(name, "accept-encoding") {
		return true
	}
	for _, k := range x.Policy.Cache.Vary {
		if is(name, k) {
			return true
		}
	}
	if it.learnt != nil {
		for _, k := range it.learnt.Vary {
			if is(name, k) {
				return true
			}
		}
	}
	switch {
	case is(name, "authorization"):
		if x.Scope.Authenticated {
			return it.class == scope.User
		}
		// Nobody with credentials asks by this key, unless policy has made the answer everybody's.
		_, given, _ := it.Plan.Sharing()
		return !x.Scope.Explicit && !given
	case is(name, "cookie"):
		return !x.Policy.Scope.IgnoresCookies() // then a request that got here has none
	}
	return x.Policy.Scope.Tells(name, it.class)
}

// teach takes from an answer that was not kept what would have let it be: later requests for the operation go by that. It reports whether
// they do.
func (x *Exchange) teach(it *Item, r *wire.ResponseHead, why string, now int64) bool {
	switch why {
	case "control":
		c := cachecontrol.Parse(r.Header("cache-control"))
		if !c.Private || c.NoStore || c.NoCache || !x.Scope.Authenticated || it.class == scope.User {
			return false
		}
		it.Plan.LearnPrivate(now)
		return true
	case "vary":
		return x.teachVary(it, r, now)
	}
	return false
}

func (x *Exchange) teachVary(it *Item, r *wire.ResponseHead, now int64) bool {
	var names []string
	possible, private := true, false
	eachVary(r, func(name []byte) {
		switch {
		case x.keyed(it, name):
		case is(name, "*"), is(name, "cookie"), len(name) > maxVaryName:
			possible = false
		case is(name, "authorization"):
			if private = x.Scope.Authenticated; !private {
				possible = false
			}
		default:
			names = append(names, strings.ToLower(string(name)))
		}
	})
	if !possible || len(names) > 0 && !it.Plan.LearnVary(names) {
		return false
	}
	if private {
		it.Plan.LearnPrivate(now)
	}
	return true
}

// maxVaryName bounds the name of a header that is learnt.
const maxVaryName = 64
