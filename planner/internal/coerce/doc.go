// Package coerce turns the variables of a request into the values the GraphQL specification says an operation sees
// (September 2025, sections 3.5 to 3.12 and 6.1.2), in one canonical byte form that serves as part of a cache key and
// feeds the cost formula.
//
// Compile builds an immutable Program from an operation's variable definitions; Run applies it to raw JSON. The
// canonical form is deterministic: defaults are filled in, a single value where a list is expected becomes a list, the
// ID 4 equals "4", undeclared variables are dropped, and input object fields stand in schema order. An absent variable
// and an explicit null differ. Values of custom scalars are opaque; only their JSON spelling is made canonical.
//
// The package never changes the request, never guesses (an enum in the wrong case is an error) and never accepts a JSON
// object in which one name appears twice where that could be read in two ways: which one counts differs between
// servers, and a cache key must not depend on that.
//
// Ownership: a Program is safe for concurrent use. Values is scratch of one caller; what it holds is good until the next
// Run or Reset, and it keeps no reference to the raw JSON once Run returned.
package coerce
