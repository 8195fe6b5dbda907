// Package cost prices an operation in points after the GraphQL cost directives specification of IBM (draft of October
// 2023, section 5.3.2): @cost gives weights, @listSize the sizes of lists.
//
// Compile turns a validated operation into an immutable Formula; Evaluate computes it for one request's coerced variables
// without allocating and without looking at the document. The result is an upper bound of what the operation may cost: the
// dearest member counts for an abstract type, the greatest slicing argument for a list.
//
// Defaults of the specification: scalars and enums, and fields, arguments and input fields of them, weigh 0; everything
// composite weighs 1. Where the specification calls a list infinite because nothing tells its size, DefaultListSize is
// taken instead: an infinite cost tells nobody anything.
//
// requireOneSlicingArgument is the server's to enforce: an operation with none or several of them is priced all the same, by
// the greatest one given or by the list's assumed size. A slicing argument may be a path into an input object, as in
// "page.first", and a list, whose length counts then. A negative number or null says nothing of a size.
//
// Ownership: a Formula is safe for concurrent use. It keeps names out of the schema and the document, nothing else of them.
package cost
