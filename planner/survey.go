package planner

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

// surveyor looks once at every selection that an operation reaches.
type surveyor struct {
	plan      *Plan
	fragments map[string][]*ast.FragmentDefinition
	schema    *ast.Schema // nil: definitions of fields are not known
	hinted    bool
	fields    map[Field]struct{}
}

// survey notes what the operation uses: introspection, incremental delivery, and, when valid says that fields have their definitions,
// cache hints.
func (b *builder) survey(p *Plan, valid bool) (hinted bool) {
	s := surveyor{plan: p, fragments: make(map[string][]*ast.FragmentDefinition, len(b.doc.Fragments))}
	if valid && b.schema != nil {
		s.schema = b.schema.ast
	}
	for _, f := range b.doc.Fragments {
		s.fragments[f.Name] = append(s.fragments[f.Name], f)
	}
	if s.schema != nil {
		s.fields = map[Field]struct{}{}
	}
	s.set(b.op.SelectionSet)
	p.fields = slices.SortedFunc(maps.Keys(s.fields), func(a, b Field) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name)) })
	return s.hinted
}

func (s *surveyor) set(set ast.SelectionSet) {
	for _, sel := range set {
		switch x := sel.(type) {
		case *ast.Field:
			s.plan.introspects = s.plan.introspects || x.Name == "__schema" || x.Name == "__type"
			s.directives(x.Directives)
			s.hints(x)
			s.uses(x)
			s.set(x.SelectionSet)
		case *ast.InlineFragment:
			s.directives(x.Directives)
			s.set(x.SelectionSet)
		case *ast.FragmentSpread:
			s.directives(x.Directives)
			list := s.fragments[x.Name]
			delete(s.fragments, x.Name)
			for _, f := range list {
				s.directives(f.Directives)
				s.set(f.SelectionSet)
			}
		}
	}
}

func (s *surveyor) directives(list ast.DirectiveList) {
	for _, d := range list {
		s.plan.incremental = s.plan.incremental || d.Name == "defer" || d.Name == "stream"
	}
}

// uses notes a field by the names that the schema has, so that the document's text is not held on to.
func (s *surveyor) uses(f *ast.Field) {
	if s.schema != nil && f.Definition != nil && f.ObjectDefinition != nil && !strings.HasPrefix(f.Name, "__") {
		s.fields[Field{f.ObjectDefinition.Name, f.Definition.Name}] = struct{}{}
	}
}

// hints looks for cache hints on the field, on its type, and on the field as the concrete types define it.
func (s *surveyor) hints(f *ast.Field) {
	if s.schema == nil || s.hinted || f.Definition == nil || strings.HasPrefix(f.Name, "__") {
		return
	}
	s.hinted = has(f.Definition.Directives) || s.typeHinted(s.schema.Types[f.Definition.Type.Name()], f.Name == document.EntitiesField)
	if parent := f.ObjectDefinition; !s.hinted && parent != nil && parent.IsAbstractType() {
		for _, t := range s.schema.GetPossibleTypes(parent) {
			if d := t.Fields.ForName(f.Name); d != nil && has(d.Directives) {
				s.hinted = true
				return
			}
		}
	}
}

func (s *surveyor) typeHinted(d *ast.Definition, members bool) bool {
	if d == nil || has(d.Directives) {
		return d != nil
	}
	if members {
		for _, t := range s.schema.GetPossibleTypes(d) {
			if has(t.Directives) {
				return true
			}
		}
	}
	return false
}

func has(list ast.DirectiveList) bool { return list.ForName("cacheControl") != nil }
