package coerce

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// DefaultDepth is how deep the JSON of variables may nest unless told otherwise.
const DefaultDepth = 32

// maxErrors bounds the errors reported for one set of variables.
const maxErrors = 20

// kind is what a named or list type does with a JSON value.
type kind uint8

const (
	kindOpaque kind = iota // custom scalar, or any type without a schema
	kindInt
	kindFloat
	kindString
	kindBoolean
	kindID
	kindEnum
	kindInput
	kindList
)

// ref is a place where a type is used.
type ref struct {
	t       *typ
	nonNull bool
}

// typ is a compiled input type; named types are shared, so recursive input objects are cycles of pointers.
type typ struct {
	kind   kind
	name   string
	elem   ref                 // of a list
	values map[string]struct{} // of an enum
	fields []field             // of an input object, in schema order
	index  map[string]int
	oneOf  bool
}

// field is a field of an input object, or a variable.
type field struct {
	name    string
	printed string // its type in GraphQL notation
	typ     ref
	literal *ast.Value // default as written, until encoded
	def     []byte     // default in canonical form; nil: none
}

// Program coerces the variables of one operation. It is immutable.
type Program struct {
	vars  []field
	lines []*ast.Position
	index map[string]int
	depth int
}

// Compile builds the program for an operation's variable definitions. Without a schema every value is opaque: kept as
// canonical JSON, not checked. The definitions are expected to have passed validation.
func Compile(schema *ast.Schema, defs ast.VariableDefinitionList) *Program {
	return CompileDepth(schema, defs, DefaultDepth)
}

// CompileDepth is Compile with a limit on the nesting of the variables' JSON; 0 stands for DefaultDepth.
func CompileDepth(schema *ast.Schema, defs ast.VariableDefinitionList, depth int) *Program {
	if depth <= 0 {
		depth = DefaultDepth
	}
	p := &Program{index: make(map[string]int, len(defs)), depth: depth}
	c := &compiler{schema: schema, types: map[string]*typ{}, state: map[*field]uint8{}}
	for _, d := range defs {
		if _, twice := p.index[d.Variable]; twice {
			continue
		}
		p.index[d.Variable] = len(p.vars)
		p.vars = append(p.vars, field{name: d.Variable, printed: d.Type.String(), typ: c.ref(d.Type), literal: d.DefaultValue})
		p.lines = append(p.lines, d.Position)
	}
	for _, t := range c.types {
		for i := range t.fields {
			c.encodeDefault(&t.fields[i])
		}
	}
	for i := range p.vars {
		c.encodeDefault(&p.vars[i])
	}
	return p
}

type compiler struct {
	schema *ast.Schema
	types  map[string]*typ
	state  map[*field]uint8 // 1: default being encoded, 2: done
}

func (c *compiler) ref(t *ast.Type) ref {
	if t.Elem != nil {
		return ref{&typ{kind: kindList, name: strings.TrimSuffix(t.String(), "!"), elem: c.ref(t.Elem)}, t.NonNull}
	}
	return ref{c.named(t.NamedType), t.NonNull}
}

func (c *compiler) named(name string) *typ {
	if t := c.types[name]; t != nil {
		return t
	}
	t := &typ{name: name}
	c.types[name] = t
	if c.schema == nil {
		return t
	}
	d := c.schema.Types[name]
	if d == nil {
		return t
	}
	switch d.Kind {
	case ast.Scalar:
		t.kind = builtin(name)
	case ast.Enum:
		t.kind = kindEnum
		t.values = make(map[string]struct{}, len(d.EnumValues))
		for _, v := range d.EnumValues {
			t.values[v.Name] = struct{}{}
		}
	case ast.InputObject:
		t.kind = kindInput
		t.oneOf = d.Directives.ForName("oneOf") != nil
		t.index = make(map[string]int, len(d.Fields))
		t.fields = make([]field, 0, len(d.Fields))
		for _, f := range d.Fields {
			t.index[f.Name] = len(t.fields)
			t.fields = append(t.fields, field{name: f.Name, printed: f.Type.String(), typ: c.ref(f.Type), literal: f.DefaultValue})
		}
	}
	return t
}

func builtin(name string) kind {
	switch name {
	case "Int":
		return kindInt
	case "Float":
		return kindFloat
	case "String":
		return kindString
	case "Boolean":
		return kindBoolean
	case "ID":
		return kindID
	}
	return kindOpaque
}
