package execute

import (
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/tape"
)

// leaves writes a list of leaves, which is kept as the text it came in. An object in it does not fit a field of objects.
func (r *run) leaves(f *planner.ProjectionField, v value, level int) (ok, told bool) {
	text := r.of(v)
	r.out = append(r.out, '[')
	r.path = append(r.path, pathElement{})
	i := tape.Blank(text, 1)
	for n := int32(0); ; n++ {
		at, more := tape.Element(text, i)
		if !more {
			break
		}
		if n > 0 {
			r.out = append(r.out, ',')
		}
		r.path[len(r.path)-1].index = n
		end := tape.Skip(text, at)
		element := value{leaf, v.text, v.at + int32(at), v.at + int32(end)}
		if text[at] == 'n' {
			element = value{kind: null}
		}
		if !r.value(f, element, level+1) {
			r.path = r.path[:len(r.path)-1]
			return false, true
		}
		i = tape.Next(text, end)
	}
	r.path = r.path[:len(r.path)-1]
	r.out = append(r.out, ']')
	return true, false
}

// count returns how many elements the array at i of a well-formed text has.
func count(b []byte, i int) (n int) {
	i = tape.Blank(b, i+1)
	for {
		at, ok := tape.Element(b, i)
		if !ok {
			return n
		}
		n++
		i = tape.Next(b, tape.Skip(b, at))
	}
}
