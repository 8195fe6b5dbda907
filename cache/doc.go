// Package cache keeps answers in two tiers, a bounded one in this process and a shared one in Redis, and makes an
// invalidation count everywhere, also for answers whose fetch was under way when it happened.
//
// The rule is the as-of rule. Invalidations form one log (a Redis Stream; without Redis a logical clock of this process).
// Every entry carries the log position at which its fill began. An entry is valid only while nothing in the log after that
// position names one of its tags. So a hit needs no Redis trip and an invalidation needs no list of entries.
//
// It knows keys, bytes, tags and times. It never looks into a body, never speaks HTTP or GraphQL, never decides how long
// something may live: the caller does, by Draft. It never fails a request: without Redis it is a smaller cache.
//
// Memory: Draft's slices are copied by Complete. An Entry and all it points to is immutable and stays readable for as long
// as the reader keeps it, evicted or not; the reader must not write to it.
package cache
