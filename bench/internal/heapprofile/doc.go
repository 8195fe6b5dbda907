// Package heapprofile reads the heap of a running Go program from its admin listener (/debug/pprof/heap?gc=1 and /metrics): how much of it is live, exactly, and
// which functions allocated and hold it, estimated from the sample. It keeps nothing and starts nothing.
//
// It takes the profile in its binary form. The text form of a sidecar's is 2 MB, grows with every call stack that is sampled for the first time, and is built in
// the program that is watched, whose memory would be that of the reading.
package heapprofile
