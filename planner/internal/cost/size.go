package cost

import (
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/coerce"
	"github.com/weirproxy/weir/planner/internal/document"
)

// size is the length of a list: the greatest of its bounds that are known, else fallback.
type size struct {
	bounds   span
	fallback float64
}

// bound is one slicing argument.
type bound struct {
	variable int32    // less than 0: none
	path     []string // in the variable
	known    float64  // when there is no variable: the value, or less than 0 when there is none
	absent   float64  // when the variable has no value; less than 0: not known
}

const unknown = -1

func (f *Formula) size(n int32, values []coerce.Value) float64 {
	s := &f.sizes[n]
	greatest := float64(unknown)
	for i := s.bounds.lo; i < s.bounds.hi; i++ {
		greatest = max(greatest, f.bounds[i].value(values))
	}
	if greatest < 0 {
		return s.fallback
	}
	return greatest
}

// value is what a bound says; null and negative numbers say nothing.
func (b *bound) value(values []coerce.Value) float64 {
	if b.variable < 0 {
		return b.known
	}
	x := values[b.variable]
	for _, name := range b.path {
		x = x.Member(name)
	}
	if !x.Present() {
		return b.absent
	}
	if x.List() {
		n, _ := x.Len()
		return float64(n)
	}
	if n, ok := x.Number(); ok && n >= 0 {
		return min(n, ceiling)
	}
	return unknown
}

// listSize is what @listSize says on a field.
type listSize struct {
	assumed float64 // less than 0: nothing
	slicing []string
	sized   []string // fields of the result whose lists are meant, instead of the result itself
}

func readListSize(d *ast.FieldDefinition) (l listSize, ok bool) {
	l.assumed = unknown
	dir := d.Directives.ForName("listSize")
	if dir == nil {
		if d.Name == document.EntitiesField { // one for each representation
			l.slicing = []string{"representations"}
			return l, true
		}
		return l, false
	}
	for _, a := range dir.Arguments {
		if a.Value == nil {
			continue
		}
		switch a.Name {
		case "assumedSize":
			l.assumed = literalSize(a.Value)
		case "slicingArguments":
			l.slicing = names(a.Value)
		case "sizedFields":
			l.sized = names(a.Value)
		}
	}
	return l, true
}

// names reads a list of strings, or a single one, which stands for a list.
func names(v *ast.Value) []string {
	if v.Kind == ast.StringValue || v.Kind == ast.BlockValue {
		return []string{v.Raw}
	}
	var out []string
	for _, child := range v.Children {
		if child.Value.Kind == ast.StringValue || child.Value.Kind == ast.BlockValue {
			out = append(out, child.Value.Raw)
		}
	}
	return out
}

// sizeOf compiles the size of a field's list: a known number, or an entry of c.f.sizes. l is what @listSize says.
func (c *compiler) sizeOf(l listSize, args ast.ArgumentList, defs ast.ArgumentDefinitionList) (known float64, dynamic int32) {
	fallback := l.assumed
	if fallback < 0 {
		fallback = DefaultListSize
	}
	lo := len(c.f.bounds)
	greatest := float64(unknown)
	for _, slicing := range l.slicing {
		b := c.slicingBound(strings.Split(slicing, "."), args, defs)
		if b.variable < 0 {
			greatest = max(greatest, b.known)
		} else {
			c.f.bounds = append(c.f.bounds, b)
		}
	}
	if lo == len(c.f.bounds) {
		if greatest < 0 {
			return fallback, -1
		}
		return greatest, -1
	}
	if greatest >= 0 {
		c.f.bounds = append(c.f.bounds, bound{variable: -1, known: greatest})
	}
	c.f.sizes = append(c.f.sizes, size{makeSpan(lo, len(c.f.bounds)), fallback})
	return 1, int32(len(c.f.sizes) - 1)
}

// slicingBound compiles one slicing argument: its name, and perhaps those of input fields in it.
func (c *compiler) slicingBound(path []string, args ast.ArgumentList, defs ast.ArgumentDefinitionList) bound {
	var def *ast.Value
	if d := defs.ForName(path[0]); d != nil {
		def = d.DefaultValue
	}
	absent := followed(def, path[1:])
	a := args.ForName(path[0])
	if a == nil {
		return bound{variable: -1, known: absent}
	}
	v, rest := follow(a.Value, path[1:])
	switch {
	case v == nil:
		return bound{variable: -1, known: unknown}
	case v.Kind != ast.Variable:
		return bound{variable: -1, known: followed(v, rest)}
	case v != a.Value:
		absent = unknown
	}
	return bound{variable: c.variable(v), path: rest, absent: absent}
}

// follow goes down input fields as long as v is an object.
func follow(v *ast.Value, path []string) (*ast.Value, []string) {
	for v != nil && len(path) > 0 && v.Kind == ast.ObjectValue {
		v, path = v.Children.ForName(path[0]), path[1:]
	}
	return v, path
}

// followed is the size a literal gives, less than 0 when it gives none.
func followed(v *ast.Value, path []string) float64 {
	v, path = follow(v, path)
	if v == nil || len(path) > 0 {
		return unknown
	}
	return literalSize(v)
}

func literalSize(v *ast.Value) float64 {
	switch v.Kind {
	case ast.IntValue, ast.FloatValue:
		if x, err := strconv.ParseFloat(v.Raw, 64); err == nil && x >= 0 {
			return min(x, ceiling)
		}
	case ast.ListValue:
		return float64(len(v.Children))
	}
	return unknown
}
