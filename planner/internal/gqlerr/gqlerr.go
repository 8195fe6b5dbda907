package gqlerr

// Class tells what part of handling a request found the error.
type Class uint8

// The classes, in the order in which a request meets them.
const (
	Request  Class = iota + 1 // the envelope is not a well-formed GraphQL request
	Parse                     // the document is not GraphQL
	Validate                  // the document does not fit the schema
	Coerce                    // the variables do not fit the operation
)

// The codes for extensions.code; they follow what GraphQL servers commonly send.
const (
	CodeRequest  = "BAD_REQUEST"
	CodeParse    = "GRAPHQL_PARSE_FAILED"
	CodeValidate = "GRAPHQL_VALIDATION_FAILED"
	CodeCoerce   = "BAD_USER_INPUT"
	// CodeOperation: the document does not tell which operation to execute.
	CodeOperation = "OPERATION_RESOLUTION_FAILURE"
)

// Location is a place in a document; both numbers count from 1.
type Location struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Error is one entry for the errors of a GraphQL response. Code goes to extensions.code.
type Error struct {
	Message   string
	Code      string
	Locations []Location
	Path      []any // response keys and list indexes, nil when the error belongs to no field
}

// Class tells the class from the code.
func (e *Error) Class() Class {
	switch e.Code {
	case CodeRequest:
		return Request
	case CodeParse:
		return Parse
	case CodeCoerce:
		return Coerce
	}
	return Validate
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }
