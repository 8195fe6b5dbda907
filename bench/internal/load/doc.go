// Package load is the load generator: GraphQL over HTTP/1 with keep-alive, in a closed loop (each connection sends its next request when the last one is
// answered) or an open loop (requests have intended times; latency is measured from there, so a slow server cannot hide its queue). Popularity follows Zipf
// over the ids of real entities; reads of several shapes are mixed with mutations; each answer is checked for status, errors and staleness.
//
// One connection belongs to one goroutine; buffers belong to their connection and are reused. It is bounded by connections, count and time, ends with its
// context, and starts no process.
package load
