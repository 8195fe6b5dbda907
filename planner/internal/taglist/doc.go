// Package taglist holds a reusable list of cache tags in one buffer. It does not sort, count or deduplicate.
//
// Ownership: the list copies what is appended; what At returns is good until the next Reset or Append.
package taglist
