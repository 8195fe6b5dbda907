package coerce

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// encodeDefault fills f.def from the literal. A default that does not fit its type, or that contains itself, counts as no
// default: schemas with such are invalid, and the value an upstream would use is unknown.
func (c *compiler) encodeDefault(f *field) {
	if f.literal == nil || c.state[f] != 0 {
		return
	}
	c.state[f] = 1
	if b, ok := c.literal(nil, f.typ, f.literal, 0); ok {
		f.def = b
	}
	c.state[f] = 2
}

const maxLiteralDepth = 200

func (c *compiler) literal(dst []byte, r ref, v *ast.Value, depth int) ([]byte, bool) {
	if depth > maxLiteralDepth || v.Kind == ast.Variable {
		return dst, false
	}
	if v.Kind == ast.NullValue {
		return append(dst, tagNull), !r.nonNull
	}
	if r.t.kind == kindOpaque {
		return c.opaque(dst, v)
	}
	if r.t.kind == kindList {
		return c.list(dst, r.t, v, depth)
	}
	if r.t.kind == kindInput {
		return c.object(dst, r.t, v, depth)
	}
	return scalarLiteral(dst, r.t, v)
}

func scalarLiteral(dst []byte, t *typ, v *ast.Value) ([]byte, bool) {
	switch {
	case t.kind == kindInt && v.Kind == ast.IntValue:
		n, err := strconv.ParseInt(v.Raw, 10, 32)
		return appendInt(dst, int32(n)), err == nil
	case t.kind == kindFloat && (v.Kind == ast.IntValue || v.Kind == ast.FloatValue):
		x, err := strconv.ParseFloat(v.Raw, 64)
		return appendFloat(dst, x), err == nil && !math.IsInf(x, 0)
	case t.kind == kindString && (v.Kind == ast.StringValue || v.Kind == ast.BlockValue):
		return appendText(dst, tagString, v.Raw), true
	case t.kind == kindID && (v.Kind == ast.StringValue || v.Kind == ast.BlockValue || v.Kind == ast.IntValue):
		return appendText(dst, tagID, v.Raw), true
	case t.kind == kindBoolean && v.Kind == ast.BooleanValue:
		return appendBool(dst, v.Raw == "true"), true
	case t.kind == kindEnum && v.Kind == ast.EnumValue:
		_, known := t.values[v.Raw]
		return appendText(dst, tagEnum, v.Raw), known
	}
	return dst, false
}

func (c *compiler) list(dst []byte, t *typ, v *ast.Value, depth int) ([]byte, bool) {
	dst, mark := openGroup(dst, tagList)
	var ok bool
	n := 1
	if v.Kind == ast.ListValue {
		n = len(v.Children)
		for _, child := range v.Children {
			if dst, ok = c.literal(dst, t.elem, child.Value, depth+1); !ok {
				return dst, false
			}
		}
	} else if dst, ok = c.literal(dst, t.elem, v, depth+1); !ok {
		return dst, false
	}
	closeGroup(dst, mark, n)
	return dst, true
}

func (c *compiler) object(dst []byte, t *typ, v *ast.Value, depth int) ([]byte, bool) {
	if v.Kind != ast.ObjectValue {
		return dst, false
	}
	for _, child := range v.Children {
		if _, known := t.index[child.Name]; !known {
			return dst, false
		}
	}
	dst, mark := openGroup(dst, tagObject)
	n := 0
	for i := range t.fields {
		f := &t.fields[i]
		given := v.Children.ForName(f.name)
		switch {
		case given != nil:
			if t.oneOf && given.Kind == ast.NullValue {
				return dst, false
			}
			dst = appendName(dst, f.name)
			var ok bool
			if dst, ok = c.literal(dst, f.typ, given, depth+1); !ok {
				return dst, false
			}
		case f.literal != nil && c.state[f] == 1:
			return dst, false
		case f.literal != nil:
			c.encodeDefault(f)
			if f.def == nil {
				return dst, false
			}
			dst = append(appendName(dst, f.name), f.def...)
		case f.typ.nonNull:
			return dst, false
		default:
			continue
		}
		n++
	}
	closeGroup(dst, mark, n)
	return dst, !t.oneOf || n == 1
}

// opaque writes a literal for a custom scalar as the canonical JSON a client would have sent for it.
func (c *compiler) opaque(dst []byte, v *ast.Value) ([]byte, bool) {
	plain, ok := untyped(v, 0)
	if !ok {
		return dst, false
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return dst, false
	}
	var scratch Values
	dst, mark := openText(dst, tagJSON)
	dst = scratch.appendJSON(dst, text, 0)
	closeText(dst, mark)
	return dst, true
}

func untyped(v *ast.Value, depth int) (any, bool) {
	if depth > maxLiteralDepth {
		return nil, false
	}
	switch v.Kind {
	case ast.NullValue:
		return nil, true
	case ast.BooleanValue:
		return v.Raw == "true", true
	case ast.IntValue, ast.FloatValue:
		return json.Number(v.Raw), true
	case ast.StringValue, ast.BlockValue, ast.EnumValue:
		return v.Raw, true
	case ast.ListValue:
		list := make([]any, 0, len(v.Children))
		for _, child := range v.Children {
			x, ok := untyped(child.Value, depth+1)
			if !ok {
				return nil, false
			}
			list = append(list, x)
		}
		return list, true
	case ast.ObjectValue:
		object := make(map[string]any, len(v.Children))
		for _, child := range v.Children {
			x, ok := untyped(child.Value, depth+1)
			if !ok {
				return nil, false
			}
			object[child.Name] = x
		}
		return object, true
	}
	return nil, false
}
