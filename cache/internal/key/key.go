package key

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Key is the full SHA-256 digest that identifies an entry. The zero Key is never produced by a Writer.
type Key [32]byte

// version separates this layout of parts from any later one.
const version = 2

const (
	kindBytes = 1
	kindUint  = 2
)

// Writer collects the parts of a key. The zero Writer is ready; Reset makes it ready again and keeps its scratch. Not safe
// for concurrent use.
type Writer struct {
	buf  []byte
	hash hash.Hash // kept: whether sha256.Sum256 allocates one depends on what the compiler inlines, and a build with a profile does
	sum  Key
}

// Reset forgets all parts and keeps the scratch.
func (w *Writer) Reset() { w.buf = append(w.buf[:0], version) }

// Part appends bytes under a tag the caller chose. The bytes are copied.
func (w *Writer) Part(tag byte, b []byte) {
	w.begin()
	w.buf = append(w.buf, kindBytes, tag)
	w.buf = binary.AppendUvarint(w.buf, uint64(len(b)))
	w.buf = append(w.buf, b...)
}

// Uint appends a number under a tag. Part and Uint never collide, whatever the bytes.
func (w *Writer) Uint(tag byte, v uint64) {
	w.begin()
	w.buf = append(w.buf, kindUint, tag)
	w.buf = binary.AppendUvarint(w.buf, v)
}

// Mark is how far the Writer has come, for Return.
func (w *Writer) Mark() int { return len(w.buf) }

// Return forgets the parts since a Mark.
func (w *Writer) Return(mark int) { w.buf = w.buf[:mark] }

// Sum returns the key of the parts so far. The Writer may go on collecting.
func (w *Writer) Sum() Key {
	w.begin()
	if w.hash == nil {
		w.hash = sha256.New()
	}
	w.hash.Reset()
	_, _ = w.hash.Write(w.buf) // never fails
	w.hash.Sum(w.sum[:0])
	return w.sum
}

// Cap returns the bytes of scratch the Writer holds, for owners that pool Writers and drop large ones.
func (w *Writer) Cap() int { return cap(w.buf) }

func (w *Writer) begin() {
	if len(w.buf) == 0 {
		w.buf = append(w.buf, version)
	}
}
