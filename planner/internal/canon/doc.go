// Package canon prints an operation in the one form that all documents with the same meaning share: the operation and the
// fragments it reaches, nothing else; no comments and descriptions; one way of spacing and of writing strings; arguments,
// variables, fields of input objects and fragments in the order of their names; no alias that repeats the field's name.
//
// What the response depends on stays: the order of fields and of list elements, aliases, directives and their order, and literals as
// written. The form knows nothing of a schema, so it is the same before and after a schema changes. It is a document again, and its own
// canonical form. When a document is ambiguous (a name defined twice) everything of that name is printed, so that two readings never
// share one form.
//
// The package changes nothing in the document it prints; work is linear in the document's size.
package canon
