package planner

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"

	"github.com/weirproxy/weir/planner/internal/document"
)

// singleField demands that a subscription has one root field, that it is not an introspection field, and that it does not depend on
// variables (GraphQL specification, section 5.2.4.1).
func singleField(observers *core.Events, addError core.AddErrFunc) {
	observers.OnOperation(func(w *core.Walker, op *ast.OperationDefinition) {
		if op.Operation != ast.Subscription {
			return
		}
		name := "Anonymous Subscription"
		if op.Name != "" {
			name = `Subscription "` + op.Name + `"`
		}
		c := rootFieldChecker{w: w, name: name, addError: addError, spread: map[string]bool{}, keys: map[string]bool{}}
		c.set(op.SelectionSet)
	})
}

type rootFieldChecker struct {
	w        *core.Walker
	name     string
	addError core.AddErrFunc
	spread   map[string]bool
	keys     map[string]bool
}

func (c *rootFieldChecker) set(set ast.SelectionSet) {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			c.conditions(s.Directives)
			c.field(s)
		case *ast.InlineFragment:
			c.conditions(s.Directives)
			c.set(s.SelectionSet)
		case *ast.FragmentSpread:
			c.conditions(s.Directives)
			if f := c.w.Document.Fragments.ForName(s.Name); f != nil && !c.spread[s.Name] {
				c.spread[s.Name] = true
				c.set(f.SelectionSet)
			}
		}
	}
}

func (c *rootFieldChecker) field(f *ast.Field) {
	key := document.ResponseName(f)
	if !c.keys[key] {
		c.keys[key] = true
		if len(c.keys) == 2 {
			c.addError(core.Message("%s must select only one top level field.", c.name), core.At(f.Position))
		}
	}
	if len(f.Name) > 1 && f.Name[:2] == "__" {
		c.addError(core.Message("%s must not select an introspection top level field.", c.name), core.At(f.Position))
	}
}

func (c *rootFieldChecker) conditions(list ast.DirectiveList) {
	for _, d := range list {
		if d.Name == "skip" || d.Name == "include" {
			c.addError(core.Message("%s must not use @%s at its top level.", c.name, d.Name), core.At(d.Position))
		}
	}
}

// literals demands that literals fit the type of their place (section 5.6): what our own coercion accepts, and nothing else.
func literals(observers *core.Events, addError core.AddErrFunc) {
	observers.OnValue(func(_ *core.Walker, v *ast.Value) {
		if v.Definition == nil || v.ExpectedType == nil || v.Kind == ast.Variable {
			return
		}
		l := literal{v, addError}
		switch {
		case v.Kind == ast.NullValue:
			if v.ExpectedType.NonNull {
				l.misfit()
			}
		case v.Definition.Kind == ast.Scalar && !specified(v.Definition.Name): // a custom scalar takes what it likes
		case v.Kind == ast.ListValue:
			if v.ExpectedType.Elem == nil {
				l.misfit()
			}
		case v.Definition.Kind == ast.InputObject:
			l.object()
		case v.Definition.Kind == ast.Enum:
			if v.Kind != ast.EnumValue {
				l.fail("Enum %q cannot represent non-enum value: %s.", v.Definition.Name, show(v))
			} else if v.Definition.EnumValues.ForName(v.Raw) == nil {
				l.fail("Value %q does not exist in %q enum.", clip(v.Raw), v.Definition.Name)
			}
		default:
			l.scalar()
		}
	})
}

type literal struct {
	v        *ast.Value
	addError core.AddErrFunc
}

func (l literal) fail(format string, args ...any) {
	l.addError(core.Message(format, args...), core.At(l.v.Position))
}

func (l literal) misfit() {
	l.fail("Expected value of type %q, found %s.", l.v.ExpectedType.String(), show(l.v))
}

// show prints a literal for a message; large ones are hinted at.
func show(v *ast.Value) string {
	switch v.Kind {
	case ast.ObjectValue:
		return "{...}"
	case ast.ListValue:
		return "[...]"
	}
	return clip(v.String())
}

func (l literal) scalar() {
	v := l.v
	text := v.Kind == ast.StringValue || v.Kind == ast.BlockValue
	switch v.Definition.Name {
	case "Int":
		if v.Kind != ast.IntValue {
			l.fail("Int cannot represent non-integer value: %s", show(v))
		} else if !fits32(v.Raw) {
			l.fail("Int cannot represent non 32-bit signed integer value: %s", show(v))
		}
	case "Float":
		if v.Kind != ast.IntValue && v.Kind != ast.FloatValue {
			l.fail("Float cannot represent non numeric value: %s", show(v))
		}
	case "String":
		if !text {
			l.fail("String cannot represent a non string value: %s", show(v))
		}
	case "Boolean":
		if v.Kind != ast.BooleanValue {
			l.fail("Boolean cannot represent a non boolean value: %s", show(v))
		}
	case "ID":
		if !text && v.Kind != ast.IntValue {
			l.fail("ID cannot represent a non-string and non-integer value: %s", show(v))
		}
	}
}

// fits32 tells whether an Int literal fits into 32 bits.
func fits32(raw string) bool {
	_, err := strconv.ParseInt(raw, 10, 32)
	return err == nil
}

func (l literal) object() {
	v, d := l.v, l.v.Definition
	if v.Kind != ast.ObjectValue {
		l.misfit()
		return
	}
	for _, f := range d.Fields {
		if f.Type.NonNull && f.DefaultValue == nil && v.Children.ForName(f.Name) == nil {
			l.fail("Field %q of required type %q was not provided.", d.Name+"."+f.Name, f.Type.String())
		}
	}
	for _, child := range v.Children {
		if d.Fields.ForName(child.Name) == nil {
			l.addError(core.Message("Field %q is not defined by type %q.", clip(child.Name), d.Name), core.At(child.Position))
		}
	}
	if d.Directives.ForName("oneOf") == nil {
		return
	}
	if len(v.Children) != 1 {
		l.fail("OneOf Input Object %q must specify exactly one key.", d.Name)
	} else if child := v.Children[0]; child.Value.Kind == ast.NullValue {
		l.fail("Field %q must be non-null.", d.Name+"."+clip(child.Name))
	}
}
