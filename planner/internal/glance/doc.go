// Package glance looks at a document as a sequence of lexical tokens, for what has to be known before, or instead of, parsing it:
// which operations it holds, whether its strings are well-formed Unicode, and its text without comments. Work is linear, and nothing is
// kept of the document.
//
// What it tells of a document that is not GraphQL has no meaning; it never fails.
package glance
