package planner

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// ObjectsOf returns the object types that a type of that name stands for: itself, or those of an interface or union; none when there is no
// such type, or one that gives no tags.
func (s *Schema) ObjectsOf(name string) []string {
	d := s.ast.Types[name]
	if d == nil {
		return nil
	}
	if d.Kind == ast.Object {
		if _, found := slices.BinarySearch(s.objects, name); found {
			return []string{name}
		}
		return nil
	}
	var out []string
	for _, p := range s.ast.GetPossibleTypes(d) {
		if p.Kind == ast.Object {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return out
}

// Mutates tells whether the mutation type has a field of that name.
func (s *Schema) Mutates(field string) bool {
	return s.ast.Mutation != nil && s.ast.Mutation.Fields.ForName(field) != nil
}
