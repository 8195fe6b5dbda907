package planner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/weirproxy/weir/planner/internal/cachepolicy"
	"github.com/weirproxy/weir/planner/internal/canon"
	"github.com/weirproxy/weir/planner/internal/coerce"
	"github.com/weirproxy/weir/planner/internal/cost"
	"github.com/weirproxy/weir/planner/internal/glance"
	"github.com/weirproxy/weir/planner/internal/gqlerr"
	"github.com/weirproxy/weir/planner/internal/measure"
	"github.com/weirproxy/weir/planner/internal/shape"
)

// Build makes the plan for one operation of a document; operationName may be empty when the document has one operation. Without a
// schema (nil) the plan has hash, name, kind and measures, and facts can be read from a response. It never returns nil: what is wrong
// with the document is in the plan's Errors, what is too large in its Violations.
func Build(s *Schema, document, operationName string, o Options) *Plan {
	b := builder{schema: s, document: document, o: o.withDefaults()}
	return b.build(operationName)
}

type builder struct {
	schema   *Schema
	document string
	o        Options
	doc      *ast.QueryDocument
	op       *ast.OperationDefinition
}

func (b *builder) build(operationName string) *Plan {
	p := &Plan{schema: b.schema, limits: b.o.Limits}
	if !b.attempt(p, operationName) {
		// Whatever the libraries below stumbled over: the request can still be relayed.
		p = &Plan{schema: b.schema, limits: b.o.Limits, failed: true}
		p.measures.Tokens = measure.Tokens([]byte(b.document), b.o.Limits.Tokens)
		b.glance(p, operationName)
	}
	p.finish(b)
	return p
}

// attempt fills the plan and tells whether it came to an end.
func (b *builder) attempt(p *Plan, operationName string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	p.measures.Tokens = measure.Tokens([]byte(b.document), b.o.Limits.Tokens)
	if p.measures.Tokens > b.o.Limits.Tokens {
		p.violations = p.measures.violations(b.o.Limits)
		b.glance(p, operationName)
		return true
	}
	if err := b.parse(); err != nil {
		p.errors = []Error{*err}
		b.glance(p, operationName)
		return true
	}
	if err := b.choose(operationName); err != nil {
		p.errors = []Error{*err}
		b.glance(p, operationName)
		return true
	}
	b.describe(p)
	return true
}

// glance finds kind and name of an operation that was not parsed. When it is not clear which one is meant, a mutation counts more: what
// it changes must not be missed.
func (b *builder) glance(p *Plan, operationName string) {
	for _, op := range glance.Operations(b.document) {
		kind := kindOf(ast.Operation(op.Keyword))
		if operationName != "" && operationName != op.Name || p.kind == KindMutation || p.kind != KindUnknown && kind != KindMutation {
			continue
		}
		p.kind, p.name = kind, op.Name
	}
}

func kindOf(op ast.Operation) Kind {
	switch op {
	case ast.Mutation:
		return KindMutation
	case ast.Subscription:
		return KindSubscription
	}
	return KindQuery
}

func (b *builder) parse() *Error {
	if !utf8.ValidString(b.document) {
		return &Error{Message: "Syntax Error: The document is not valid UTF-8.", Code: gqlerr.CodeParse}
	}
	if i := glance.LoneSurrogate(b.document); i >= 0 {
		return &Error{Message: "Syntax Error: Invalid Unicode escape sequence.", Code: gqlerr.CodeParse, Locations: []Location{place(b.document, i)}}
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: measure.Plain(glance.WithoutComments(b.document))})
	if err != nil {
		e := &Error{Message: "Syntax Error: " + err.Error(), Code: gqlerr.CodeParse}
		var g *gqlerror.Error
		if errors.As(err, &g) {
			e.Message = "Syntax Error: " + g.Message
			e.Locations = locations(g)
		}
		return e
	}
	if len(doc.Operations)+len(doc.Fragments) == 0 {
		return &Error{Message: "Syntax Error: Unexpected <EOF>.", Code: gqlerr.CodeParse, Locations: []Location{place(b.document, len(b.document))}}
	}
	b.doc = doc
	return nil
}

// place returns line and column of a byte offset.
func place(document string, offset int) Location {
	before := document[:offset]
	start := strings.LastIndexAny(before, "\n\r") + 1
	line := 1 + strings.Count(before, "\n") + strings.Count(before, "\r") - strings.Count(before, "\r\n")
	return Location{Line: line, Column: utf8.RuneCountInString(before[start:]) + 1}
}

// choose finds the operation to execute (GraphQL specification, section 6.1).
func (b *builder) choose(name string) *Error {
	ops := b.doc.Operations
	switch {
	case name != "":
		if b.op = ops.ForName(name); b.op == nil {
			return &Error{Message: fmt.Sprintf("Unknown operation named %q.", clip(name)), Code: gqlerr.CodeOperation}
		}
	case len(ops) == 1:
		b.op = ops[0]
	case len(ops) == 0:
		return &Error{Message: "Must provide an operation.", Code: gqlerr.CodeOperation}
	default:
		return &Error{Message: "Must provide operation name if query contains multiple operations.", Code: gqlerr.CodeOperation}
	}
	return nil
}

func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "")
	}
	return s
}

// describe fills the plan from the operation.
func (b *builder) describe(p *Plan) {
	p.analysed = true
	p.kind, p.name = kindOf(b.op.Operation), b.op.Name
	tokens := p.measures.Tokens
	p.measures = Measures(measure.Operation(b.doc, b.op))
	p.measures.Tokens = tokens
	p.violations = p.measures.violations(b.o.Limits)
	p.canonical = canon.Text(b.op, b.doc.Fragments)
	errs, tooLarge := b.validate()
	p.errors = errs
	valid := len(errs) == 0
	if valid && tooLarge {
		b.unchecked(p)
		return
	}
	hinted := b.survey(p, valid)
	var schema *ast.Schema
	if b.schema != nil && valid {
		schema = b.schema.ast
	}
	p.variables = coerce.CompileDepth(schema, canon.SortedVariables(b.op.VariableDefinitions), b.o.Limits.VariablesDepth)
	p.shape = shape.Compile(schema, b.op, b.doc.Fragments)
	c := cachepolicy.Compute(schema, b.doc, b.op, b.o.DefaultMaxAge, b.o.MaxAges, b.o.Shares)
	if schema != nil {
		p.formula = cost.Compile(schema, b.doc, b.op)
	}
	b.mutationRules(p, valid)
	if valid {
		b.inject(p) // only root fields are looked at behind it
	}
	p.policy = b.cachePolicy(p, &c, hinted)
	b.rootFields(p, valid)
	if valid && b.schema != nil && b.schema.supergraph != nil {
		p.federated = newFederated(b.schema.supergraph, b.doc, b.op)
	}
}

// cachePolicy decides how long the answer may be cached. An answer with an entity that its tags would not find is never cached, whatever
// the upstream says of it.
func (b *builder) cachePolicy(p *Plan, c *cachepolicy.Policy, hinted bool) CachePolicy {
	read := p.shape
	if p.injected != nil {
		read = p.injected.shape
	}
	out := CachePolicy{
		Cacheable: c.Cacheable, MaxAge: c.MaxAge, Private: c.Private, Hinted: hinted || c.Configured, Reason: c.Reason, Path: c.Path,
		Share: c.Share, Given: c.Given, Open: c.Open, ShareReason: c.ShareReason,
	}
	if share := b.o.OperationShares[p.name]; p.name != "" && share > out.Share {
		out.Share, out.ShareReason = share, "operation "+p.name
	}
	if len(p.errors) > 0 {
		out.Reason = "the document is not valid"
	} else if reason, path := read.Untagged(); reason != "" && p.kind == KindQuery && (c.Cacheable || !out.Hinted) {
		out.Cacheable, out.MaxAge, out.Hinted, out.Reason, out.Path = false, 0, true, reason, path
	}
	return out
}

// unchecked turns p into the plan of a document that is too large to be validated. That is beyond a limit, not wrong; what rests on
// validation is not known of it.
func (b *builder) unchecked(p *Plan) {
	p.analysed = false
	if !slices.ContainsFunc(p.violations, func(v Violation) bool { return v.Limit == expandedFields }) {
		p.violations = append(p.violations, Violation{expandedFields, maxVisits + 1, maxVisits})
	}
	b.survey(p, false)
}

// finish gives the plan its identity, and a shape that knows nothing where there is none.
func (p *Plan) finish(b *builder) {
	if !p.analysed {
		p.canonical = b.document
	}
	if p.shape == nil {
		p.shape = shape.Compile(nil, nil, nil)
		p.policy.Reason = "the operation is not known"
	}
	p.identify(b.schema)
}
