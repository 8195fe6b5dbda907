// Package route decides which subgraph answers which part of an operation, and in what order.
//
// The operation in normal form is a tree of places: what stands at one response path, below fields of the same types. A place has
// nodes, the fields wanted there, each for a set of object types; fragments, @skip and @include are gone. A group is what will be
// asked of one subgraph at once: a root selection, or an entity at a place. A source is where a group passes through a place, with
// the nodes picked there.
//
// Every leaf is connected by the cheapest way: a source that is there already and can go down to it, a new entity group at the
// leaf's place or at one above from which the subgraph can go down, or a new root group. An entity group first connects what its
// representation needs, by the same rule: chains of moves, @requires and re-entry of parents all fall out of it. Where a leaf has
// several ways, a branch and bound search tries them, as long as its budget of work lasts.
package route
