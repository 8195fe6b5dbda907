//go:build !race

package workload

const pooled = 0
