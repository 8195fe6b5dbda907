package telemetry

import (
	"sync"
	"sync/atomic"
)

// maxInterned bounds the distinct names of clients.
const maxInterned = 1000

// otherName stands for everything beyond a bound.
const otherName = "other"

// table is a bounded map that is read without a lock and copied to grow.
type table[K comparable, V any] struct {
	mu sync.Mutex
	m  atomic.Pointer[map[K]V]
}

func (t *table[K, V]) load() map[K]V {
	if m := t.m.Load(); m != nil {
		return *m
	}
	return nil
}

// add returns the value of k, made by create when there is none and fewer than limit are known.
func (t *table[K, V]) add(k K, limit int, create func() V) (v V, ok bool) {
	if len(t.load()) >= limit { // it never gets smaller
		return v, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.load()
	if v, ok := old[k]; ok {
		return v, true
	}
	if len(old) >= limit {
		return v, false
	}
	m := make(map[K]V, len(old)+1)
	for k, v := range old {
		m[k] = v
	}
	v = create()
	m[k] = v
	t.m.Store(&m)
	return v, true
}

// Intern returns b as a string without allocating when it is known. Names are cut at 64 bytes; beyond a bound of 1,000 names it returns
// "other".
func (t *Telemetry) Intern(b []byte) string {
	if len(b) > 64 {
		b = b[:64]
	}
	if s, ok := t.names.load()[string(b)]; ok {
		return s
	}
	if len(t.names.load()) >= maxInterned {
		return otherName
	}
	s := string(b)
	if s, ok := t.names.add(s, maxInterned, func() string { return s }); ok {
		return s
	}
	return otherName
}
