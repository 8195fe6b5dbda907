package coerce

import (
	"bytes"
	"slices"

	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

// appendJSON appends the value at raw[at] as canonical JSON: no white space, strings with the fewest escapes, members
// sorted by name, numbers as written (1 and 1.0 may differ to a custom scalar). Members given twice all stay, in their
// order, so that two readings never share one form.
func (v *Values) appendJSON(dst, raw []byte, at int) []byte {
	dst, _ = v.appendValue(dst, raw, at)
	return dst
}

// appendValue is appendJSON that also returns the position behind the value.
func (v *Values) appendValue(dst, raw []byte, at int) ([]byte, int) {
	switch jsonscan.KindAt(raw, at) {
	case jsonscan.String:
		end, escaped, _ := jsonscan.SkipString(raw, at)
		return v.appendString(dst, raw[at+1:end-1], escaped), end
	case jsonscan.Array:
		dst = append(dst, '[')
		e := jsonscan.OpenArray(raw, at)
		for n := 0; e.Next(); n++ {
			if n > 0 {
				dst = append(dst, ',')
			}
			dst, e.End = v.appendValue(dst, raw, e.Value)
		}
		return append(dst, ']'), e.Behind()
	case jsonscan.Object:
		return v.appendObject(dst, raw, at)
	}
	end, _ := jsonscan.Skip(raw, at, 0)
	return append(dst, raw[at:end]...), end
}

func (v *Values) appendObject(dst, raw []byte, at int) ([]byte, int) {
	base := len(v.members)
	m := jsonscan.Open(raw, at)
	for m.Next() {
		key := m.Key
		if m.Escaped {
			// Growing v.text leaves earlier names in the old array, which their slices keep alive.
			start := len(v.text)
			v.text = jsonscan.AppendUnescaped(v.text, key)
			key = v.text[start:len(v.text):len(v.text)]
		}
		v.members = append(v.members, member{key, m.Value})
	}
	slices.SortStableFunc(v.members[base:], byName)
	dst = append(dst, '{')
	count := len(v.members)
	for i := base; i < count; i++ {
		if i > base {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, v.members[i].key), ':')
		dst = v.appendJSON(dst, raw, v.members[i].value)
	}
	clear(v.members[base:]) // the names lie in the request's body; do not keep it alive
	v.members = v.members[:base]
	return append(dst, '}'), m.Behind()
}

func byName(a, b member) int { return bytes.Compare(a.key, b.key) }

func (v *Values) appendString(dst, inner []byte, escaped bool) []byte {
	if !escaped {
		return append(append(append(dst, '"'), inner...), '"')
	}
	start := len(v.text)
	v.text = jsonscan.AppendUnescaped(v.text, inner)
	dst = appendQuoted(dst, v.text[start:])
	v.text = v.text[:start]
	return dst
}

func appendQuoted(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
