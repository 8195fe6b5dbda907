// Package origin is a real GraphQL service of known truth, to stand behind a sidecar or before a load generator: GeoNames cities, countries and continents
// (or a schema made from a seed) with mutations, subscriptions, private fields, cache and cost directives, over HTTP with GET, POST, batches, persisted
// queries and content negotiation, over WebSocket and as server-sent events; and beside it the endpoints that tests of a proxy need (events, uploads, chunks).
//
// Latency, faults, processor time and sizes are given by a Spec and changed by SetFaults or /_origin/faults. Which request is hit and how long it waits follows
// from the seed and the order of the requests; only schedules look at the clock. What was done is counted and told by Truth and /_origin/truth, so whoever
// measures the origin, or attributes cost to its operations, can be compared with it. Requests that open a stream are spared by rules and latencies.
//
// It listens where it is told and never opens a connection but to see whether a socket's file is still in use. The tables are in data/ with their licence.
package origin
