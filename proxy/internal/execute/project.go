package execute

import (
	"bytes"
	"strconv"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/tape"
)

// pathElement is a part of the path under way: a name, or an index when it is empty.
type pathElement struct {
	name  string
	index int32
}

// answer appends the client's answer: errors come behind data, for they are known then.
func (r *run) answer(dst []byte) []byte {
	r.path = r.path[:0]
	r.out = append(dst, `{"data":`...)
	mark := len(r.out)
	if ok, _ := r.object(0, 0); !ok {
		r.out = append(r.out[:mark], "null"...)
	}
	out := r.appendErrors(r.out)
	r.out = nil
	return append(out, '}')
}

// object writes an object; ok is false when it is null, told when an error says why.
func (r *run) object(o int32, projection int) (ok, told bool) {
	p, typ := &r.plan.Projections[projection], r.objects[o].typ
	if p.Types != nil && !p.Types.Has(typ) {
		r.bad("The object has a type that cannot be here.")
		return false, true
	}
	if p.Divided {
		return r.divided(o, projection)
	}
	slots := r.objects[o].slots
	out, separator := r.out, byte('{')
	for i := range p.Fields {
		f := &p.Fields[i]
		if f.Types != nil && !f.Types.Has(typ) {
			continue
		}
		out = append(append(out, separator), f.Prefix...)
		separator = ','
		if f.Slot >= 0 {
			if v := &r.slots[slots+int32(f.Slot)]; v.kind == leaf && f.Wrap.Lists == 0 {
				if text := r.texts[v.text][v.at:v.end]; fits(f, text) {
					out = append(out, text...)
					continue
				}
			}
		}
		r.out = out
		r.path = append(r.path, pathElement{name: f.Key})
		ok := r.field(o, f)
		r.path = r.path[:len(r.path)-1]
		if !ok {
			return false, true
		}
		out = r.out
	}
	if separator == '{' {
		out = append(out, separator)
	}
	r.out = append(out, '}')
	return true, false
}

// field writes the value of a field, false when the object around it is null because of it.
func (r *run) field(o int32, f *planner.ProjectionField) bool {
	switch f.Leaf {
	case planner.LeafConstant:
		r.out = append(r.out, f.Constant...)
		return true
	case planner.LeafDenied:
		if f.Wrap.Required(0) {
			return false
		}
		r.out = append(r.out, "null"...)
		return true
	case planner.LeafTypename:
		if typ := r.objects[o].typ; typ != planner.NoType && !r.plan.Types[typ].Inaccessible {
			r.out = append(append(append(r.out, '"'), r.plan.Types[typ].Name...), '"')
			return true
		}
		return r.value(f, value{}, 0)
	}
	return r.value(f, r.slot(o, f.Slot), 0)
}

// value writes what is at a level of the field's lists.
func (r *run) value(f *planner.ProjectionField, v value, level int) bool {
	mark, found := len(r.out), len(r.found)
	ok, told := r.inner(f, v, level)
	if ok {
		return true
	}
	r.out, r.found = r.out[:mark], r.found[:found]
	if v.kind >= object && r.plan.Parts != nil {
		r.nulls()
	}
	if !f.Wrap.Required(level) {
		r.out = append(r.out, "null"...)
		return true
	}
	if !told && !r.known() {
		r.bad("Cannot return null for non-nullable field " + f.Parent + "." + f.Key + ".")
	}
	return false
}

func (r *run) inner(f *planner.ProjectionField, v value, level int) (ok, told bool) {
	switch {
	case v.kind == absent || v.kind == null:
		return false, false
	case level < int(f.Wrap.Lists):
		if v.kind == leaf && r.of(v)[0] == '[' {
			return r.leaves(f, v, level)
		}
		if v.kind != list {
			r.bad("The value is no list.")
			return false, true
		}
		return r.list(f, v, level)
	case f.Leaf == planner.LeafObject:
		if v.kind != object {
			r.bad("The value is no object.")
			return false, true
		}
		return r.object(v.at, f.Projection)
	}
	if v.kind != leaf || !fits(f, r.of(v)) {
		r.bad("The value does not fit the type " + f.Type + ".")
		return false, true
	}
	r.out = append(r.out, r.of(v)...)
	return true, false
}

func (r *run) list(f *planner.ProjectionField, v value, level int) (ok, told bool) {
	r.out = append(r.out, '[')
	r.path = append(r.path, pathElement{})
	ok = true
	for i := v.at; i < v.end && ok; i++ {
		if i > v.at {
			r.out = append(r.out, ',')
		}
		r.path[len(r.path)-1].index = i - v.at
		ok = r.value(f, r.slots[i], level+1)
	}
	r.path = r.path[:len(r.path)-1]
	r.out = append(r.out, ']')
	return ok, true
}

// fits follows the rules of planner.Leaf.
func fits(f *planner.ProjectionField, b []byte) bool {
	c := b[0]
	number := c == '-' || c >= '0' && c <= '9'
	switch f.Leaf {
	case planner.LeafObject:
		return false
	case planner.LeafInt, planner.LeafFloat:
		return number
	case planner.LeafString, planner.LeafID:
		return number || c == '"'
	case planner.LeafBoolean:
		return c == 't' || c == 'f'
	case planner.LeafEnum:
		return c == '"' && f.Enum.Has(b[1:len(b)-1])
	}
	return true
}

// bad reports an error of ours at the path under way.
func (r *run) bad(text string) {
	r.fault(fault{text: text, code: codes.SubgraphValue, path: r.here()})
}

func (r *run) here() []byte {
	var b []byte
	for _, p := range r.path {
		if p.name == "" {
			b = appendIndex(b, p.index)
		} else {
			b = appendName(b, p.name)
		}
	}
	return b
}

// known tells whether an error at this path, or below it, is there already.
func (r *run) known() bool {
	if len(r.errors) == 0 {
		return false
	}
	here := r.here()
	for i := range r.errors {
		if p := r.errors[i].path; bytes.HasPrefix(p, here) && (len(p) == len(here) || p[len(here)] == ',') {
			return true
		}
	}
	return false
}

func (r *run) appendErrors(b []byte) []byte {
	if len(r.errors) == 0 {
		return b
	}
	b = append(b, `,"errors":[`...)
	for i := range r.errors {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.errors[i].append(b)
	}
	return append(b, ']')
}

// hasService tells whether the subgraph, which may be a gateway itself, has named a service.
func (f *fault) hasService() bool {
	if len(f.extensions) == 0 {
		return false
	}
	_, ok := tape.Get(f.extensions, 0, "serviceName")
	return ok
}

func (f *fault) append(b []byte) []byte {
	b = append(b, `{"message":`...)
	if f.text != "" {
		b = strconv.AppendQuote(b, f.text) // letters, dots and blanks only
	} else {
		b = append(b, f.message...)
	}
	if len(f.path) > 0 {
		b = append(append(append(b, `,"path":`...), f.path...), ']')
	}
	b = append(b, `,"extensions":{`...)
	mark := len(b)
	if len(f.extensions) > 0 {
		b = append(b, bytes.TrimSpace(f.extensions[1:len(f.extensions)-1])...)
	} else if f.code != codes.None {
		b = append(append(append(b, `"code":"`...), f.code.String()...), '"')
	}
	if f.service != "" && !f.hasService() {
		if len(b) > mark {
			b = append(b, ',')
		}
		b = append(append(append(b, `"serviceName":"`...), f.service...), '"')
	}
	return append(b, '}', '}')
}
