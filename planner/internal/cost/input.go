package cost

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/coerce"
)

// input is a variable used in the arguments of a field.
type input struct {
	variable int32
	weight   float64 // of the argument or input field it is given to
	typ      int32   // what its value is priced by, -1: nothing
	absent   float64 // when there is no value
}

// inputType prices the values of an input object type.
type inputType struct {
	fields []inputField // in schema order
	free   bool         // no value costs anything
}

type inputField struct {
	name   string
	weight float64
	typ    int32
}

func (f *Formula) input(in *input, values []coerce.Value) float64 {
	x := values[in.variable]
	if !x.Present() {
		return in.absent
	}
	return in.weight + f.value(in.typ, x)
}

// value prices the input fields used in x. The members of x stand in schema order, as the fields of its type do.
func (f *Formula) value(typ int32, x coerce.Value) float64 {
	if typ < 0 || f.types[typ].free {
		return 0
	}
	sum := 0.0
	if x.List() {
		for e, rest := x.First(); e.Present(); e, rest = rest.Next() {
			sum = plus(sum, f.value(typ, e))
		}
		return sum
	}
	fields := f.types[typ].fields
	members := x.Members()
	for name, value, ok := members.Next(); ok; name, value, ok = members.Next() {
		for len(fields) > 0 && fields[0].name != string(name) {
			fields = fields[1:]
		}
		if len(fields) == 0 {
			break
		}
		sum = plus(sum, fields[0].weight+f.value(fields[0].typ, value))
	}
	return sum
}

// inputType compiles the type of a named input type and returns its number, -1 for scalars and enums.
func (c *compiler) inputType(name string) int32 {
	if n, known := c.inputTypes[name]; known {
		return n
	}
	d := c.schema.Types[name]
	if d == nil || d.Kind != ast.InputObject {
		c.inputTypes[name] = -1
		return -1
	}
	n := int32(len(c.f.types))
	c.inputTypes[name] = n
	c.f.types = append(c.f.types, inputType{})
	fields := make([]inputField, 0, len(d.Fields))
	free := true
	for _, field := range d.Fields {
		in := inputField{field.Name, c.weights.place(field.Directives, field.Type), c.inputType(field.Type.Name())}
		fields = append(fields, in)
		free = free && in.weight == 0 && in.typ < 0
	}
	c.f.types[n] = inputType{fields, free}
	return n
}

// variable numbers the variable a value is.
func (c *compiler) variable(v *ast.Value) int32 { return variable(c.f.variables, v.Raw) }

// input adds a variable that is given to a place of the weight w, unless no value of it costs anything.
func (c *compiler) input(v *ast.Value, w float64, typ string, absent float64) {
	n := c.inputType(typ)
	if w == 0 && absent == 0 && (n < 0 || c.f.types[n].free) {
		return
	}
	c.f.inputs = append(c.f.inputs, input{c.variable(v), w, n, absent})
}

// argument prices one argument or directive argument that weighs w: what is known goes to cl.known, variables become
// inputs. given is nil when it is not in the document; then its default counts, if it has one.
func (c *compiler) argument(cl *call, w float64, typ *ast.Type, given, def *ast.Value) {
	if given == nil {
		if def == nil {
			return
		}
		given = def
	}
	if given.Kind == ast.Variable {
		absent := 0.0
		if def != nil {
			absent = w + c.constant(typ, def)
		}
		c.input(given, w, typ.Name(), absent)
		return
	}
	cl.known += w
	c.literal(cl, typ, given, 0)
}

// maxDepth bounds how deep literals and defaults of input types are followed.
const maxDepth = 64

// constant prices a default; it has no variables.
func (c *compiler) constant(typ *ast.Type, v *ast.Value) float64 {
	var cl call
	inputs := len(c.f.inputs)
	c.literal(&cl, typ, v, 0)
	c.f.inputs = c.f.inputs[:inputs]
	return cl.known
}

// fieldDefault prices the default of an input field, once. One that contains itself costs nothing more where it does.
func (c *compiler) fieldDefault(f *ast.FieldDefinition) float64 {
	x, known := c.defaults[f]
	if !known {
		c.defaults[f] = 0
		x = c.constant(f.Type, f.DefaultValue)
		c.defaults[f] = x
	}
	return x
}

// literal prices the input fields used in v.
func (c *compiler) literal(cl *call, typ *ast.Type, v *ast.Value, depth int) {
	d := c.schema.Types[typ.Name()]
	if d == nil || d.Kind != ast.InputObject || depth > maxDepth || !c.spend(1) {
		return
	}
	switch v.Kind {
	case ast.Variable: // within a list
		c.input(v, 0, d.Name, 0)
	case ast.ListValue:
		for _, child := range v.Children {
			c.literal(cl, typ, child.Value, depth+1)
		}
	case ast.ObjectValue:
		for _, field := range d.Fields {
			w := c.weights.place(field.Directives, field.Type)
			given, def := v.Children.ForName(field.Name), field.DefaultValue
			switch {
			case given == nil && def == nil:
			case given == nil:
				cl.known = plus(cl.known, w+c.fieldDefault(field))
			case given.Kind == ast.Variable:
				absent := 0.0
				if def != nil {
					absent = w + c.fieldDefault(field)
				}
				c.input(given, w, field.Type.Name(), absent)
			default:
				cl.known = plus(cl.known, w)
				c.literal(cl, field.Type, given, depth+1)
			}
		}
	}
}
