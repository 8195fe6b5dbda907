// Package adapt learns how long answers are worth keeping: how often those of an operation change, and how often a key is asked for. Its
// memory is fixed, its work per call constant, and nothing in it is locked: what is rare may be forgotten for what is not, and a lost
// update changes little. It knows numbers only, nothing of GraphQL or of the cache.
package adapt
