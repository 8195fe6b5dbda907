package planner

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"github.com/zeebo/xxh3"
)

// table is a hash table that is read without a lock. Buckets are linked lists; one writer at a time changes links, and a reader that
// stands on a removed entry still finds its way through the entries behind it.
type table struct {
	buckets []atomic.Pointer[entry]
	mask    uint64
}

// entry leads from one key to its record. All but next and used is immutable.
type entry struct {
	next    atomic.Pointer[entry]
	record  *record
	hash    uint64
	query   []byte
	name    []byte
	escaped bool
	used    mark // since room was needed for another spelling
}

// request returns a request with this spelling.
func (e *entry) request() *Request {
	return &Request{Query: e.query, OperationName: e.name, Escaped: e.escaped}
}

func (t *table) init(size int) {
	n := 1 << bits.Len(uint(max(size, 8)))
	t.buckets = make([]atomic.Pointer[entry], n)
	t.mask = uint64(n - 1)
}

func (t *table) find(hash uint64, query, name []byte, escaped bool) *entry {
	for e := t.buckets[hash&t.mask].Load(); e != nil; e = e.next.Load() {
		if e.hash == hash && e.escaped == escaped && string(e.query) == string(query) && string(e.name) == string(name) {
			return e
		}
	}
	return nil
}

func (t *table) insert(e *entry) {
	head := &t.buckets[e.hash&t.mask]
	e.next.Store(head.Load())
	head.Store(e)
}

func (t *table) remove(e *entry) {
	for at := &t.buckets[e.hash&t.mask]; ; {
		x := at.Load()
		if x == nil {
			return
		}
		if x == e {
			at.Store(e.next.Load())
			return
		}
		at = &x.next
	}
}

func (c *Cache) rawHash(r *Request) uint64 {
	h := xxh3.HashSeed(r.Query, c.seed)
	if len(r.OperationName) > 0 {
		h ^= xxh3.HashSeed(r.OperationName, ^c.seed)
	}
	return h
}

func digestHash(digest *[32]byte) uint64 { return binary.LittleEndian.Uint64(digest[:]) }
