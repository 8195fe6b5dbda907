// Package ring is a bounded buffer of records between many writers and one reader. Writers copy a record in under the lock of one of several
// shards, the reader takes whole shards and gives their memory back. Nothing is allocated after warm-up.
package ring
