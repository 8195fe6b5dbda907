//go:build race

package entry

// overwrite spoils memory that is to be used again, so that tests under the race detector see who still reads it.
const overwrite = true
