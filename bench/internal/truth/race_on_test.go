//go:build race

package truth

// detector says that the race detector is on, under which nothing is as fast as it is said to be.
const detector = true
