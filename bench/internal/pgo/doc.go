// Package pgo makes the processor profile that the binary of the sidecar is built with (proxy/cmd/weir/default.pgo): it starts weir in each of its roles,
// records where it spends its time under load, and merges the recordings so that each role weighs the same. What the compiler does not read is left out, the
// machine's paths and the binary's build above all, and so is crypto: see Merge.
//
// It starts processes and ends every one of them, and it builds nothing: whoever calls it decides what becomes of the file.
package pgo
