// Package journal keeps this process in step with the fleet's log of invalidations: it reads the log into the tombstone
// clock, appends what is invalidated here, and recognises gaps and other generations of the log.
//
// It never drops an invalidation: what cannot be appended waits, and when too much waits, it is merged into one record that
// names everything. It never advances the clock past a record it has not applied. The log itself is a Source (a Redis Stream,
// or one in memory in tests). Without a Source the clock is its own log.
package journal
