// Package house holds the rules of the repository as tests: who may import whom, where a third-party package has its home, what must be documented and what
// is never called. It reads the source and `go list`; it changes nothing and has no code of its own outside the tests.
package house
