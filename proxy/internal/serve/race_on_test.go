//go:build race

package serve

// spare is how many allocations per request a build for the race detector may make: it inlines less, so more values escape, and
// its pools lose one thing in four on purpose.
const spare = 6
