package adapt

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	rows    = 2
	columns = 4096
	// sample is how many views one that is counted stands for: a hit that is not counted writes nothing that others read.
	sample = 8
)

// Views counts how often keys were asked for within a window that slides, about: keys that share their places are counted together, so a
// count may be too high and is hardly ever too low by more than chance. The zero value has counted none.
type Views struct {
	turn atomic.Int64 // number of the window that is filled
	sets [2][rows][columns]atomic.Uint32
}

// Count notes that a key was asked for at unix ns now. Of sample calls one counts.
func (v *Views) Count(key *[32]byte, window time.Duration, now int64) {
	if rand.Uint32()%sample != 0 {
		return
	}
	v.count(key, sample, v.advance(now/int64(window)))
}

func (v *Views) count(key *[32]byte, n uint32, turn int64) {
	set := &v.sets[turn&1]
	for i := range set {
		set[i][place(key, i)].Add(n)
	}
}

// Of returns how often the key was asked for in the window that ends at unix ns now.
func (v *Views) Of(key *[32]byte, window time.Duration, now int64) int {
	turn := v.advance(now / int64(window))
	left := 1 - float64(now%int64(window))/float64(window) // of the window before
	fewest := -1
	for i := range rows {
		at := place(key, i)
		n := int(v.sets[turn&1][i][at].Load()) + int(left*float64(v.sets[1-turn&1][i][at].Load()))
		if fewest < 0 || n < fewest {
			fewest = n
		}
	}
	return fewest
}

// advance begins a new window when it is time; one caller forgets the one before the last.
func (v *Views) advance(turn int64) int64 {
	have := v.turn.Load()
	if turn == have || !v.turn.CompareAndSwap(have, turn) {
		return turn
	}
	v.forget(turn & 1)
	if turn != have+1 { // both are of long ago, or a clock jumped
		v.forget(1 - turn&1)
	}
	return turn
}

func (v *Views) forget(set int64) {
	for i := range rows {
		for j := range columns {
			v.sets[set][i][j].Store(0)
		}
	}
}

func place(key *[32]byte, row int) uint32 {
	return binary.LittleEndian.Uint32(key[4*row:]) % columns
}
