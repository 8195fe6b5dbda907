// Package telemetry is the room of what leaves the sidecar about its work: the event of a request, its price in integer pico-USD, its
// anomaly score, metrics and logs.
//
// Emit is on the path of every request: it prices, scores and counts the record and copies it into a bounded ring, and never waits, allocates
// or takes a lock that all requests share. One goroutine encodes the records and moves the events to Kafka. What does not fit is dropped,
// counted, and told on the topic weir.loss. The caller owns a Record and may reuse it when Emit returns.
package telemetry
