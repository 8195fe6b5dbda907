package shape

import (
	"github.com/weirproxy/weir/planner/internal/jsonscan"
	"github.com/weirproxy/weir/planner/internal/taglist"
)

// AppendExtensionTags appends the tags that an answer gives itself, in extensions.apolloCacheTags and extensions.cacheTags: lists of strings of
// 1 to longest bytes, at most the given number of them. ok is false when something there is no such list: the answer must then not be kept,
// for nobody could find it by what was meant. f is what the walk over the same body returned.
func (f Facts) AppendExtensionTags(body []byte, tags *taglist.List, most, longest int) (ok bool) {
	if f.extensions == 0 || jsonscan.KindAt(body, f.extensions) != jsonscan.Object {
		return true
	}
	seen := [2]bool{}
	m := jsonscan.Open(body, f.extensions)
	for m.Next() {
		which := 0
		switch {
		case jsonscan.EqualKey(m.Key, m.Escaped, "apolloCacheTags"):
		case jsonscan.EqualKey(m.Key, m.Escaped, "cacheTags"):
			which = 1
		default:
			continue
		}
		if seen[which] {
			return false
		}
		seen[which] = true
		if jsonscan.KindAt(body, m.Value) == jsonscan.Null {
			continue
		}
		if most, ok = appendStrings(body, m.Value, tags, most, longest); !ok {
			return false
		}
	}
	return true
}

// appendStrings appends the strings of a list and returns how many more may follow.
func appendStrings(body []byte, i int, tags *taglist.List, most, longest int) (left int, ok bool) {
	if jsonscan.KindAt(body, i) != jsonscan.Array {
		return most, false
	}
	e := jsonscan.OpenArray(body, i)
	var buf [maxTag]byte
	for e.Next() {
		end, escaped, ok := jsonscan.SkipString(body, e.Value)
		if !ok || most == 0 {
			return most, false
		}
		tag := body[e.Value+1 : end-1]
		if escaped {
			tag = jsonscan.AppendUnescaped(buf[:0], tag)
		}
		if len(tag) == 0 || len(tag) > longest || tag[0] == '@' {
			return most, false
		}
		tags.Append(tag)
		most--
	}
	return most, true
}

// Relocate returns the facts for a body that differs only in what was left out of its data.
func (f Facts) Relocate(body []byte) Facts {
	var tags taglist.List
	f.extensions = (&Shape{depth: DefaultDepth}).Walk(body, &tags).extensions
	return f
}
