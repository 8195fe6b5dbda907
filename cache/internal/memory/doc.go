// Package memory is the tier of this process: slots by key in a bounded number of bytes. It wraps ristretto, which applies sets
// asynchronously, may drop them and lets an update grow beyond the bound: here a slot is found as soon as Put returns, what takes the
// place of another does so at once, and the bound holds. It does not know what is valid.
package memory
