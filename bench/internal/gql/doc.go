// Package gql is a small GraphQL executor for the reference origin: it parses and validates with gqlparser, coerces variables, runs resolvers one after the
// other, applies the null rules, answers introspection, and folds @cacheControl hints into one policy for the response.
//
// It is written to be read beside the October 2021 specification (section numbers in the comments), not to be fast: it stands for "somebody's GraphQL
// server" behind the sidecar. It never opens a connection and never reads a clock. An Engine is immutable apart from its bounded document cache and may be
// used by many goroutines; a Response belongs to its caller.
package gql
