package planner

import "github.com/weirproxy/weir/planner/internal/gqlerr"

// Error is one entry for the errors of a GraphQL response. Code goes to extensions.code.
type Error = gqlerr.Error

// Location is a place in a document; line and column count from 1.
type Location = gqlerr.Location

// Class tells what part of handling a request found an error.
type Class = gqlerr.Class

// The classes of Error.
const (
	ClassRequest  = gqlerr.Request
	ClassParse    = gqlerr.Parse
	ClassValidate = gqlerr.Validate
	ClassCoerce   = gqlerr.Coerce
)
