// Package ring is a bounded buffer of encoded events between many writers and one reader. Writers append under the lock of one of several
// shards, the reader takes whole buffers and gives them back. Nothing is allocated after warm-up.
package ring
