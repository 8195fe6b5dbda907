// Package draw turns a seed and the ordinal of a request into numbers: latencies, sizes, and whether a request belongs to a share. Nothing here has state
// or a clock: the same seed, name and ordinal give the same number on every machine, so a test can compute beforehand what the origin will do.
package draw
