package planner

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
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
	_, _, message := s.kept(name)
	return message
}

// kept finds the type, or the field of one, that a setting of answers names as Order or Query.orders; f is nil for a type. message tells why there is
// none.
func (s *Schema) kept(name string) (t *ast.Definition, f *ast.FieldDefinition, message string) {
	typeName, fieldName, isField := strings.Cut(name, ".")
	t = s.ast.Types[typeName]
	switch {
	case t == nil:
		return nil, nil, "the schema has no type " + typeName + "; look at its spelling"
	case !t.IsCompositeType():
		return nil, nil, typeName + " is no object, interface or union; name the field that returns it, as in Query.x"
	case t == s.ast.Mutation || t == s.ast.Subscription:
		return nil, nil, "answers of a " + strings.ToLower(t.Name) + " are never kept; name what a query returns"
	case !isField:
		return t, nil, ""
	}
	if f = t.Fields.ForName(fieldName); f == nil {
		return nil, nil, "type " + typeName + " has no field " + fieldName + "; look at its spelling"
	}
	return t, f, ""
}
