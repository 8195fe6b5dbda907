package planner

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
)

// Schema is a loaded GraphQL schema. It is immutable and safe for concurrent use.
type Schema struct {
	ast   *ast.Schema
	hash  [32]byte
	rules []core.Rule
	// objects are the names of the object types, sorted; those of introspection, of the operations' roots, and _Service are not among
	// them.
	objects []string
	// queried are those of them that a query can return.
	queried map[string]bool
	// supergraph is what the schema was made from, nil when it is a service's own.
	supergraph *Supergraph
}

// Hash returns a digest of what the schema means: types, fields, arguments, defaults and directives, not their order, layout or
// descriptions.
func (s *Schema) Hash() [32]byte { return s.hash }

// ParseSchema reads a schema in the schema definition language. name stands in error messages, which read name:line:column: message; the
// first error ends the reading. Directives that servers commonly leave undefined (@cacheControl, @cost, @listSize, @cacheTag and those of
// Apollo Federation) are added when missing, and so are the fields that a federation subgraph answers for the router.
func ParseSchema(name, sdl string) (*Schema, error) {
	doc, err := parser.ParseSchema(&ast.Source{Name: name, Input: sdl})
	if err != nil {
		return nil, located(name, err)
	}
	return load(name, doc)
}

// load completes a schema document and checks it.
func load(name string, doc *ast.SchemaDocument) (*Schema, error) {
	base, err := parser.ParseSchema(validator.Prelude)
	if err != nil {
		return nil, located("prelude", err)
	}
	extra, err := parser.ParseSchema(&ast.Source{Name: "prelude", Input: prelude, BuiltIn: true})
	if err != nil {
		return nil, located("prelude", err)
	}
	federate(doc, extra.Directives)
	if err := checkHints(doc); err != nil {
		return nil, err
	}
	complete(doc, base)
	complete(doc, extra)
	loaded, err := validator.ValidateSchemaDocument(doc)
	if err != nil {
		return nil, located(name, err)
	}
	if loaded.Query == nil {
		return nil, fmt.Errorf("%s:1:1: the schema has no query type", name)
	}
	s := &Schema{ast: loaded, rules: schemaRules()}
	s.hash = hashSchema(loaded)
	s.objects = objectTypes(loaded)
	s.queried = queriedTypes(loaded)
	return s, nil
}

func objectTypes(s *ast.Schema) []string {
	var out []string
	for name, d := range s.Types {
		if d.Kind == ast.Object && !strings.HasPrefix(name, "__") && name != "_Service" && d != s.Query && d != s.Mutation && d != s.Subscription {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// complete adds to doc the types and directives of base that it does not define itself.
func complete(doc, base *ast.SchemaDocument) {
	types := map[string]bool{}
	for _, d := range doc.Definitions {
		types[d.Name] = true
	}
	directives := map[string]bool{}
	for _, d := range doc.Directives {
		directives[d.Name] = true
	}
	for _, d := range base.Definitions {
		if !types[d.Name] {
			doc.Definitions = append(doc.Definitions, d)
		}
	}
	for _, d := range base.Directives {
		if !directives[d.Name] {
			doc.Directives = append(doc.Directives, d)
		}
	}
}

// located brings an error of the parser into the form name:line:column: message.
func located(name string, err error) error {
	var e *gqlerror.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s:1:1: %w", name, err)
	}
	line, column := 1, 1
	if len(e.Locations) > 0 {
		line, column = e.Locations[0].Line, e.Locations[0].Column
	}
	message := e.Message
	if message == "" && e.Err != nil {
		message = e.Err.Error()
	}
	return fmt.Errorf("%s:%d:%d: %s", name, line, column, message)
}
