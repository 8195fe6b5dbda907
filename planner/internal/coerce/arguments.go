package coerce

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Arguments are the arguments given to one field, ready to be evaluated for the variables of a request. They are immutable.
type Arguments struct{ root expression }

// expression is a literal with variables in it, compiled for the type of its place.
type expression struct {
	constant []byte // canonical form; nil: one of the below
	variable string
	tag      byte // tagList or tagObject
	items    []item
}

// item is an element of a list, or a named member of an object with the default of its place.
type item struct {
	name  string
	value expression
	def   []byte
}

// CompileArguments prepares the arguments given to a field whose definition has these arguments; without definitions (nil) values are
// opaque. Members stand in the order of their names, and defaults are filled in.
func CompileArguments(schema *ast.Schema, defs ast.ArgumentDefinitionList, given ast.ArgumentList) *Arguments {
	c := &compiler{schema: schema, types: map[string]*typ{}, state: map[*field]uint8{}}
	root := expression{tag: tagObject}
	for _, d := range defs {
		f := field{name: d.Name, typ: c.ref(d.Type), literal: d.DefaultValue}
		c.encodeDefault(&f)
		if a := given.ForName(d.Name); a != nil {
			root.items = append(root.items, item{d.Name, c.expression(f.typ, a.Value, 0), f.def})
		} else if f.def != nil {
			root.items = append(root.items, item{name: d.Name, value: expression{constant: f.def}})
		}
	}
	for _, a := range given {
		if defs.ForName(a.Name) == nil {
			root.items = append(root.items, item{name: a.Name, value: c.expression(ref{t: &typ{}}, a.Value, 0)})
		}
	}
	slices.SortStableFunc(root.items, byItemName)
	return &Arguments{root}
}

func byItemName(a, b item) int { return strings.Compare(a.name, b.name) }

func (c *compiler) expression(r ref, v *ast.Value, depth int) expression {
	if v.Kind == ast.Variable {
		return expression{variable: v.Raw}
	}
	if !hasVariable(v, 0) || depth > maxLiteralDepth {
		if b, ok := c.literal(nil, r, v, 0); ok {
			return expression{constant: b}
		}
		return expression{constant: []byte{tagNull}}
	}
	if v.Kind == ast.ListValue {
		elem := ref{t: &typ{}}
		if r.t.kind == kindList {
			elem = r.t.elem
		}
		out := expression{tag: tagList}
		for _, child := range v.Children {
			out.items = append(out.items, item{value: c.expression(elem, child.Value, depth+1), def: []byte{tagNull}})
		}
		return out
	}
	if r.t.kind == kindList { // a single value where a list is due
		return expression{tag: tagList, items: []item{{value: c.expression(r.t.elem, v, depth+1), def: []byte{tagNull}}}}
	}
	return c.objectExpression(r.t, v, depth)
}

func (c *compiler) objectExpression(t *typ, v *ast.Value, depth int) expression {
	out := expression{tag: tagObject}
	for i := range t.fields {
		f := &t.fields[i]
		c.encodeDefault(f)
		if given := v.Children.ForName(f.name); given != nil {
			out.items = append(out.items, item{f.name, c.expression(f.typ, given, depth+1), f.def})
		} else if f.def != nil {
			out.items = append(out.items, item{name: f.name, value: expression{constant: f.def}})
		}
	}
	if t.kind != kindInput {
		for _, child := range v.Children {
			out.items = append(out.items, item{name: child.Name, value: c.expression(ref{t: &typ{}}, child.Value, depth+1)})
		}
		slices.SortStableFunc(out.items, byItemName)
	}
	return out
}

func hasVariable(v *ast.Value, depth int) bool {
	if v.Kind == ast.Variable {
		return true
	}
	for _, child := range v.Children {
		if depth <= maxLiteralDepth && hasVariable(child.Value, depth+1) {
			return true
		}
	}
	return false
}

// Empty tells that the arguments are empty whatever the variables are.
func (a *Arguments) Empty() bool { return len(a.root.items) == 0 }

// Evaluate returns the object of arguments for the variables in v: a literal and a variable of the same value give the same. The result
// lies in v's scratch and is good until v is used again.
func (a *Arguments) Evaluate(v *Values) Value {
	v.text, _ = a.root.append(v.text[:0], v, nil)
	return Value{v.text}
}

// append appends the value, or what stands in when a variable has none; false: there is nothing.
func (x *expression) append(dst []byte, v *Values, fallback []byte) ([]byte, bool) {
	switch {
	case x.constant != nil:
		return append(dst, x.constant...), true
	case x.tag == 0:
		value := Value{v.Canonical}.Member(x.variable)
		if !value.Present() {
			return append(dst, fallback...), fallback != nil
		}
		return append(dst, value.Bytes()...), true
	}
	dst, mark := openGroup(dst, x.tag)
	n := 0
	for i := range x.items {
		it := &x.items[i]
		start := len(dst)
		if x.tag == tagObject {
			dst = appendName(dst, it.name)
		}
		var ok bool
		if dst, ok = it.value.append(dst, v, it.def); !ok {
			dst = dst[:start]
			continue
		}
		n++
	}
	closeGroup(dst, mark, n)
	return dst, true
}

// AppendText appends a value as people write it: the text of strings, IDs and enums, digits of numbers, true, false, null, and the
// canonical JSON of opaque values. It appends nothing, and returns false, for lists and input objects. An absent value reads null.
func (x Value) AppendText(dst []byte) ([]byte, bool) {
	if len(x.b) == 0 {
		return append(dst, "null"...), true
	}
	switch x.b[0] {
	case tagNull:
		return append(dst, "null"...), true
	case tagInt:
		return strconv.AppendInt(dst, int64(int32(binary.BigEndian.Uint32(x.b[1:]))), 10), true
	case tagFloat:
		f, _ := x.Float()
		return strconv.AppendFloat(dst, f, 'g', -1, 64), true
	case tagBoolean:
		return strconv.AppendBool(dst, x.b[1] == 1), true
	case tagString, tagID, tagEnum, tagJSON:
		text, _ := x.Text()
		if x.b[0] == tagJSON && len(text) >= 2 && text[0] == '"' {
			text = text[1 : len(text)-1]
		}
		return append(dst, text...), true
	}
	return dst, false
}
