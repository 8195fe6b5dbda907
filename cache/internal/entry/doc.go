// Package entry holds the values the parts of the cache pass to each other: Position (a point of the invalidation log),
// Tags, Entry (what a reader sees) and Slot (an Entry with what the cache itself must remember of it).
//
// An Entry is immutable once it is in a Slot; a Slot's Mark is the only field that changes afterwards. Everything an Entry
// points to lies in one allocation made by Build. A Slot that left its tier before anybody had asked for it or pinned it is used
// again, content and all: what holds that up is in use.go.
package entry
