package line

import (
	"bytes"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/scope"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

const (
	// operationPrefix begins the tag of all entries of one operation. Only tags of our own begin with @.
	operationPrefix = "@op:"
	// TenantPrefix begins the tag of all entries of one tenant; the tenant's keyed hash follows.
	TenantPrefix = "@tenant:"
	// maxOperation is how long the name of an operation may be that gives a tag; a longer one goes by its hash, as an anonymous one does.
	maxOperation = 200
)

// tag completes the tags of an answer: those of its request, those that let it be found by operation, and those that the upstream gave it.
// False when the upstream gave it one that is not usable: whoever invalidates by that tag would not reach the entry, so there must be none.
func (x *Exchange) tag(it *Item, r *wire.ResponseHead, body []byte, facts planner.Facts) bool {
	if !it.Plan.AppendQueryTags(&it.values, &it.tags) {
		return false
	}
	var buf [len(operationPrefix) + maxOperation]byte
	name := it.Plan.Name()
	if name == "" || len(name) > maxOperation {
		name = it.Plan.HashHex()
	}
	it.tags.Append(append(append(buf[:0], operationPrefix...), name...))
	if id := x.Scope.TenantID; id != "" && it.class != scope.Public {
		it.tags.Append(append(append(buf[:0], TenantPrefix...), id...))
	}
	p := &x.Policy.Cache.Tags
	before := it.tags.Len()
	for _, header := range p.Headers {
		if len(r.Header(header)) > 0 && !appendTagHeader(&it.tags, r, header, p.MaxLength) {
			return false
		}
	}
	left := p.Max - (it.tags.Len() - before)
	return left >= 0 && (!p.Extensions || facts.AppendExtensionTags(body, &it.tags, left, p.MaxLength))
}

// appendTagHeader appends the tags of a header, of all its lines.
func appendTagHeader(t *planner.Tags, r *wire.ResponseHead, header string, longest int) (ok bool) {
	ok = true
	r.VisitHeaders(func(name, value []byte) bool {
		if !is(name, header) {
			return true
		}
		switch header {
		case "cache-groups":
			ok = appendGroups(t, value, longest)
		case "surrogate-key", "xkey":
			ok = appendSeparated(t, value, ' ', longest)
		default:
			ok = appendSeparated(t, value, ',', longest)
		}
		return ok
	})
	return ok
}

func appendSeparated(t *planner.Tags, v []byte, separator byte, longest int) bool {
	for len(v) > 0 {
		var tag []byte
		tag, v, _ = bytes.Cut(v, []byte{separator})
		if tag = bytes.Trim(tag, " \t"); len(tag) == 0 {
			continue
		}
		if len(tag) > longest || tag[0] == '@' {
			return false
		}
		t.Append(tag)
	}
	return true
}

// appendGroups appends the strings of a list of strings (RFC 9651, section 3.1 and 3.3.3; RFC 9875, section 2). Their parameters mean nothing.
func appendGroups(t *planner.Tags, v []byte, longest int) bool {
	var buf [512]byte
	for v = bytes.Trim(v, " \t"); ; {
		group, rest, ok := structuredString(buf[:0], v)
		if !ok || len(group) == 0 || len(group) > longest || group[0] == '@' {
			return false
		}
		t.Append(group)
		if rest, ok = skipParameters(rest); !ok {
			return false
		}
		if len(rest) == 0 {
			return true
		}
		if rest[0] != ',' {
			return false
		}
		v = bytes.TrimLeft(rest[1:], " \t")
	}
}

// structuredString reads the string that v begins with, into dst.
func structuredString(dst, v []byte) (s, rest []byte, ok bool) {
	if len(v) == 0 || v[0] != '"' {
		return nil, v, false
	}
	for i := 1; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"':
			return dst, v[i+1:], true
		case c == '\\':
			if i++; i == len(v) || v[i] != '"' && v[i] != '\\' {
				return nil, v, false
			}
			dst = append(dst, v[i])
		case c < 0x20 || c > 0x7e:
			return nil, v, false
		default:
			dst = append(dst, c)
		}
	}
	return nil, v, false
}

// skipParameters passes over ;name and ;name=value, and the spaces behind them.
func skipParameters(v []byte) (rest []byte, ok bool) {
	for {
		v = bytes.TrimLeft(v, " \t")
		if len(v) == 0 || v[0] != ';' {
			return v, true
		}
		v = bytes.TrimLeft(v[1:], " ")
		i := 0
		for i < len(v) && v[i] != ';' && v[i] != ',' && v[i] != '"' {
			i++
		}
		if i == 0 {
			return v, false
		}
		if v = v[i:]; len(v) > 0 && v[0] == '"' {
			var buf [64]byte
			if _, v, ok = structuredString(buf[:0], v); !ok {
				return v, false
			}
		}
	}
}
