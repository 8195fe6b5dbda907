package memory

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// spares is memory of slots that left before anybody read them: of keys that came once to a full tier. The next answer is written there,
// where the processor's cache still is, and the collector has less to do.
type spares struct {
	mu    sync.Mutex
	list  [][]byte
	slots []*entry.Slot // cleared
	bytes int64
	limit int64
	taken atomic.Int64 // so many times
}

// maxSpares bounds how many there are; the last tried of them are looked at for one that fits.
const (
	maxSpares = 64
	tried     = 8
)

// Take returns memory of at least size bytes, and at most an eighth more; nil when there is none.
func (p *spares) Take(size int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.list) - 1; i >= max(0, len(p.list)-tried); i-- {
		if b := p.list[i]; len(b) >= size && len(b) <= size+size/8 {
			p.list = slices.Delete(p.list, i, i+1)
			p.bytes -= int64(len(b))
			p.taken.Add(1)
			return b
		}
	}
	return nil
}

// give keeps memory for Take; the oldest goes when there is too much.
func (p *spares) give(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.list) > 0 && (len(p.list) >= maxSpares || p.bytes+int64(len(b)) > p.limit) {
		p.bytes -= int64(len(p.list[0]))
		p.list = slices.Delete(p.list, 0, 1)
	}
	if int64(len(b)) <= p.limit {
		p.list = append(p.list, b)
		p.bytes += int64(len(b))
	}
}

// Slot implements entry.Spares.
func (p *spares) Slot() *entry.Slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.slots) - 1
	if last < 0 {
		return nil
	}
	s := p.slots[last]
	p.slots = p.slots[:last]
	return s
}

// giveSlot keeps a cleared slot for Slot.
func (p *spares) giveSlot(s *entry.Slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.slots) < maxSpares {
		p.slots = append(p.slots, s)
	}
}
