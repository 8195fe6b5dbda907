package memory

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/dgraph-io/ristretto/v2"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/held"
	"github.com/weirproxy/weir/cache/internal/key"
)

// Memory is safe for concurrent use.
type Memory struct {
	inner   *ristretto.Cache[string, *entry.Slot]
	hot     [hotSlots]atomic.Pointer[entry.Slot]
	max     int64
	mu      sync.Mutex // of what changes the tier: one change at a time
	closed  bool
	waiting waiting
	door    doorkeeper
	held    *held.Set
	census  census
	spares  spares
	room    int64 // bytes; what is beyond them pushes something out
	bytes   atomic.Int64
	entries atomic.Int64
	evicted atomic.Uint64
}

// The slots asked for most are found by their digest without ristretto, which allocates to record each access. One access in hotSample
// is still recorded, so that its choice of what to keep stays right.
const (
	hotSlots  = 1 << 12
	hotSample = 1 << 6
)

func (m *Memory) place(k *key.Key) *atomic.Pointer[entry.Slot] {
	return &m.hot[binary.LittleEndian.Uint16(k[16:])%hotSlots]
}

// What ristretto and the hot slots take beside the slots: access counters for each KiB of the bound, bytes for each counter, and a fixed
// part, most of it ristretto's queue of sets. Ristretto rounds the counters up to a power of two: with five for each KiB a bound of 64 MiB would have
// twice as many, and a full tier about one hit in 200 more.
const (
	countersPer  = 4
	counterBytes = 5
	fixedBytes   = 300 << 10
)

// Open returns a tier of at most maxBytes, bookkeeping included (below 1 MiB up to 300 KiB of it are not).
func Open(maxBytes int64) (*Memory, error) {
	counters := max(1000, maxBytes/1024*countersPer)
	remembered := int(max(256, maxBytes/1024))
	own := min(fixedBytes+counters*counterBytes+doorkeeperBytes(remembered)+held.Bytes(maxBytes)+censusBytes(maxBytes), maxBytes/2) // the smallest bounds cannot hold it
	m := &Memory{
		max: maxBytes, door: newDoorkeeper(remembered), held: held.New(maxBytes), census: newCensus(maxBytes),
	}
	m.waiting.limit = min(maxBytes/64, waitingBytes)
	m.spares.limit = m.waiting.limit
	m.room = maxBytes - 3*m.waiting.limit // beside those handed over, those gathered, and spares
	m.waiting.slots = make(map[key.Key]*entry.Slot, 2*waitingSlots)
	m.bytes.Store(own)
	inner, err := ristretto.NewCache(&ristretto.Config[string, *entry.Slot]{
		NumCounters:        counters,
		MaxCost:            m.room - own,
		BufferItems:        64,
		IgnoreInternalCost: true, // a slot's cost counts everything
		// Slots know themselves how long they are good, so that ristretto has none to look for every few seconds.
		TtlTickerDurationInSec: 365 * 24 * 3600,
		KeyToHash: func(k string) (uint64, uint64) {
			b := unsafe.Slice(unsafe.StringData(k), len(k))
			return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		},
		OnEvict:  func(i *ristretto.Item[*entry.Slot]) { m.gone(i.Value, true) },
		OnReject: func(i *ristretto.Item[*entry.Slot]) { m.gone(i.Value, true) },
		OnExit:   func(s *entry.Slot) { m.gone(s, false) }, // whatever else made it leave
	})
	if err != nil {
		return nil, fmt.Errorf("cache: memory: %w", err)
	}
	m.inner = inner
	return m, nil
}

// gone takes a slot off the counts, once. Unless it was asked for, pinned or listed it must not be looked at afterwards.
func (m *Memory) gone(s *entry.Slot, evicted bool) {
	if s == nil || !s.Left.CompareAndSwap(false, true) {
		return
	}
	if s.Asked() { // else it is in no hot place, and Get sees to one that is asked for at this moment
		m.place(&s.Digest).CompareAndSwap(s, nil)
	}
	if s.Listed {
		m.held.Remove(s)
	}
	m.census.remove(&s.Digest)
	m.bytes.Add(-s.Cost)
	m.entries.Add(-1)
	if evicted {
		m.evicted.Add(1)
	}
	if s.Leave() {
		m.reuse(s)
	}
}

// reuse takes the memory of a slot that nobody may read. Of one that was listed somebody may still have the pointer: only its content serves again.
func (m *Memory) reuse(s *entry.Slot) {
	listed := s.Listed
	if b := s.Bytes(); b != nil {
		m.spares.give(b)
	}
	if !listed && s.Clear() {
		m.spares.giveSlot(s)
	}
}

// Written tells that a slot which was queued for the shared tier is not read for it any more.
func (m *Memory) Written(s *entry.Slot) {
	if s.Written() {
		m.reuse(s)
	}
}

// Done tells that the one who made the slot and put it here is done with it.
func (m *Memory) Done(s *entry.Slot) {
	if s.Done() {
		m.reuse(s)
	}
}

// Spares is memory for drafts.
func (m *Memory) Spares() entry.Spares { return &m.spares }

// name makes ristretto's key of a digest without a copy; ristretto hashes it and does not keep it.
func name(k *key.Key) string { return unsafe.String(&k[0], len(k)) }

// Get returns the slot under a key; nil when there is none. The digest is compared in full. It allocates nothing.
func (m *Memory) Get(k *key.Key) *entry.Slot {
	if m.census.absent(k) { // before the look at another slot, which is in no cache
		return nil
	}
	hot := m.place(k)
	if s := hot.Load(); s != nil && s.Digest == *k && rand.Uint32()%hotSample != 0 && s.Ask() {
		return s
	}
	s := m.waiting.ask(k) // it takes the place of one that ristretto has
	if s == nil {
		if s, _ = m.inner.Get(name(k)); s == nil || s.Digest != *k || !s.Ask() {
			return nil
		}
	}
	if !used(hot, s) {
		hot.Store(s)
	}
	if s.Left.Load() { // it left meanwhile, and must not be held here
		hot.CompareAndSwap(s, nil)
	}
	return s
}

// used notes an access of a slot that was not taken from its hot place, or one in hotSample of those that are. It reports whether the slot
// is there.
func used(hot *atomic.Pointer[entry.Slot], s *entry.Slot) bool {
	if hot.Load() == s {
		s.Uses.Add(hotSample)
		return true
	}
	s.Uses.Add(1)
	return false
}

// Recent is Get for a slot that was put a moment ago: others may or may not be found.
func (m *Memory) Recent(k *key.Key) *entry.Slot {
	if m.census.absent(k) {
		return nil
	}
	if s := m.place(k).Load(); s != nil && s.Digest == *k && !s.Left.Load() && s.Ask() {
		return s
	}
	return m.waiting.ask(k)
}

// Put stores a slot in place of an earlier one; it is found from now on. A full tier may prefer what it has, and lets the slot go soon
// after. fresh tells that Get found nothing under the key, and that nobody else has put something there since. Put reports whether the
// slot was taken.
func (m *Memory) Put(s *entry.Slot, fresh bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	if m.waiting.full(s.Cost) {
		m.settle()
	}
	m.bytes.Add(s.Cost)
	m.entries.Add(1)
	m.census.add(&s.Digest)
	old, sent := m.waiting.add(s)
	m.gone(old, false)
	m.place(&s.Digest).Store(nil) // ristretto hears of few accesses to hot slots: each has to stand the test again now and then
	if sent || !fresh {
		m.remove(&s.Digest, sent) // an update in place would not obey the bound
	}
	if s.Cost > m.waiting.limit { // too large to wait for others
		m.settle()
		m.await()
	}
	return !s.Left.Load()
}

// settle ends the round of those gathered: a full tier turns away what comes for the first time, and ristretto gets the rest. The lock is held.
func (m *Memory) settle() {
	full := m.bytes.Load() > m.room // those gathered included
	away, over := m.waiting.part(func(s *entry.Slot) bool { return full && !s.Asked() && !m.door.again(&s.Digest) })
	for _, s := range away {
		m.gone(s, true)
	}
	if m.waiting.crowded(over) {
		m.await()
	}
	for _, s := range over {
		m.list(s)
		if full { // ristretto weighs keys by how often they are asked for, and is not asked for those that are absent
			m.inner.Get(name(&s.Digest))
		}
		m.waiting.send(s)
		if !m.inner.Set(name(&s.Digest), s, s.Cost) {
			m.gone(s, true)
		}
	}
}

// list enters a slot into the reverse index. The lock is held.
func (m *Memory) list(s *entry.Slot) {
	if !s.Listed {
		s.Listed = true
		m.held.Add(s)
	}
}

// await waits until ristretto has decided about all that it was given. The lock is held.
func (m *Memory) await() {
	m.inner.Wait()
	m.waiting.decided()
}

// Delete removes the slot if it is still this one.
func (m *Memory) Delete(s *entry.Slot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	there, sent := m.waiting.drop(s)
	if !there {
		kept, ok := m.inner.Get(name(&s.Digest))
		there = ok && kept == s
	}
	if there {
		k := s.Digest
		m.gone(s, false)
		m.remove(&k, sent)
	}
}

// remove takes what is under the key out of ristretto, which counts it as gone; sent tells that a slot is on its way there.
func (m *Memory) remove(k *key.Key, sent bool) {
	if _, ok := m.inner.GetTTL(name(k)); ok || sent {
		m.inner.Del(name(k))
	}
}

// Stats returns what the tier holds and its bound, and how many slots were pushed out or not let in.
func (m *Memory) Stats() (bytes, maxBytes, entries int64, evicted uint64) {
	return m.bytes.Load(), m.max, m.entries.Load(), m.evicted.Load()
}

// Held is the reverse index of the tier's slots, of all that were put until now. Most of what is put into a full tier is turned away soon, so a slot is
// entered when it is handed over to ristretto, or when somebody wants to look.
func (m *Memory) Held() *held.Set {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.waiting.gathered {
		m.list(s)
	}
	return m.held
}

// Close ends the tier's goroutines. What comes later finds nothing and is not stored.
func (m *Memory) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.inner.Close()
}
