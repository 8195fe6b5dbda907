package planner

import (
	"crypto/sha256"
	"encoding/binary"
)

// sum is the SHA-256 over length-prefixed parts; purpose keeps digests of different things apart.
func sum(purpose string, parts ...string) (out [32]byte) {
	h := sha256.New()
	var size [8]byte
	write := func(s string) {
		binary.BigEndian.PutUint64(size[:], uint64(len(s)))
		h.Write(size[:])
		h.Write([]byte(s))
	}
	write(purpose)
	for _, s := range parts {
		write(s)
	}
	h.Sum(out[:0])
	return out
}
