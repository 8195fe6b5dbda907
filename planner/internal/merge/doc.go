// Package merge decides whether the fields of each selection set of a document can be merged into one response (GraphQL
// specification, September 2025, section 5.3.2), with work that is bounded whatever the document looks like.
//
// The usual algorithm compares fields in pairs; repeated fields, nested repetitions and fragments that spread each other
// make it quadratic or worse. Here the fields of merged selection sets are grouped by response name, each group is compared
// with its first member, and the sets behind a group are merged and looked at as one, once for each distinct merge. Every
// step counts against a budget.
//
// Ownership: the package reads schema and document, writes neither, and keeps nothing.
package merge
