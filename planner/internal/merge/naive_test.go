package merge

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

// naive is the rule as the specification words it, pair by pair; limited by steps, since it is exponential.
type naive struct {
	b     *builder
	doc   *ast.QueryDocument
	steps int
}

type naiveField struct {
	f      *ast.Field
	parent *ast.Definition
	def    definition
}

// naiveCheck tells whether doc passes; ok is false when that took too many steps.
func naiveCheck(schema *ast.Schema, doc *ast.QueryDocument, steps int) (pass, ok bool) {
	n := &naive{b: newBuilder(schema, doc), doc: doc, steps: steps}
	pass = true
	for _, op := range doc.Operations {
		pass = pass && n.canMerge(n.collect(nil, op.SelectionSet, document.Root(n.b.schema, op.Operation), map[string]bool{}))
	}
	seen := map[string]bool{}
	for _, f := range doc.Fragments {
		if !seen[f.Name] {
			pass = pass && n.canMerge(n.collect(nil, f.SelectionSet, n.b.typeNamed(f.TypeCondition), map[string]bool{f.Name: true}))
		}
		seen[f.Name] = true
	}
	return pass, n.steps > 0
}

func (n *naive) collect(out []naiveField, set ast.SelectionSet, parent *ast.Definition, seen map[string]bool) []naiveField {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			out = append(out, naiveField{s, parent, n.b.definition(place{parent, s.Name})})
		case *ast.InlineFragment:
			on := parent
			if s.TypeCondition != "" {
				on = n.b.typeNamed(s.TypeCondition)
			}
			out = n.collect(out, s.SelectionSet, on, seen)
		case *ast.FragmentSpread:
			if f := n.doc.Fragments.ForName(s.Name); f != nil && !seen[s.Name] {
				seen[s.Name] = true
				out = n.collect(out, f.SelectionSet, n.b.typeNamed(f.TypeCondition), seen)
			}
		}
	}
	return out
}

func (n *naive) subs(list ...naiveField) []naiveField {
	seen := map[string]bool{}
	var out []naiveField
	for _, f := range list {
		out = n.collect(out, f.f.SelectionSet, f.def.named, seen)
	}
	return out
}

func object(d *ast.Definition) bool { return d != nil && d.Kind == ast.Object }

func (n *naive) canMerge(list []naiveField) bool {
	for i, a := range list {
		if n.steps--; n.steps <= 0 {
			return true
		}
		if len(a.f.SelectionSet) > 0 && !n.canMerge(n.subs(a)) {
			return false
		}
		for _, b := range list[i+1:] {
			if a.f.Alias != b.f.Alias {
				continue
			}
			if !n.sameShape(a, b) {
				return false
			}
			if a.parent != b.parent && object(a.parent) && object(b.parent) {
				continue
			}
			if string(appendField(nil, a.f)) != string(appendField(nil, b.f)) || !n.canMerge(n.subs(a, b)) {
				return false
			}
		}
	}
	return true
}

func (n *naive) sameShape(a, b naiveField) bool {
	if n.steps--; n.steps <= 0 {
		return true
	}
	if a.def.shape != 0 && b.def.shape != 0 && a.def.shape != b.def.shape {
		return false
	}
	list := n.subs(a, b)
	for i, x := range list {
		for _, y := range list[i+1:] {
			if x.f.Alias == y.f.Alias && !n.sameShape(x, y) {
				return false
			}
		}
	}
	return true
}
