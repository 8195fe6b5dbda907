// Package origintest runs an origin for a test.
package origintest
