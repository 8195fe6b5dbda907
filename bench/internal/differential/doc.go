// Package differential compares federated execution with execution in one place: from a seed it makes a federated schema, tables of data and operations,
// composes the supergraph, executes each operation through planner and executor over in-memory subgraphs, and once more as a monolith over the same tables.
// Both answers must be the same, byte by byte in data, and errors must be there or not in both. A case that fails is made small before it is told.
package differential
