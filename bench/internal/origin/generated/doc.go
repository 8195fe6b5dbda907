// Package generated makes a schema and its data from a seed and a few sizes. Nothing is stored but the number of changes of an entity: every value and every
// relation is a function of seed, type, id and revision, so any document has one right answer that a test can compute without the origin.
package generated
