package planner

import (
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// hashSchema digests a schema's meaning: everything sorted by name, without descriptions and positions.
func hashSchema(s *ast.Schema) [32]byte {
	var d digester
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		if root == nil {
			d.add("-")
		} else {
			d.add(root.Name)
		}
	}
	d.directives(s.SchemaDirectives)
	for _, name := range slices.Sorted(maps.Keys(s.Types)) {
		d.definition(s.Types[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.Directives)) {
		def := s.Directives[name]
		d.add("directive", name)
		d.arguments(def.Arguments)
	}
	return sum("schema", d.parts...)
}

// digester collects the parts to hash.
type digester struct{ parts []string }

func (d *digester) add(parts ...string) { d.parts = append(d.parts, parts...) }

func (d *digester) sorted(kind string, names []string) {
	names = slices.Clone(names)
	slices.Sort(names)
	d.add(kind, strings.Join(names, " "))
}

func (d *digester) definition(def *ast.Definition) {
	d.add("type", string(def.Kind), def.Name)
	d.directives(def.Directives)
	d.sorted("implements", def.Interfaces)
	d.sorted("members", def.Types)
	fields := slices.Clone(def.Fields)
	if def.Kind != ast.InputObject { // the order of input fields is part of the canonical variables
		slices.SortFunc(fields, func(a, b *ast.FieldDefinition) int { return strings.Compare(a.Name, b.Name) })
	}
	for _, f := range fields {
		d.add("field", f.Name, f.Type.String())
		d.literal(f.DefaultValue)
		d.arguments(f.Arguments)
		d.directives(f.Directives)
	}
	values := slices.Clone(def.EnumValues)
	slices.SortFunc(values, func(a, b *ast.EnumValueDefinition) int { return strings.Compare(a.Name, b.Name) })
	for _, v := range values {
		d.add("value", v.Name)
		d.directives(v.Directives)
	}
}

func (d *digester) arguments(list ast.ArgumentDefinitionList) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b *ast.ArgumentDefinition) int { return strings.Compare(a.Name, b.Name) })
	for _, a := range list {
		d.add("argument", a.Name, a.Type.String())
		d.literal(a.DefaultValue)
		d.directives(a.Directives)
	}
}

// directives keeps the order: that of repeatable directives may matter.
func (d *digester) directives(list ast.DirectiveList) {
	for _, x := range list {
		d.add("applied", x.Name)
		args := slices.Clone(x.Arguments)
		slices.SortFunc(args, func(a, b *ast.Argument) int { return strings.Compare(a.Name, b.Name) })
		for _, a := range args {
			d.add("given", a.Name)
			d.literal(a.Value)
		}
	}
}

func (d *digester) literal(v *ast.Value) {
	if v == nil {
		d.add("none")
		return
	}
	d.add("literal", v.String())
}
