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
	young, old []doorLine
	left       int // keys until the young half becomes the old one
	size       int // keys of a half
}

// doorLine is a line of the processor's cache: all bits of a key stand in one (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
type doorLine [lineBits / 64]uint64

const (
	lineBits       = 512
	doorkeeperBits = 16 // of a half, for each key
	keyBits        = 4  // that a key sets: about one in 250 is taken for one that came before
)

func doorLines(keys int) int { return max(8, keys*doorkeeperBits/lineBits) }

func newDoorkeeper(keys int) doorkeeper {
	n := doorLines(keys)
	return doorkeeper{young: make([]doorLine, n), old: make([]doorLine, n), left: keys, size: keys}
}

// doorkeeperBytes is the memory of a doorkeeper for so many keys.
func doorkeeperBytes(keys int) int64 { return 2 * lineBits / 8 * int64(doorLines(keys)) }

// again reports whether the key was here before, and remembers it.
func (d *doorkeeper) again(k *key.Key) bool {
	at := binary.LittleEndian.Uint64(k[8:]) >> 18 % uint64(len(d.young))
	young, old := &d.young[at], &d.old[at]
	inYoung, inOld := true, true
	bits := binary.LittleEndian.Uint64(k[:])
	for range keyBits {
		word, bit := bits/64%uint64(len(young)), uint64(1)<<(bits%64)
		inYoung = inYoung && young[word]&bit != 0
		inOld = inOld && old[word]&bit != 0
		young[word] |= bit
		bits /= lineBits
	}
	if inYoung {
		return true
	}
	if d.left--; d.left == 0 {
		d.young, d.old = d.old, d.young
		clear(d.young)
		d.left = d.size
	}
	return inOld
}
