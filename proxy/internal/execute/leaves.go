package execute

import (
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/tape"
)

// leaves writes a list of leaves, which is kept as the text it came in. An object in it does not fit a field of objects.
func (r *run) leaves(f *planner.ProjectionField, v value, level int) (ok, told bool) {
	r.out = append(r.out, '[')
	r.path = append(r.path, pathElement{})
	i := tape.Blank(v.text, 1)
	for n := int32(0); ; n++ {
		at, more := tape.Element(v.text, i)
		if !more {
			break
		}
		if n > 0 {
			r.out = append(r.out, ',')
		}
		r.path[len(r.path)-1].index = n
		end := tape.Skip(v.text, at)
		element := value{kind: leaf, text: v.text[at:end]}
		if v.text[at] == 'n' {
			element = value{kind: null}
		}
		if !r.value(f, element, level+1) {
			r.path = r.path[:len(r.path)-1]
			return false, true
		}
		i = tape.Next(v.text, end)
	}
	r.path = r.path[:len(r.path)-1]
	r.out = append(r.out, ']')
	return true, false
}
