// Package join reads a supergraph, a schema with the directives of the join specification (v0.1 to v0.5), into a model of what each
// subgraph can answer: its types, their keys, and for each field whether it is resolved there, what it requires and what it
// provides. Federation 1 and 2 come out the same.
//
// The model is immutable. Names of types and graphs are interned to indexes; sets of object types are bitsets over Type.Object.
package join
