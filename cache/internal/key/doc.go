// Package key builds cache keys: SHA-256 over parts that are each preceded by a type tag and a length, so that no two
// different lists of parts can produce the same bytes. It never interprets a part. The Writer owns its scratch and is not
// safe for concurrent use; a Key is a value.
package key
