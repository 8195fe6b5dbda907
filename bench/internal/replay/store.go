package replay

import (
	"fmt"
	"unsafe"
)

const (
	chunkBits = 22
	chunkSize = 1 << chunkBits // also the longest text
	// maxShared is how many texts are looked up to be kept once. Recordings repeat few texts very often; those beyond are kept as often as they come.
	maxShared = 1 << 16
)

// ref is a text in a store: chunk, position and length.
type ref uint64

// store keeps texts. What it holds is not scanned by the collector, and grows by whole chunks.
type store struct {
	chunks [][]byte
	shared map[string]ref
	max    int64 // bytes
}

func newStore(maxBytes int64) *store { return &store{shared: map[string]ref{}, max: maxBytes} }

// errFull is a store at its bound.
type errFull struct{ bytes int64 }

func (e *errFull) Error() string {
	return fmt.Sprintf("the requests hold more than %d MiB; read fewer with --max-records", e.bytes>>20)
}

// keep copies a text, once when it came before.
func (s *store) keep(text []byte) (ref, error) {
	if len(text) == 0 {
		return 0, nil
	}
	if r, ok := s.shared[string(text)]; ok {
		return r, nil
	}
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last])+len(text) > chunkSize {
		if int64(len(s.chunks)+1)*chunkSize > s.max {
			return 0, &errFull{s.max}
		}
		s.chunks = append(s.chunks, make([]byte, 0, chunkSize))
		last++
	}
	at := len(s.chunks[last])
	s.chunks[last] = append(s.chunks[last], text...)
	r := ref(last)<<(2*chunkBits) | ref(at)<<chunkBits | ref(len(text))
	if len(s.shared) < maxShared {
		// A chunk never moves and what was written to it never changes: the key may alias it.
		s.shared[unsafe.String(&s.chunks[last][at], len(text))] = r
	}
	return r, nil
}

// text is valid as long as the store.
func (s *store) text(r ref) []byte {
	if r == 0 {
		return nil
	}
	at := int(r >> chunkBits & (chunkSize - 1))
	return s.chunks[r>>(2*chunkBits)][at : at+int(r&(chunkSize-1))]
}
