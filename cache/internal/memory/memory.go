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
	nearly  int64 // bytes at which the tier counts as full
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
		max: maxBytes, nearly: maxBytes - maxBytes/16, door: newDoorkeeper(remembered), held: held.New(maxBytes), census: newCensus(maxBytes),
	}
	m.waiting.limit = min(maxBytes/64, waitingBytes)
	m.spares.limit = m.waiting.limit
	m.waiting.slots = make(map[key.Key]*entry.Slot, 2*waitingSlots)
	m.bytes.Store(own)
	inner, err := ristretto.NewCache(&ristretto.Config[string, *entry.Slot]{
		NumCounters:        counters,
		MaxCost:            maxBytes - own - 3*m.waiting.limit, // those handed over, those gathered, and spares
		BufferItems:        64,
		IgnoreInternalCost: true, // a slot's cost counts everything
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

// gone takes a slot off the counts, once.
func (m *Memory) gone(s *entry.Slot, evicted bool) {
	if s == nil || !s.Left.CompareAndSwap(false, true) {
		return
	}
	m.place(&s.Digest).CompareAndSwap(s, nil)
	m.held.Remove(s)
	m.census.remove(&s.Digest)
	m.bytes.Add(-s.Cost)
	m.entries.Add(-1)
	if evicted {
		m.evicted.Add(1)
	}
	m.reuse(s)
}

// reuse takes the memory of a slot that has left, when nobody may read it.
func (m *Memory) reuse(s *entry.Slot) {
	if b := s.Recycle(); b != nil {
		m.spares.give(b)
	}
}

// Written tells that a slot which was queued for the shared tier is not read for it any more. It may have left meanwhile; of this and of its
// leaving the later one finds nobody who reads it.
func (m *Memory) Written(s *entry.Slot) {
	s.Written()
	if s.Left.Load() {
		m.reuse(s)
	}
}

// Spares is memory for drafts.
func (m *Memory) Spares() interface{ Take(size int) []byte } { return &m.spares }

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
	s, ok := m.inner.Get(name(k))
	if !ok || s == nil || s.Digest != *k {
		if s = m.Recent(k); s != nil {
			used(hot, s)
		}
		return s
	}
	if w := m.waiting.get(k); w != nil { // it takes the place of the one that was found
		s = w
	}
	if !s.Ask() {
		return nil
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
	if s := m.waiting.get(k); s != nil && s.Ask() {
		return s
	}
	return nil
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
	m.held.Add(s)
	m.bytes.Add(s.Cost)
	m.entries.Add(1)
	m.census.add(&s.Digest)
	old, sent := m.waiting.add(s)
	m.gone(old, false)
	m.place(&s.Digest).Store(s)
	if sent || !fresh {
		m.remove(&s.Digest, sent) // an update in place would not obey the bound
	}
	if s.Cost > m.waiting.limit { // too large to wait for others
		m.settle()
		m.settle()
	}
	return !s.Left.Load()
}

// settle lets go of the slots whose fate ristretto has decided since the last call, and hands those that were gathered since over to it.
// The lock is held.
func (m *Memory) settle() {
	if len(m.waiting.sent) > 0 {
		m.inner.Wait()
	}
	full := m.bytes.Load() >= m.nearly
	for _, s := range m.waiting.next() {
		if full && !s.Asked() && !m.door.again(&s.Digest) {
			m.gone(s, true)
			continue
		}
		if full { // ristretto weighs keys by how often they are asked for, and is not asked for those that are absent
			m.inner.Get(name(&s.Digest))
		}
		if !m.inner.Set(name(&s.Digest), s, s.Cost) {
			m.gone(s, true)
		}
	}
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
		m.gone(s, false)
		m.remove(&s.Digest, sent)
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

// Held is the reverse index of the tier's slots.
func (m *Memory) Held() *held.Set { return m.held }

// Close ends the tier's goroutines. What comes later finds nothing and is not stored.
func (m *Memory) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.inner.Close()
}
