// Package heapprofile reads the text form of a Go program's heap profile (/debug/pprof/heap?gc=1&debug=1): how much of the heap is live, exactly, and which
// functions allocated and hold it, estimated from the sample. It keeps nothing and starts nothing.
package heapprofile
