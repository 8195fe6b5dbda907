//go:build !race

package serve

// spare is how many allocations per request are allowed.
const spare = 0
