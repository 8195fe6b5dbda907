package join

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/weirproxy/weir/planner/internal/canon"
)

// selection reads a set of fields on a type. The types of its fields are looked up in the definitions, for the model may not have them yet.
func (l *loader) selection(at *ast.Position, on *Type, fields, where string) Selection {
	doc, err := parser.ParseQuery(&ast.Source{Input: "{" + fields + "}"})
	if err != nil || len(doc.Operations) != 1 {
		l.fail(at, "%s: %q is not a selection", where, fields)
	}
	return l.selected(at, nil, on, nil, doc.Operations[0].SelectionSet, where)
}

// selected flattens a selection set on a type: what stands in fragments gets their condition, the innermost.
func (l *loader) selected(at *ast.Position, out Selection, parent, on *Type, set ast.SelectionSet, where string) Selection {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.InlineFragment:
			inner, innerOn := parent, on
			if s.TypeCondition != "" {
				inner = l.s.Types[s.TypeCondition]
				if inner == nil || !inner.Composite() {
					l.fail(at, "%s: the type %s is not defined", where, s.TypeCondition)
				}
				innerOn = inner
			}
			out = l.selected(at, out, inner, innerOn, s.SelectionSet, where)
		case *ast.Field:
			if s.Name == "__typename" {
				continue
			}
			def := l.defs[parent.Name].Fields.ForName(s.Name)
			if def == nil {
				l.fail(at, "%s: %s has no field %s", where, parent.Name, s.Name)
			}
			x := Selected{Name: s.Name, Arguments: canon.Arguments(s.Arguments), On: on}
			if len(s.SelectionSet) > 0 {
				child := l.s.Types[def.Type.Name()]
				if child == nil || !child.Composite() {
					l.fail(at, "%s: %s.%s has no fields", where, parent.Name, s.Name)
				}
				x.Sub = l.selected(at, nil, child, nil, s.SelectionSet, where)
			}
			out = append(out, x)
		}
	}
	return out
}
