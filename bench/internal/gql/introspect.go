package gql

import (
	"context"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// typeRef is a __Type: a wrapper (list, non-null) or a named definition.
type typeRef struct {
	wrapped *ast.Type       // set while a wrapper is left
	def     *ast.Definition // set when the type is a named one
}

// introspection returns the resolvers of the introspection types (specification 4). Those of the query type's two meta fields are under "".
func introspection(s *ast.Schema) Resolvers {
	i := introspector{s}
	return Resolvers{
		"": {
			"__schema": func(context.Context, *Call) (any, error) { return s, nil },
			"__type": func(_ context.Context, c *Call) (any, error) {
				name, _ := c.Args["name"].(string)
				return i.named(name), nil
			},
		},
		"__Schema":     i.schemaType(),
		"__Type":       i.typeType(),
		"__Field":      i.fieldType(),
		"__InputValue": i.inputType(),
		"__EnumValue": {
			"name":              get(func(v *ast.EnumValueDefinition) any { return v.Name }),
			"description":       get(func(v *ast.EnumValueDefinition) any { return optional(v.Description) }),
			"isDeprecated":      get(func(v *ast.EnumValueDefinition) any { return deprecated(v.Directives) }),
			"deprecationReason": get(func(v *ast.EnumValueDefinition) any { return reason(v.Directives) }),
		},
		"__Directive": {
			"name":         get(func(d *ast.DirectiveDefinition) any { return d.Name }),
			"description":  get(func(d *ast.DirectiveDefinition) any { return optional(d.Description) }),
			"isRepeatable": get(func(d *ast.DirectiveDefinition) any { return d.IsRepeatable }),
			"locations": get(func(d *ast.DirectiveDefinition) any {
				out := make([]any, len(d.Locations))
				for n, l := range d.Locations {
					out[n] = string(l)
				}
				return out
			}),
			"args": with(func(d *ast.DirectiveDefinition, all bool) any { return arguments(d.Arguments, all) }),
		},
	}
}

type introspector struct{ s *ast.Schema }

// get adapts a getter on a typed parent to a Resolver.
func get[T any](f func(T) any) Resolver {
	return func(_ context.Context, c *Call) (any, error) { return f(c.Parent.(T)), nil }
}

// with is get for fields that have the argument includeDeprecated.
func with[T any](f func(T, bool) any) Resolver {
	return func(_ context.Context, c *Call) (any, error) {
		all, _ := c.Args["includeDeprecated"].(bool)
		return f(c.Parent.(T), all), nil
	}
}

func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func deprecated(list ast.DirectiveList) bool { return list.ForName("deprecated") != nil }

func reason(list ast.DirectiveList) any {
	d := list.ForName("deprecated")
	if d == nil {
		return nil
	}
	if a := d.Arguments.ForName("reason"); a != nil {
		return a.Value.Raw
	}
	return "No longer supported"
}

func (i introspector) named(name string) any {
	if def := i.s.Types[name]; def != nil {
		return typeRef{def: def}
	}
	return nil
}

func (i introspector) ref(t *ast.Type) any {
	if t.NonNull || t.Elem != nil {
		return typeRef{wrapped: t}
	}
	return i.named(t.NamedType)
}

func (i introspector) root(def *ast.Definition) any {
	if def == nil {
		return nil
	}
	return typeRef{def: def}
}

func (i introspector) schemaType() map[string]Resolver {
	return map[string]Resolver{
		"description": get(func(s *ast.Schema) any { return optional(s.Description) }),
		"types": get(func(s *ast.Schema) any {
			names := make([]string, 0, len(s.Types))
			for name := range s.Types {
				names = append(names, name)
			}
			slices.Sort(names)
			out := make([]any, len(names))
			for n, name := range names {
				out[n] = i.named(name)
			}
			return out
		}),
		"queryType":        get(func(s *ast.Schema) any { return i.root(s.Query) }),
		"mutationType":     get(func(s *ast.Schema) any { return i.root(s.Mutation) }),
		"subscriptionType": get(func(s *ast.Schema) any { return i.root(s.Subscription) }),
		"directives": get(func(s *ast.Schema) any {
			names := make([]string, 0, len(s.Directives))
			for name := range s.Directives {
				names = append(names, name)
			}
			slices.Sort(names)
			out := make([]any, len(names))
			for n, name := range names {
				out[n] = s.Directives[name]
			}
			return out
		}),
	}
}

func (i introspector) typeType() map[string]Resolver {
	onDef := func(f func(*ast.Definition) any) Resolver { // null for wrappers
		return get(func(t typeRef) any {
			if t.def == nil {
				return nil
			}
			return f(t.def)
		})
	}
	return map[string]Resolver{
		"kind": get(func(t typeRef) any {
			switch {
			case t.def != nil:
				return string(t.def.Kind)
			case t.wrapped.NonNull:
				return "NON_NULL"
			}
			return "LIST"
		}),
		"name":        onDef(func(d *ast.Definition) any { return d.Name }),
		"description": onDef(func(d *ast.Definition) any { return optional(d.Description) }),
		"specifiedByURL": onDef(func(d *ast.Definition) any {
			if by := d.Directives.ForName("specifiedBy"); by != nil && by.Arguments.ForName("url") != nil {
				return by.Arguments.ForName("url").Value.Raw
			}
			return nil
		}),
		"isOneOf": onDef(func(d *ast.Definition) any {
			if d.Kind != ast.InputObject {
				return nil
			}
			return d.Directives.ForName("oneOf") != nil
		}),
		"ofType":        get(i.ofType),
		"fields":        with(i.fields),
		"interfaces":    onDef(i.interfaces),
		"possibleTypes": onDef(i.possible),
		"enumValues":    with(i.enumValues),
		"inputFields":   with(i.inputFields),
	}
}

func (i introspector) ofType(t typeRef) any {
	if t.wrapped == nil {
		return nil
	}
	if t.wrapped.NonNull {
		inner := *t.wrapped
		inner.NonNull = false
		return i.ref(&inner)
	}
	return i.ref(t.wrapped.Elem)
}

func (i introspector) fields(t typeRef, all bool) any {
	if t.def == nil || t.def.Kind != ast.Object && t.def.Kind != ast.Interface {
		return nil
	}
	out := []any{}
	for _, f := range t.def.Fields {
		if !isMeta(f.Name) && (all || !deprecated(f.Directives)) {
			out = append(out, f)
		}
	}
	return out
}

func (i introspector) interfaces(d *ast.Definition) any {
	if d.Kind != ast.Object && d.Kind != ast.Interface {
		return nil
	}
	out := []any{}
	for _, name := range d.Interfaces {
		out = append(out, i.named(name))
	}
	return out
}

func (i introspector) possible(d *ast.Definition) any {
	if !d.IsAbstractType() {
		return nil
	}
	out := []any{}
	for _, p := range i.s.PossibleTypes[d.Name] {
		if p.Kind == ast.Object {
			out = append(out, typeRef{def: p})
		}
	}
	return out
}

func (i introspector) enumValues(t typeRef, all bool) any {
	if t.def == nil || t.def.Kind != ast.Enum {
		return nil
	}
	out := []any{}
	for _, v := range t.def.EnumValues {
		if all || !deprecated(v.Directives) {
			out = append(out, v)
		}
	}
	return out
}

// inputValue is an __InputValue: an argument or a field of an input object.
type inputValue struct {
	name, description string
	of                *ast.Type
	fallback          *ast.Value
	directives        ast.DirectiveList
}

func (i introspector) inputFields(t typeRef, all bool) any {
	if t.def == nil || t.def.Kind != ast.InputObject {
		return nil
	}
	out := []any{}
	for _, f := range t.def.Fields {
		if all || !deprecated(f.Directives) {
			out = append(out, inputValue{f.Name, f.Description, f.Type, f.DefaultValue, f.Directives})
		}
	}
	return out
}

func arguments(list ast.ArgumentDefinitionList, all bool) any {
	out := []any{}
	for _, a := range list {
		if all || !deprecated(a.Directives) {
			out = append(out, inputValue{a.Name, a.Description, a.Type, a.DefaultValue, a.Directives})
		}
	}
	return out
}

func (i introspector) fieldType() map[string]Resolver {
	return map[string]Resolver{
		"name":              get(func(f *ast.FieldDefinition) any { return f.Name }),
		"description":       get(func(f *ast.FieldDefinition) any { return optional(f.Description) }),
		"args":              with(func(f *ast.FieldDefinition, all bool) any { return arguments(f.Arguments, all) }),
		"type":              get(func(f *ast.FieldDefinition) any { return i.ref(f.Type) }),
		"isDeprecated":      get(func(f *ast.FieldDefinition) any { return deprecated(f.Directives) }),
		"deprecationReason": get(func(f *ast.FieldDefinition) any { return reason(f.Directives) }),
	}
}

func (i introspector) inputType() map[string]Resolver {
	return map[string]Resolver{
		"name":        get(func(v inputValue) any { return v.name }),
		"description": get(func(v inputValue) any { return optional(v.description) }),
		"type":        get(func(v inputValue) any { return i.ref(v.of) }),
		"defaultValue": get(func(v inputValue) any {
			if v.fallback == nil {
				return nil
			}
			return v.fallback.String()
		}),
		"isDeprecated":      get(func(v inputValue) any { return deprecated(v.directives) }),
		"deprecationReason": get(func(v inputValue) any { return reason(v.directives) }),
	}
}
