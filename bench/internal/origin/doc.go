// Package origin is a real GraphQL service to stand behind a sidecar: GeoNames cities, countries and continents with mutations, private fields, cache and
// cost directives, over HTTP with GET, POST, batches, persisted queries and content negotiation; and beside it the endpoints and faults that tests of a
// proxy need (server-sent events, uploads, chunked answers, delay, errors, a stop).
//
// It is deterministic: the same requests in the same order give the same answers, every third failure is every third, and nothing is drawn at random. It
// listens where it is told and never opens a connection of its own. The tables are in data/ with their licence.
package origin
