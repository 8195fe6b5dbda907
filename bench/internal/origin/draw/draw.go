package draw

import (
	"encoding/binary"
	"hash/fnv"
	"math"
)

// golden is 2^64 divided by the golden ratio: its multiples cover the circle as evenly as any sequence does, without a short period.
const golden = 0x9E3779B97F4A7C15

// Stream derives an independent seed for a named purpose.
func Stream(seed uint64, name string) uint64 {
	h := fnv.New64a()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	_, _ = h.Write(b[:]) // a hash never fails
	_, _ = h.Write([]byte(name))
	return mix(h.Sum64())
}

// mix is a bijection of 64 bits whose every output bit depends on every input bit (the finalizer of splitmix64).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Bits are 64 random bits of one ordinal.
func Bits(stream, ordinal uint64) uint64 { return mix(stream + (ordinal+1)*golden) }

// Uniform is a number in (0,1), never 0 and never 1.
func Uniform(stream, ordinal uint64) float64 {
	return (float64(Bits(stream, ordinal)>>11) + 0.5) / (1 << 53)
}

// Chosen tells whether an ordinal belongs to a share (0..1). Of any n ordinals in a row, the chosen are share·n to within a few: the choice is spread evenly
// and has no period a workload could fall in step with.
func Chosen(stream, ordinal uint64, share float64) bool {
	if share >= 1 {
		return true
	}
	return float64(stream+ordinal*golden) < share*math.Pow(2, 64)
}

// Text fills dst with letters and digits.
func Text(dst []byte, stream uint64) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	var word uint64
	for i := range dst {
		if i%10 == 0 {
			word = Bits(stream, uint64(i/10))
		}
		dst[i] = letters[word&63]
		word >>= 6
	}
}
