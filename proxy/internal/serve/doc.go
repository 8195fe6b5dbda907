// Package serve is the connection loop of the data plane. A client connection has at most one upstream connection, dialled when the
// first request has to be relayed. Two pumps work at the same time: the request pump (one goroutine per client connection) reads
// requests, asks the line what to do, answers or relays; the response pump (one per upstream connection) relays answers. Turns keep
// their order: a queue with one turn for each request that is not answered yet.
//
// Bytes are relayed as they were received. What is not understood is spliced: from there on both directions are copied without a
// look. The package never waits for Kafka, a Redis write, the control plane or a log line, and a panic in a stage costs one request
// its insight, not its answer.
//
// Memory: a connection owns its buffers and reuses them; an Exchange belongs to the pump that has its turn.
package serve
