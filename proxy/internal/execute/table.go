package execute

// table finds numbers by hashes: open addressing, at most half full, and emptied by a new round instead of being cleared.
type table struct {
	cells []cell
	round uint32
	n     int32
}

type cell struct {
	hash  uint64
	round uint32
	n     int32
}

func (t *table) reset() {
	if t.round++; t.round == 0 || t.cells == nil {
		t.cells, t.round = make([]cell, max(64, len(t.cells))), 1
	}
	t.n = 0
}

// find returns the number of the hash for which same holds, or gives it the next one.
func (t *table) find(hash uint64, same func(n int32) bool) (n int32, known bool) {
	if 2*int(t.n) >= len(t.cells) {
		t.grow()
	}
	mask := uint64(len(t.cells) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch c := &t.cells[i]; {
		case c.round != t.round:
			*c = cell{hash, t.round, t.n}
			t.n++
			return c.n, false
		case c.hash == hash && same(c.n):
			return c.n, true
		}
	}
}

// look returns the number of the hash for which same holds.
func (t *table) look(hash uint64, same func(n int32) bool) (n int32, known bool) {
	mask := uint64(len(t.cells) - 1)
	for i := hash & mask; t.cells[i].round == t.round; i = (i + 1) & mask {
		if c := &t.cells[i]; c.hash == hash && same(c.n) {
			return c.n, true
		}
	}
	return 0, false
}

func (t *table) grow() {
	old := t.cells
	t.cells = make([]cell, 2*len(old))
	mask := uint64(len(t.cells) - 1)
	for _, c := range old {
		if c.round == t.round {
			i := c.hash & mask
			for t.cells[i].round == t.round {
				i = (i + 1) & mask
			}
			t.cells[i] = c
		}
	}
}
