package scope

import (
	"crypto/sha256"
	"sync"
)

// Bounds of what is remembered.
const (
	memories   = 16 // parts, so that requests do not wait for each other
	maxKnown   = 10_000 / memories
	maxRefused = 2_000 / memories
)

// memory remembers tokens that were looked at, by their SHA-256: signatures are not checked again for each request. Those that were refused
// are apart, so that a flood of them pushes no good one out.
type memory struct {
	parts [memories]struct {
		sync.RWMutex
		known   map[[32]byte]*judgement
		refused map[[32]byte]*judgement
	}
}

// judgement is what is known of one token or header value. It is immutable.
type judgement struct {
	scope      Scope
	until      int64  // unix ns
	keys       *keys  // nil: keys that do not change
	generation uint64 // of those
}

// holds reports whether a judgement is still one: a key set that has changed may have lost the key, or got it.
func (j *judgement) holds(now int64) bool {
	if j.keys != nil && j.keys.generation.Load() != j.generation {
		return false
	}
	return now < j.until || j.scope.Class != Bypass // a good token that has expired is known as such
}

func (m *memory) get(digest *[32]byte) *judgement {
	p := &m.parts[digest[0]%memories]
	p.RLock()
	defer p.RUnlock()
	if j := p.known[*digest]; j != nil {
		return j
	}
	return p.refused[*digest]
}

func (m *memory) put(digest *[32]byte, j *judgement) {
	p := &m.parts[digest[0]%memories]
	p.Lock()
	defer p.Unlock()
	if p.known == nil {
		p.known, p.refused = map[[32]byte]*judgement{}, map[[32]byte]*judgement{}
	}
	into, most := p.known, maxKnown
	if j.scope.Class == Bypass {
		into, most = p.refused, maxRefused
		delete(p.known, *digest)
	} else {
		delete(p.refused, *digest)
	}
	for old := range into { // any one: tokens are short-lived
		if len(into) < most {
			break
		}
		delete(into, old)
	}
	into[*digest] = j
}

// size is how many tokens are remembered.
func (m *memory) size() (n int) {
	for i := range m.parts {
		p := &m.parts[i]
		p.RLock()
		n += len(p.known) + len(p.refused)
		p.RUnlock()
	}
	return n
}

// digestOf tells tokens and header values apart.
func digestOf(kind byte, value []byte) [32]byte {
	d := sha256.Sum256(value)
	d[0] ^= kind
	return d
}
