// Package fault holds what can go wrong between a server and its client, as rules that say what, when, how often and for which operation, and plays it on
// the wire byte by byte. Which requests a rule hits follows from the seed and the order of the requests, never from chance.
//
// A Plan decides, a Player acts. The package knows nothing of GraphQL beyond the name of an operation: the origin hands it the answer it would have given.
package fault
