package cachepolicy

import "github.com/vektah/gqlparser/v2/ast"

// Policy says how the answer of an operation may be cached.
type Policy struct {
	Cacheable bool
	MaxAge    int  // seconds; 0 when not cacheable
	Private   bool // only for the one who asked
	// Reason tells a person what decided, and Path the response path of the field that did, "" when no field did.
	Reason, Path string
}

// Compute derives the policy of op, a validated operation. defaultMaxAge, in seconds, is what a field gets that should say
// for itself but does not.
func Compute(schema *ast.Schema, doc *ast.QueryDocument, op *ast.OperationDefinition, defaultMaxAge int) Policy {
	if op.Operation != ast.Query {
		return Policy{Reason: "a " + string(op.Operation) + " is never cached"}
	}
	if schema == nil {
		return Policy{Reason: "no schema is known"}
	}
	return newWalker(schema, doc, defaultMaxAge).operation(op)
}
