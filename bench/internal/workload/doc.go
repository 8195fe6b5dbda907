// Package workload makes the requests of a run: it reads a workload file (YAML), or takes the built-in one for the GeoNames origin, and is a load.Source.
//
// A Workload is immutable. Everything that can be computed from the file is computed when it is read: a stream only chooses, draws, copies and judges, and
// does not allocate after its first requests. What a stream sends follows from the seed and its number alone.
//
// The package sends nothing and reads no clock. Reading a file is the only input it does, when it is loaded.
package workload
