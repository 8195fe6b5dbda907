// Package arrival says when the requests of an open loop are due: at a constant rate, as a Poisson process, along ramps and steps, or at recorded times.
//
// A plan is immutable and deterministic by its seed; it reads no clock and starts nothing.
package arrival
