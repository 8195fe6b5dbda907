package planner

import (
	"slices"
	"strings"
)

// MaxAgeProblem is a name of Options.MaxAges that means nothing, or nothing new, in a schema.
type MaxAgeProblem struct{ Name, Message string }

// CheckMaxAges compares the names with the schema, in order.
func (s *Schema) CheckMaxAges(maxAges map[string]int) []MaxAgeProblem {
	var out []MaxAgeProblem
	for name := range maxAges {
		if message := s.checkMaxAge(name); message != "" {
			out = append(out, MaxAgeProblem{name, message})
		}
	}
	slices.SortFunc(out, func(a, b MaxAgeProblem) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *Schema) checkMaxAge(name string) string {
	typeName, fieldName, isField := strings.Cut(name, ".")
	t := s.ast.Types[typeName]
	switch {
	case t == nil:
		return "the schema has no type " + typeName + "; look at its spelling"
	case !t.IsCompositeType():
		return typeName + " is no object, interface or union; name the field that returns it, as in Query.x"
	case t == s.ast.Mutation || t == s.ast.Subscription:
		return "answers of a " + strings.ToLower(t.Name) + " are never kept; name what a query returns"
	case isField && t.Fields.ForName(fieldName) == nil:
		return "type " + typeName + " has no field " + fieldName + "; look at its spelling"
	}
	return ""
}
