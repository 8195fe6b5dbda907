//go:build !race

package line

// spare is how many allocations per request are allowed.
const spare = 0
