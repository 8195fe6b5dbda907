// Package federated holds a federated schema as data: what each subgraph knows of each type and field. It prints the SDL of a subgraph, that of the whole as
// one server would have it, and composes the supergraph (join specification v0.3). It composes what is right; it does not find out what is wrong.
package federated
