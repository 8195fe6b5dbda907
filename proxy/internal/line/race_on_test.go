//go:build race

package line

// spare is how many allocations per request a build for the race detector may make: it inlines less, so more values escape.
const spare = 2
