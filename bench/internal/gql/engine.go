package gql

import (
	"context"
	"fmt"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// maxDocuments bounds the cache of validated documents; beyond it the cache starts again, empty.
const maxDocuments = 2000

// Call is what a resolver sees of one field.
type Call struct {
	// Parent is the value the enclosing object's resolver returned; nil at the root.
	Parent any
	// Args holds the coerced arguments; an argument that was neither given nor has a default is absent.
	Args map[string]any
	// Hint replaces the cache policy of this field when the resolver sets it.
	Hint *Hint
}

// Resolver computes one field. It returns nil for null, a []any for a list, and a string, bool, int, int64 or float64 for a leaf, of a
// custom scalar also json.RawMessage.
type Resolver func(ctx context.Context, c *Call) (any, error)

// Resolvers maps type name and field name to the field's resolver. Every field of every object type must have one.
type Resolvers map[string]map[string]Resolver

// Source starts the events of one subscription field. The events are the parents of that field's resolver; the channel is closed after the last one, and in
// time after ctx ends.
type Source func(ctx context.Context, c *Call) (<-chan any, error)

// Engine executes operations against one schema.
type Engine struct {
	schema    *ast.Schema
	resolvers Resolvers
	sources   map[string]Source
	typeOf    func(value any) string
	rules     *rules.Rules

	mu        sync.Mutex
	documents map[string]*ast.QueryDocument
}

// New compiles sdl and checks that each field of each object type has a resolver and each subscription field a source. typeOf names the object type of a
// value where the schema says interface or union.
func New(name, sdl string, resolvers Resolvers, sources map[string]Source, typeOf func(value any) string) (*Engine, error) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: name, Input: sdl})
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	e := &Engine{
		schema: schema, resolvers: Resolvers{}, sources: sources, typeOf: typeOf, rules: rules.NewDefaultRules(),
		documents: map[string]*ast.QueryDocument{},
	}
	for typeName, fields := range resolvers {
		e.resolvers[typeName] = fields
	}
	for typeName, fields := range introspection(schema) {
		e.resolvers[typeName] = fields
	}
	for typeName, def := range schema.Types {
		if def.Kind != ast.Object || def.BuiltIn {
			continue
		}
		for _, f := range def.Fields {
			if !isMeta(f.Name) && e.resolvers[typeName][f.Name] == nil {
				return nil, fmt.Errorf("schema: no resolver for %s.%s", typeName, f.Name)
			}
		}
	}
	if schema.Subscription != nil {
		for _, f := range schema.Subscription.Fields {
			if sources[f.Name] == nil {
				return nil, fmt.Errorf("schema: no source for Subscription.%s", f.Name)
			}
		}
	}
	return e, nil
}

// HasField tells whether an object type has a field.
func (e *Engine) HasField(typeName, field string) bool {
	def := e.schema.Types[typeName]
	return def != nil && def.Kind == ast.Object && def.Fields.ForName(field) != nil
}

// Request is one operation to execute.
type Request struct {
	Query         string
	OperationName string
	Variables     map[string]any // decoded with json.Decoder.UseNumber
	ReadOnly      bool           // refuse anything but queries (GET)
	// Probe is called before each resolver but those of introspection; an error from it becomes the field's. Nil: nothing is called.
	Probe func(f *Field) error
	// Begun is called by Subscribe when the request was accepted and the events of its source are awaited. Nil: nothing is called.
	Begun func()
}

// Field is one field about to be resolved.
type Field struct {
	Type, Name string // the concrete object type, and the field's name in it
	Nullable   bool
	at         *path
}

// Path is the field's place in the response.
func (f *Field) Path() []any { return f.at.list() }

// Operation says which operation a request asks for.
type Operation struct {
	Kind  string // query, mutation or subscription; "" when the request is refused before one is chosen
	Name  string // as in the document; "" for an anonymous one
	Label string // kind and first root field ("query.city")
}

// Identify names the operation of a request without executing it.
func (e *Engine) Identify(r *Request) Operation {
	doc, errs := e.document(r.Query)
	if errs != nil {
		return Operation{}
	}
	op, err := operation(doc, r.OperationName)
	if err != nil {
		return Operation{}
	}
	return Operation{string(op.Operation), op.Name, rootField(op)}
}

// document returns the parsed and validated form of query, or the errors that make it invalid.
func (e *Engine) document(query string) (*ast.QueryDocument, []Error) {
	e.mu.Lock()
	doc := e.documents[query]
	e.mu.Unlock()
	if doc != nil {
		return doc, nil
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return nil, fromList(gqlerror.List{asGraphQL(err)}, "GRAPHQL_PARSE_FAILED")
	}
	if list := validator.ValidateWithRules(e.schema, doc, e.rules); len(list) > 0 {
		return nil, fromList(list, "GRAPHQL_VALIDATION_FAILED")
	}
	e.mu.Lock()
	if len(e.documents) >= maxDocuments {
		clear(e.documents)
	}
	e.documents[query] = doc
	e.mu.Unlock()
	return doc, nil
}

// prepare brings a request to the point where its operation can run, or says why not.
func (e *Engine) prepare(ctx context.Context, r *Request) (*execution, *ast.OperationDefinition, *Response) {
	doc, errs := e.document(r.Query)
	if errs != nil {
		return nil, nil, &Response{Errors: errs, Refused: true}
	}
	op, err := operation(doc, r.OperationName)
	if err != nil {
		return nil, nil, refuse(err.Error(), "OPERATION_RESOLUTION_FAILURE")
	}
	if r.ReadOnly && op.Operation != ast.Query {
		res := refuse("GET requests may carry queries only", "METHOD_NOT_ALLOWED")
		res.WrongMethod = true
		return nil, nil, res
	}
	vars, errs := e.variables(op, r.Variables)
	if errs != nil {
		return nil, nil, &Response{Errors: errs, Refused: true}
	}
	return &execution{e: e, ctx: ctx, vars: vars, doc: doc, probe: r.Probe, policy: Policy{Hint: Hint{MaxAge: unset}}}, op, nil
}

// Execute runs one query or mutation. It never fails: what is wrong is in the response's errors.
func (e *Engine) Execute(ctx context.Context, r *Request) *Response {
	x, op, refused := e.prepare(ctx, r)
	if refused != nil {
		return refused
	}
	root := e.schema.Query
	switch op.Operation {
	case ast.Query:
	case ast.Mutation:
		root = e.schema.Mutation
	default:
		return refuse("a subscription needs a stream: ask with graphql-transport-ws, graphql-ws or Accept: text/event-stream", "OPERATION_RESOLUTION_FAILURE")
	}
	return x.run(root, op, nil)
}

// run executes the operation's selection on a root value.
func (x *execution) run(root *ast.Definition, op *ast.OperationDefinition, value any) *Response {
	data, ok := x.object(root, value, []ast.SelectionSet{op.SelectionSet}, nil)
	res := &Response{Errors: x.errors, Policy: x.policy, Mutation: op.Operation == ast.Mutation, Operation: rootField(op)}
	if ok {
		res.Data = data
	}
	return res
}

// operation picks the operation to run (specification 6.1, GetOperation).
func operation(doc *ast.QueryDocument, name string) (*ast.OperationDefinition, error) {
	if name == "" {
		if len(doc.Operations) != 1 {
			return nil, fmt.Errorf("the document has %d operations: operationName is needed", len(doc.Operations))
		}
		return doc.Operations[0], nil
	}
	if op := doc.Operations.ForName(name); op != nil {
		return op, nil
	}
	return nil, fmt.Errorf("unknown operation named %q", name)
}

// rootField names an operation for counters: its first root field, or its kind.
func rootField(op *ast.OperationDefinition) string {
	for _, s := range op.SelectionSet {
		if f, ok := s.(*ast.Field); ok {
			return string(op.Operation) + "." + f.Name
		}
	}
	return string(op.Operation)
}

func refuse(message, code string) *Response {
	return &Response{Refused: true, Errors: []Error{{Message: message, Code: code}}}
}
