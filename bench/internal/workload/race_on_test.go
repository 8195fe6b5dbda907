//go:build race

package workload

// pooled is how many allocations the race detector adds, for it drops what sync.Pool holds: encoding/json and regexp keep their machines there.
const pooled = 5
