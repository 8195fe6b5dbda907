package cachepolicy

import "github.com/vektah/gqlparser/v2/ast"

// Policy says how the answer of an operation may be cached.
type Policy struct {
	Cacheable bool
	MaxAge    int  // seconds; 0 when not cacheable
	Private   bool // only for the one who asked
	// Reason tells a person what decided, and Path the response path of the field that did, "" when no field did.
	Reason, Path string
	// Configured says that a maxAge of the configuration took part.
	Configured bool
	// Share says who may share the answer beside that. Given: a share is given for all that is selected; Open is the first part for which
	// none is.
	Share             Share
	Given             bool
	ShareReason, Open string
}

// Compute derives the policy of op, a validated operation. defaultMaxAge, in seconds, is what a field gets that should say
// for itself but does not; maxAges has others, by type (Book) and field (Query.books), for where the schema is silent. Without a schema shares cannot be told, and where some are given the narrowest is assumed.
func Compute(schema *ast.Schema, doc *ast.QueryDocument, op *ast.OperationDefinition, defaultMaxAge int, maxAges map[string]int, shares Shares) Policy {
	if op.Operation != ast.Query {
		return Policy{Reason: "a " + string(op.Operation) + " is never cached"}
	}
	if schema == nil {
		p := Policy{Reason: "no schema is known", Open: "no schema is known"}
		if len(shares) > 0 {
			p.Share, p.ShareReason = ShareUser, "no schema is known that types could be told by"
		}
		return p
	}
	w := newWalker(schema, doc, defaultMaxAge)
	w.maxAges = maxAges
	w.sharing.given = shares
	return w.operation(op)
}
