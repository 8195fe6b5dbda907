// Package document answers the small questions about a parsed document that every part of the planner asks: what a field is called in
// the response, which type an operation starts on, which fragment a name means.
//
// It never changes a document, and its answers point into it.
package document
