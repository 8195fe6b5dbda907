package shape

import (
	"strings"

	"github.com/weirproxy/weir/planner/internal/jsonscan"
)

// Broken tells that the operation is too large: its responses are not readable.
func (s *Shape) Broken() bool { return s.broken || s.root == nil }

// Strip appends a response to dst without the members whose response name begins with prefix: every other byte stays as it is. ok is false when
// the response is not one of this shape. Values of scalars are not looked into.
func (s *Shape) Strip(dst, body []byte, prefix string) (_ []byte, ok bool) {
	if s.Broken() {
		return dst, false
	}
	w := stripper{b: body, prefix: prefix, out: dst}
	o := opened(body, jsonscan.Space(body, 0))
	if jsonscan.KindAt(body, jsonscan.Space(body, 0)) != jsonscan.Object {
		return dst, false
	}
	for o.next() {
		if jsonscan.EqualKey(o.key, o.escaped, "data") && jsonscan.KindAt(body, o.at) == jsonscan.Object {
			if o.at, ok = w.object(s.root, o.at, s.depth); !ok {
				return dst, false
			}
		} else if !o.skip(s.depth) {
			return dst, false
		}
	}
	if !o.ok || jsonscan.Space(body, o.at) != len(body) {
		return dst, false
	}
	return append(w.out, body[w.kept:]...), true
}

// stripper copies b[:kept] to out, without what is cut.
type stripper struct {
	b      []byte
	prefix string
	out    []byte
	kept   int
}

// cut leaves b[from:to] out.
func (w *stripper) cut(from, to int) {
	if from > w.kept {
		w.out = append(w.out, w.b[w.kept:from]...)
	}
	w.kept = max(w.kept, to)
}

func (w *stripper) object(n *node, i, depth int) (end int, ok bool) {
	if depth <= 0 {
		return i, false
	}
	o, next := opened(w.b, i), 0
	last := i + 1 // behind the value before this member
	some := false // a member stays
	leading := -1 // where the first member begins, while all so far are cut
	for {
		before := o.at
		if !o.next() {
			break
		}
		name := jsonscan.Space(w.b, before) // of the comma, or of the name
		if w.b[name] == ',' {
			name = jsonscan.Space(w.b, name+1)
		}
		f := n.find(&o, &next)
		injected := f != nil && strings.HasPrefix(f.key, w.prefix)
		if leading < 0 {
			leading = name
		}
		if !injected && !some { // what stood before it goes with its comma
			w.cut(leading, name)
			some = true
		}
		if !injected && f != nil && f.child != nil {
			if o.at, ok = w.value(f.child, o.at, depth-1); !ok {
				return o.at, false
			}
		} else if !o.skip(depth - 1) {
			return o.at, false
		}
		if injected && some {
			w.cut(last, o.at)
		}
		last = o.at
	}
	if o.ok && !some && leading >= 0 { // nothing is left
		w.cut(i+1, o.at-1)
	}
	return o.at, o.ok
}

func (w *stripper) value(n *node, i, depth int) (end int, ok bool) {
	switch jsonscan.KindAt(w.b, i) {
	case jsonscan.Object:
		return w.object(n, i, depth)
	case jsonscan.Array:
	default:
		end, st := jsonscan.Skip(w.b, i, depth)
		return end, st == jsonscan.OK
	}
	if depth <= 0 {
		return i, false
	}
	i = jsonscan.Space(w.b, i+1)
	if i < len(w.b) && w.b[i] == ']' {
		return i + 1, true
	}
	for {
		if i, ok = w.value(n, i, depth-1); !ok {
			return i, false
		}
		if i = jsonscan.Space(w.b, i); i >= len(w.b) {
			return i, false
		}
		switch w.b[i] {
		case ',':
			i = jsonscan.Space(w.b, i+1)
		case ']':
			return i + 1, true
		default:
			return i, false
		}
	}
}
