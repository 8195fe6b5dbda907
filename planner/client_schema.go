package planner

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/join"
)

// clientDocument is a supergraph as clients see it: without the machinery of composition, and without what is inaccessible. The document it
// is made from stays as it is.
func clientDocument(doc *ast.SchemaDocument) *ast.SchemaDocument {
	hidden := map[string]bool{}
	for _, d := range doc.Definitions {
		if join.Machinery(d.Name) || inaccessible(d.Directives) {
			hidden[d.Name] = true
		}
	}
	visible := func(name string) bool { return !hidden[name] }
	out := &ast.SchemaDocument{Position: doc.Position, Comment: doc.Comment}
	for _, list := range doc.Schema {
		c := *list
		c.Directives = clientDirectives(c.Directives)
		c.OperationTypes = filter(c.OperationTypes, func(o *ast.OperationTypeDefinition) bool { return visible(o.Type) })
		out.Schema = append(out.Schema, &c)
	}
	for _, d := range doc.Directives {
		if !join.Machinery(d.Name) && d.Name != "inaccessible" && d.Name != "tag" {
			out.Directives = append(out.Directives, d)
		}
	}
	for _, d := range doc.Definitions {
		if !hidden[d.Name] {
			out.Definitions = append(out.Definitions, clientType(d, visible))
		}
	}
	return out
}

func clientType(d *ast.Definition, visible func(string) bool) *ast.Definition {
	c := *d
	c.Directives = clientDirectives(d.Directives)
	c.Interfaces = filter(d.Interfaces, visible)
	c.Types = filter(d.Types, visible)
	c.Fields, c.EnumValues = nil, nil
	for _, f := range d.Fields {
		if inaccessible(f.Directives) || !visible(f.Type.Name()) {
			continue
		}
		field := *f
		field.Directives = clientDirectives(f.Directives)
		field.Arguments = nil
		for _, a := range f.Arguments {
			if !inaccessible(a.Directives) && visible(a.Type.Name()) {
				argument := *a
				argument.Directives = clientDirectives(a.Directives)
				field.Arguments = append(field.Arguments, &argument)
			}
		}
		c.Fields = append(c.Fields, &field)
	}
	for _, v := range d.EnumValues {
		if !inaccessible(v.Directives) {
			value := *v
			value.Directives = clientDirectives(v.Directives)
			c.EnumValues = append(c.EnumValues, &value)
		}
	}
	return &c
}

func filter[S ~[]E, E any](list S, keep func(E) bool) S {
	return slices.DeleteFunc(slices.Clone(list), func(e E) bool { return !keep(e) })
}

func inaccessible(list ast.DirectiveList) bool { return list.ForName("inaccessible") != nil }

// clientDirectives drops those of composition.
func clientDirectives(list ast.DirectiveList) ast.DirectiveList {
	return filter(list, func(d *ast.Directive) bool {
		return !strings.HasPrefix(d.Name, "join__") && d.Name != "link" && d.Name != "core" && d.Name != "inaccessible" && d.Name != "tag"
	})
}
