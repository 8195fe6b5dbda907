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
// found here until its decision was waited for, which is done when as many again have been handed over: a full tier turns most of them away before.
//
// Writers hold the tier's lock; readers need none but this one.
type waiting struct {
	mu             sync.RWMutex
	slots          map[key.Key]*entry.Slot // gathered and sent; of one key the later
	count          atomic.Int32            // of slots
	gathered, sent []*entry.Slot
	away, over     []*entry.Slot // scratch of part
	limit          int64         // of the bytes of either list
	bytes          int64         // of gathered
	sentBytes      int64
}

// A round of slots is handed over when it has so many of them, or so many bytes.
const (
	waitingSlots = 64
	waitingBytes = 256 << 10
)

// ask asks the slot under a key and returns it, nil when none waits. It does so under the lock, as part turns slots away: of one that was not asked until
// then nobody who came through here has a hold.
func (w *waiting) ask(k *key.Key) *entry.Slot {
	if w.count.Load() == 0 {
		return nil
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if s := w.slots[*k]; s != nil && !s.Left.Load() && s.Ask() {
		return s
	}
	return nil
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

// part ends a round: slots of which turned reports true are found here no longer, and the others are to be handed over. Both lists are valid until
// the next call.
func (w *waiting) part(turned func(*entry.Slot) bool) (away, over []*entry.Slot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.away)
	w.away, w.over = w.away[:0], w.over[:0]
	for _, s := range w.gathered {
		if turned(s) {
			delete(w.slots, s.Digest)
			w.away = append(w.away, s)
		} else {
			w.over = append(w.over, s)
		}
	}
	clear(w.gathered)
	w.gathered, w.bytes = w.gathered[:0], 0
	w.count.Store(int32(len(w.slots)))
	return w.away, w.over
}

// crowded reports whether ristretto has to decide about those handed over before these are, too.
func (w *waiting) crowded(over []*entry.Slot) bool {
	if len(w.sent) == 0 {
		return false
	}
	bytes := w.sentBytes
	for _, s := range over {
		bytes += s.Cost
	}
	return bytes > w.limit || len(w.sent)+len(over) > waitingSlots
}

// send notes that a slot is handed over.
func (w *waiting) send(s *entry.Slot) {
	w.sent = append(w.sent, s)
	w.sentBytes += s.Cost
}

// decided forgets those that were handed over: ristretto has them, or has let them go.
func (w *waiting) decided() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sent {
		if w.slots[s.Digest] == s { // else a later one waits
			delete(w.slots, s.Digest)
		}
	}
	clear(w.sent)
	w.sent, w.sentBytes = w.sent[:0], 0
	w.count.Store(int32(len(w.slots)))
}
