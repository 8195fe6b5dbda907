// Package ledger counts what the cache did for each operation and each tenant: hits by tier, misses and bypasses by reason, bytes, and the
// time and money that hits spared. It is the one place of these numbers: /metrics, /cache/stats and weir-bench show them.
//
// Tables are bounded; what comes beyond goes to the row named "other". Counting allocates nothing and takes no lock once a row is there.
package ledger
