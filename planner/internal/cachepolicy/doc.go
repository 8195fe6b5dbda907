// Package cachepolicy derives from @cacheControl how long the answer of an operation may be cached and whether it may be
// shared, by the rules Apollo Server applies while it executes, but statically: for every field that could be resolved, on
// every concrete type that could be met. The result is a lower bound: a response may turn out to allow more, never less.
//
// The package decides nothing about a request: who asks, and what the upstream's own headers say, is not known here.
package cachepolicy
