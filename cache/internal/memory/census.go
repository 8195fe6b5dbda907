package memory

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"github.com/weirproxy/weir/cache/internal/key"
)

// census counts the slots of the tier by groups of keys. A key whose group is empty is not there: most keys that miss are told so by
// one look at memory that stays in the processor's cache, in place of a look into each of the maps. It is a counting Bloom filter of one
// hash (Fan, Cao, Almeida and Broder, "Summary Cache", 2000). It needs no lock: a slot is counted before it can be found, and until it
// cannot be found any more.
type census struct {
	counts []atomic.Uint32 // eight groups each
	mask   uint64
}

const censusPer = 128 // bytes of the tier for each group

func newCensus(maxBytes int64) census {
	groups := uint64(2 * censusBytes(maxBytes))
	return census{counts: make([]atomic.Uint32, groups/8), mask: groups - 1}
}

// censusBytes is the memory of a census for a tier of so many bytes.
func censusBytes(maxBytes int64) int64 {
	return 1 << bits.Len64(uint64(max(1024, maxBytes/censusPer))-1) / 2
}

func (c *census) group(k *key.Key) (word *atomic.Uint32, shift uint) {
	g := binary.LittleEndian.Uint64(k[8:]) & c.mask
	return &c.counts[g/8], uint(g%8) * 4
}

// absent reports that no slot is counted under the key.
func (c *census) absent(k *key.Key) bool {
	word, shift := c.group(k)
	return word.Load()>>shift&0xf == 0
}

// add counts a slot; a group holds far less than the 15 that it can count, for keys are digests and groups more than slots. (One that held more
// would let another count wrong, and keys of theirs miss.)
func (c *census) add(k *key.Key) {
	word, shift := c.group(k)
	word.Add(1 << shift)
}

func (c *census) remove(k *key.Key) {
	word, shift := c.group(k)
	word.Add(-(1 << shift))
}
