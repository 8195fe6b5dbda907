// Package replay sends what was recorded: the GraphQL requests of a HAR file or of a log of one JSON object a line, or the operations of Weir's cost events,
// which hold neither documents nor variables and take them from a workload file.
//
// A Recording is read once, in a stream, into memory: texts that repeat are kept once, and the whole has a bound. It is immutable afterwards and hands out a
// load.Source and an arrival.Plan that belong together: in the exact form, on one thread, the k-th request is the k-th of the recording and due when it was; as
// a mix only shares and rate are kept. What cannot be sent is left out and counted, with its place. The package sends nothing itself.
package replay
