// Package vitals reads what a running process takes from the machine: processor time, memory, threads and open files from the kernel, and the cost of garbage
// collection from the trace that a Go program writes with GODEBUG=gctrace=1. It only reads; it starts, signals and changes nothing.
package vitals
