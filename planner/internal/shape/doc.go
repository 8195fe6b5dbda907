// Package shape knows what the response of one operation looks like and reads from a response, in one pass, the facts and
// cache tags that lie in it.
//
// Compile turns a validated operation into an immutable Shape: for each response key what it may hold, selections on
// different types of an interface or union merged. Walk reports facts (readable, errors, data, nulls) and the tags of a
// query's result; WalkMutation the tags a mutation's result invalidates. Without a schema there are facts only.
//
// The rule for tags: an entry must be found by every mutation that can change it. Whatever is in doubt (key not selected,
// type not told, too many entities) gets a wider tag, never a narrower one. Tags of one entity T with key 5:
//
//	T        every result with a T, or with a place where a T could have been
//	T:5      the entity itself
//	T:?      a T whose key is not known from the response
//	list:T   a list of T (empty too), or a null where a T could be
//
// T is in a list also when only types without a key of their own stand between (edges, connections).
//
// Beside these stand the tags of @cacheTag on a type. An entity that its own @cacheTag could not find, because its key is not
// known, makes a response that must not be stored: Untagged says so of an operation, Walk of a response.
//
// The package never changes a response, never allocates while walking and never looks at what the shape does not name.
//
// Ownership: a Shape is safe for concurrent use; Walk appends copies to the caller's list and keeps nothing.
package shape
