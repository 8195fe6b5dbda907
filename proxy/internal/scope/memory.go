package scope

import (
	"crypto/sha256"
	"hash/maphash"
	"sync"
)

// Bounds of what is remembered.
const (
	memories   = 16 // parts, so that requests do not wait for each other
	maxKnown   = 10_000 / memories
	maxRefused = 2_000 / memories
	// maxKept is how long a value may be that is kept as it is; longer ones, and those that were refused, are kept by their SHA-256.
	maxKept = 4 << 10
)

// memory remembers tokens and header values that were looked at: signatures are not checked again for each request. What was refused is apart,
// so that a flood of it pushes nothing good out.
type memory struct {
	seed  maphash.Seed
	parts [memories]struct {
		sync.RWMutex
		known   map[uint64]*judgement // by a fast hash; the value itself is compared
		digests map[[32]byte]*judgement
	}
}

// judgement is what is known of one token or header value. It is immutable.
type judgement struct {
	scope      Scope
	claims     *Claims // nil: none are kept
	value      string  // with its kind before it
	until      int64   // unix ns
	keys       *keys   // nil: keys that do not change
	generation uint64  // of those
}

// Kinds of values.
const (
	aToken  = 't'
	aHeader = 'h'
)

// holds reports whether a judgement is still one: a key set that has changed may have lost the key, or got it.
func (j *judgement) holds(now int64) bool {
	if j.keys != nil && j.keys.generation.Load() != j.generation {
		return false
	}
	return now < j.until || j.scope.Class != Bypass // a good token that has expired is known as such
}

func (m *memory) get(kind byte, value []byte) *judgement {
	hash := maphash.Bytes(m.seed, value)
	p := &m.parts[hash%memories]
	p.RLock()
	j := p.known[hash]
	p.RUnlock()
	if j != nil && j.value[0] == kind && j.value[1:] == string(value) {
		return j
	}
	digest := digestOf(kind, value)
	p.RLock()
	defer p.RUnlock()
	return p.digests[digest]
}

func (m *memory) put(kind byte, value []byte, j *judgement) {
	hash, digest := maphash.Bytes(m.seed, value), digestOf(kind, value)
	p := &m.parts[hash%memories]
	p.Lock()
	defer p.Unlock()
	if p.known == nil {
		p.known, p.digests = map[uint64]*judgement{}, map[[32]byte]*judgement{}
	}
	if j.scope.Class != Bypass && len(value) <= maxKept {
		j.value = string(kind) + string(value)
		delete(p.digests, digest)
		makeRoom(p.known, maxKnown)
		p.known[hash] = j
		return
	}
	if old := p.known[hash]; old != nil && old.value[0] == kind && old.value[1:] == string(value) {
		delete(p.known, hash)
	}
	makeRoom(p.digests, maxRefused)
	p.digests[digest] = j
}

// makeRoom drops any one of a full map: tokens are short-lived.
func makeRoom[K comparable](m map[K]*judgement, most int) {
	for old := range m {
		if len(m) < most {
			return
		}
		delete(m, old)
	}
}

// size is how many values are remembered.
func (m *memory) size() (n int) {
	for i := range m.parts {
		p := &m.parts[i]
		p.RLock()
		n += len(p.known) + len(p.digests)
		p.RUnlock()
	}
	return n
}

// digestOf tells values apart that are not kept.
func digestOf(kind byte, value []byte) [32]byte {
	d := sha256.Sum256(value)
	d[0] ^= kind
	return d
}
