package memory

import (
	"encoding/binary"

	"github.com/weirproxy/weir/cache/internal/key"
)

// doorkeeper remembers which keys were turned away from a full tier: a key gets in when it comes again. Most keys that come once never come again, and to
// let ristretto weigh each of them against what it holds costs more than the rest of a fill (Maggs and Sitaraman, "Algorithmic Nuggets in Content Delivery",
// 2015; Einziger, Friedman and Manes, "TinyLFU", 2017, whose name for it this is). It forgets by halves, so that a key is remembered for
// as many others as the tier has room for, and up to twice that. The tier's lock guards it.
type doorkeeper struct {
	young, old []uint64
	left       int // keys until the young half becomes the old one
	size       int // keys of a half
}

const (
	doorkeeperBits = 12 // of a half, for each key: about one in 40 is taken for one that came before
	lineWords      = 8
)

func newDoorkeeper(keys int) doorkeeper {
	words := max(64, keys*doorkeeperBits/64/lineWords*lineWords)
	return doorkeeper{young: make([]uint64, words), old: make([]uint64, words), left: keys, size: keys}
}

// doorkeeperBytes is the memory of a doorkeeper for so many keys.
func doorkeeperBytes(keys int) int64 {
	return 2 * 8 * int64(max(64, keys*doorkeeperBits/64/lineWords*lineWords))
}

// again reports whether the key was here before, and remembers it.
func (d *doorkeeper) again(k *key.Key) bool {
	h := binary.LittleEndian.Uint64(k[8:])
	line := h >> 18 % uint64(len(d.young)/lineWords) * lineWords // both bits of a key stand in one line of the processor's cache
	wordA, bitA := line+h>>6%lineWords, uint64(1)<<(h&63)
	wordB, bitB := line+h>>15%lineWords, uint64(1)<<(h>>9&63)
	if d.young[wordA]&bitA != 0 && d.young[wordB]&bitB != 0 {
		return true
	}
	before := d.old[wordA]&bitA != 0 && d.old[wordB]&bitB != 0
	d.young[wordA] |= bitA
	d.young[wordB] |= bitB
	if d.left--; d.left == 0 {
		d.young, d.old = d.old, d.young
		clear(d.young)
		d.left = d.size
	}
	return before
}
