// Package planner turns a GraphQL document into an immutable Plan: what kind of operation it is, whether it is valid, how
// deep and wide it is, how long its answer may be cached, which tags the answer carries, and what it costs as a formula over
// the request's variables.
//
// Of a supergraph (LoadSupergraph) it also says how an operation is executed over the subgraphs: Plan.Fetches. internal/join reads the
// supergraph, internal/route decides who answers what, internal/assemble makes the FetchPlan, whose semantics internal/fetch defines.
//
// It is pure: no I/O, no clock, no goroutine; where a time matters it is passed in. A Plan is shared between requests and never
// changes. Scratch that one request needs (Values, Tags) belongs to the caller, who reuses it; slices in a Request alias the
// caller's body. On the path of a request whose document has been seen before nothing is parsed and nothing is allocated.
package planner
