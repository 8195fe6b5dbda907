package introspect

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/canon"
)

func (q *Query) schema(set ast.SelectionSet) {
	q.object(set, "__Schema", func(f *ast.Field) {
		switch f.Name {
		case "queryType":
			q.definition(f.SelectionSet, q.Schema.Query)
		case "mutationType":
			q.definition(f.SelectionSet, q.Schema.Mutation)
		case "subscriptionType":
			q.definition(f.SelectionSet, q.Schema.Subscription)
		case "types":
			list(q, sorted(q.Schema.Types), func(name string) { q.named(f.SelectionSet, name) })
		case "directives":
			visible := slices.DeleteFunc(sorted(q.Schema.Directives), func(name string) bool { return q.Hidden[name] })
			list(q, visible, func(name string) { q.directive(f.SelectionSet, q.Schema.Directives[name]) })
		default:
			q.optional(q.Schema.Description)
		}
	})
}

func (q *Query) directive(set ast.SelectionSet, d *ast.DirectiveDefinition) {
	q.object(set, "__Directive", func(f *ast.Field) {
		switch f.Name {
		case "name":
			q.string(d.Name)
		case "description":
			q.optional(d.Description)
		case "isRepeatable":
			q.bool(d.IsRepeatable)
		case "locations":
			list(q, d.Locations, func(l ast.DirectiveLocation) { q.string(string(l)) })
		default:
			q.arguments(f, d.Arguments)
		}
	})
}

// named writes a type, null when there is none of the name.
func (q *Query) named(set ast.SelectionSet, name string) { q.definition(set, q.Schema.Types[name]) }

// wrapped writes a type with its lists and non-nulls.
func (q *Query) wrapped(set ast.SelectionSet, t *ast.Type) {
	kind := "LIST"
	inner := t.Elem
	switch {
	case t.NonNull:
		kind = "NON_NULL"
		c := *t
		c.NonNull = false
		inner = &c
	case t.Elem == nil:
		q.named(set, t.NamedType)
		return
	}
	q.object(set, "__Type", func(f *ast.Field) {
		switch f.Name {
		case "kind":
			q.string(kind)
		case "ofType":
			q.wrapped(f.SelectionSet, inner)
		default:
			q.null()
		}
	})
}

func (q *Query) definition(set ast.SelectionSet, d *ast.Definition) {
	if d == nil {
		q.null()
		return
	}
	q.object(set, "__Type", func(f *ast.Field) {
		switch f.Name {
		case "kind":
			q.string(string(d.Kind))
		case "name":
			q.string(d.Name)
		case "description":
			q.optional(d.Description)
		case "specifiedByURL":
			url := ""
			if s := d.Directives.ForName("specifiedBy"); s != nil && s.Arguments.ForName("url") != nil {
				url = s.Arguments.ForName("url").Value.Raw
			}
			q.optional(url)
		case "isOneOf":
			if d.Kind != ast.InputObject {
				q.null()
				return
			}
			q.bool(d.Directives.ForName("oneOf") != nil)
		default:
			q.members(f, d)
		}
	})
}

// members writes the lists of a type; those of other kinds of types are null.
func (q *Query) members(f *ast.Field, d *ast.Definition) {
	composite := d.Kind == ast.Object || d.Kind == ast.Interface
	switch {
	case f.Name == "fields" && composite:
		visible := current(q, f, d.Fields, func(x *ast.FieldDefinition) ast.DirectiveList { return x.Directives })
		var own []*ast.FieldDefinition
		for _, x := range visible {
			if !strings.HasPrefix(x.Name, "__") {
				own = append(own, x)
			}
		}
		list(q, own, func(x *ast.FieldDefinition) { q.field(f.SelectionSet, x) })
	case f.Name == "interfaces" && composite:
		list(q, d.Interfaces, func(name string) { q.named(f.SelectionSet, name) })
	case f.Name == "possibleTypes" && d.IsAbstractType():
		list(q, q.Schema.GetPossibleTypes(d), func(p *ast.Definition) { q.definition(f.SelectionSet, p) })
	case f.Name == "enumValues" && d.Kind == ast.Enum:
		visible := current(q, f, d.EnumValues, func(x *ast.EnumValueDefinition) ast.DirectiveList { return x.Directives })
		list(q, visible, func(x *ast.EnumValueDefinition) { q.value(f.SelectionSet, x) })
	case f.Name == "inputFields" && d.Kind == ast.InputObject:
		visible := current(q, f, d.Fields, func(x *ast.FieldDefinition) ast.DirectiveList { return x.Directives })
		list(q, visible, func(x *ast.FieldDefinition) {
			q.input(f.SelectionSet, x.Name, x.Description, x.Type, x.DefaultValue, x.Directives)
		})
	default:
		q.null()
	}
}

func (q *Query) field(set ast.SelectionSet, d *ast.FieldDefinition) {
	q.object(set, "__Field", func(f *ast.Field) {
		switch f.Name {
		case "name":
			q.string(d.Name)
		case "description":
			q.optional(d.Description)
		case "type":
			q.wrapped(f.SelectionSet, d.Type)
		case "args":
			q.arguments(f, d.Arguments)
		default:
			q.reason(f, d.Directives)
		}
	})
}

func (q *Query) arguments(f *ast.Field, args ast.ArgumentDefinitionList) {
	visible := current(q, f, args, func(x *ast.ArgumentDefinition) ast.DirectiveList { return x.Directives })
	list(q, visible, func(x *ast.ArgumentDefinition) {
		q.input(f.SelectionSet, x.Name, x.Description, x.Type, x.DefaultValue, x.Directives)
	})
}

func (q *Query) input(set ast.SelectionSet, name, description string, t *ast.Type, value *ast.Value, directives ast.DirectiveList) {
	q.object(set, "__InputValue", func(f *ast.Field) {
		switch f.Name {
		case "name":
			q.string(name)
		case "description":
			q.optional(description)
		case "type":
			q.wrapped(f.SelectionSet, t)
		case "defaultValue":
			if value == nil {
				q.null()
				return
			}
			q.string(canon.Value(value))
		default:
			q.reason(f, directives)
		}
	})
}

func (q *Query) value(set ast.SelectionSet, d *ast.EnumValueDefinition) {
	q.object(set, "__EnumValue", func(f *ast.Field) {
		switch f.Name {
		case "name":
			q.string(d.Name)
		case "description":
			q.optional(d.Description)
		default:
			q.reason(f, d.Directives)
		}
	})
}
