// Package subscribe opens GraphQL subscriptions and keeps them open: over graphql-transport-ws, the older graphql-ws, and server-sent events in the
// distinct connections mode of graphql-sse (POST or GET). It counts what arrives, how long opening took, and how old an event is when it arrives.
//
// A subscription that ends before its time is a failure, by kind, and is opened again after a wait that doubles; so Opened exceeds Wanted by the times that
// was done. A run ends with its context or its duration; each stream is then completed and closed as its protocol says. One goroutine reads one stream; the
// counts are shared under a lock. It starts no process and makes no other requests.
package subscribe
