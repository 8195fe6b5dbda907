// Package gqltest is what the tests of the planner's parts share: it makes schemas and documents, and measures time spent. Only tests
// import it.
package gqltest
