// Package subgraphs is an in-memory subgraph server: from the SDL of one subgraph, with its federation directives, and tables that all subgraphs share it
// answers queries, mutations and _entities, and it can be told to be slow or to fail.
//
// It is strict where a plan could be wrong: a field that is @external is an error unless its path @provides it, a field with @requires is computed from what
// the representation brings and nothing else, a representation without a whole resolvable key is an error, and so is a field that another subgraph overrides.
// An answer that is computed without a subgraph's point of view, over the same tables, is that of New with a Monolith.
package subgraphs
