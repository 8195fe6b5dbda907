package planner

import (
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/gqlerr"
)

// pricing is the compiled cost of an operation.
type pricing struct{}

// Cost is what an operation costs, in points.
type Cost struct {
	Type  float64 `json:"type"`  // weighted number of values the response may hold
	Field float64 `json:"field"` // weighted number of resolver calls
}

// Points is the cost as one whole number, at least 1.
func (c Cost) Points() int64 { return int64(max(c.Type, c.Field, 1)) }

// Cost evaluates the operation's cost for one request's variables.
func (p *Plan) Cost(*Values) Cost { return Cost{} }

// rootField is a field of the operation's root.
type rootField struct{ tag string }

func (b *builder) policy(p *Plan) {}

func (b *builder) price(p *Plan) {}

func (b *builder) rootFields(p *Plan) {}

// validate applies the rules of the specification; without a schema those that need none.
func (b *builder) validate() []Error {
	if b.schema == nil {
		empty := &ast.Schema{Types: map[string]*ast.Definition{}, Directives: map[string]*ast.DirectiveDefinition{}}
		return walkRules(empty, b.doc, plainRules(), b.o.MaxErrors)
	}
	return walkRules(b.schema.ast, b.doc, b.schema.rules, b.o.MaxErrors)
}

// survey notes what the operation uses that concerns more than one field.
func (b *builder) survey(p *Plan) {
	seen := map[string]bool{}
	var visit func(set ast.SelectionSet)
	directives := func(list ast.DirectiveList) {
		for _, d := range list {
			p.incremental = p.incremental || d.Name == "defer" || d.Name == "stream"
		}
	}
	visit = func(set ast.SelectionSet) {
		for _, sel := range set {
			switch s := sel.(type) {
			case *ast.Field:
				p.introspects = p.introspects || s.Name == "__schema" || s.Name == "__type"
				directives(s.Directives)
				visit(s.SelectionSet)
			case *ast.InlineFragment:
				directives(s.Directives)
				visit(s.SelectionSet)
			case *ast.FragmentSpread:
				directives(s.Directives)
				if seen[s.Name] {
					continue
				}
				seen[s.Name] = true
				for _, f := range b.doc.Fragments {
					if f.Name == s.Name {
						directives(f.Directives)
						visit(f.SelectionSet)
					}
				}
			}
		}
	}
	visit(b.op.SelectionSet)
}

// AppendQueryTags appends the tags of a query's entry that follow from the request alone.
func (p *Plan) AppendQueryTags(v *Values, t *Tags) {
	for i := range p.roots {
		t.AppendString(p.roots[i].tag)
	}
}

// AppendTypeTags appends the tag of every type that the operation's response could hold.
func (p *Plan) AppendTypeTags(t *Tags) { p.shape.AppendTypes(t) }

// Inspect reads a query's response in one walk and appends its tags.
func (p *Plan) Inspect(body []byte, t *Tags) Facts { return p.shape.Walk(body, t) }

// InspectMutation reads a mutation's response and appends the tags it invalidates.
func (p *Plan) InspectMutation(body []byte, t *Tags) Facts { return p.shape.WalkMutation(body, t) }

// ParseIntrospection reads a schema from the result of IntrospectionQuery.
func ParseIntrospection(result []byte) (*Schema, error) {
	return nil, &Error{Message: "introspection: no schema in the result", Code: gqlerr.CodeRequest}
}

// IntrospectionQuery asks a server for its schema.
const IntrospectionQuery = `query IntrospectionQuery { __schema { queryType { name } } }`
