package memory

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

// waiting holds the slots that were put and that ristretto has not decided about. Ristretto applies sets in a goroutine of its own: to hand
// over each one by itself, and to wait for its fate, costs more than the rest of a fill. So they are gathered, handed over together, and
// found here until the next ones are.
//
// Writers hold the tier's lock; readers need none but this one.
type waiting struct {
	mu             sync.RWMutex
	slots          map[key.Key]*entry.Slot // gathered and sent; of one key the later
	count          atomic.Int32            // of slots
	gathered, sent []*entry.Slot
	limit, bytes   int64 // of gathered
}

// A round of slots is handed over when it has so many of them, or so many bytes.
const (
	waitingSlots = 64
	waitingBytes = 256 << 10
)

// get returns the slot under a key, nil when it does not wait.
func (w *waiting) get(k *key.Key) *entry.Slot {
	if w.count.Load() == 0 {
		return nil
	}
	w.mu.RLock()
	s := w.slots[*k]
	w.mu.RUnlock()
	if s == nil || s.Left.Load() {
		return nil
	}
	return s
}

// full reports whether a slot of the given cost has no place among those gathered.
func (w *waiting) full(cost int64) bool {
	return len(w.gathered) >= waitingSlots || w.bytes+cost > w.limit
}

// add gathers a slot and returns the one that it takes the place of, nil when there is none, and whether that was handed over.
func (w *waiting) add(s *entry.Slot) (old *entry.Slot, sent bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old = w.slots[s.Digest]; old != nil {
		sent = !w.forget(old)
	}
	w.gathered = append(w.gathered, s)
	w.bytes += s.Cost
	w.slots[s.Digest] = s
	w.count.Store(int32(len(w.slots)))
	return old, sent
}

// drop takes a slot out, and reports whether it was there and whether it was handed over.
func (w *waiting) drop(s *entry.Slot) (there, sent bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.slots[s.Digest] != s {
		return false, false
	}
	sent = !w.forget(s)
	delete(w.slots, s.Digest)
	w.count.Store(int32(len(w.slots)))
	return true, sent
}

// forget takes a slot out of those gathered, and reports whether it was one. The lock is held.
func (w *waiting) forget(s *entry.Slot) bool {
	i := slices.Index(w.gathered, s)
	if i < 0 {
		return false
	}
	w.gathered = slices.Delete(w.gathered, i, i+1)
	w.bytes -= s.Cost
	return true
}

// next returns the slots to hand over, and forgets those that were handed over before: ristretto has them, or has let them go.
func (w *waiting) next() []*entry.Slot {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sent {
		if w.slots[s.Digest] == s { // else a later one waits
			delete(w.slots, s.Digest)
		}
	}
	clear(w.sent)
	w.gathered, w.sent = w.sent[:0], w.gathered
	w.bytes = 0
	w.count.Store(int32(len(w.slots)))
	return w.sent
}
