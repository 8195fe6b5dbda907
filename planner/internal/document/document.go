package document

import "github.com/vektah/gqlparser/v2/ast"

// EntitiesField is the root field through which a federation gateway asks a subgraph for entities.
const EntitiesField = "_entities"

// ResponseName is the name under which a field stands in the response: its alias, else its own name.
func ResponseName(f *ast.Field) string {
	if f.Alias != "" {
		return f.Alias
	}
	return f.Name
}

// Root is the type on which an operation starts; nil when the schema has none, or there is no schema.
func Root(s *ast.Schema, op ast.Operation) *ast.Definition {
	switch {
	case s == nil:
		return nil
	case op == ast.Mutation:
		return s.Mutation
	case op == ast.Subscription:
		return s.Subscription
	}
	return s.Query
}

// Fragments indexes fragments by name. Of several with one name, which validation refuses, the first counts.
func Fragments(list ast.FragmentDefinitionList) map[string]*ast.FragmentDefinition {
	out := make(map[string]*ast.FragmentDefinition, len(list))
	for _, f := range list {
		if _, twice := out[f.Name]; !twice {
			out[f.Name] = f
		}
	}
	return out
}
