// Package differential compares federated execution with execution in one place: from a seed it makes a federated schema, tables of data and operations,
// composes the supergraph, executes each operation through planner and executor over in-memory subgraphs, and once more as a monolith over the same tables.
// Both answers must be the same, byte by byte in data, and errors must be there or not in both. A case that fails is made small before it is told.
//
// Worlds of odd seeds are wide ones, with more of what federation has, and two of four are rich ones, with more again; see widen and enrich. Where a
// subgraph here did not answer in time, for the machine was busy with other things, the operation is executed again, three times in all, and counted: what
// hangs by itself does so each time, and fails.
//
// A second run asks Hive Gateway, from npm, over the same subgraphs. It tells worlds that are not what federation is from mistakes of the planner; where
// the gateway differs from the monolith, that is counted and shown. Known of version 1.4.23 of its planner: lists of scalars that are fetched twice are
// appended to each other, __typename under the alias id is in conflict with the key, and some operations end the process.
package differential
