package memory

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weirproxy/weir/cache/internal/entry"
)

type oneTag [8]byte

func (t oneTag) Len() int        { return 1 }
func (t oneTag) At(_ int) []byte { return t[:] }

// TestNobodyReadsMemoryThatServesAnother lets many ask a small tier for many keys, and compares every byte of what they get. What leaves the
// tier without having been read serves the next answer; under the race detector it is overwritten before.
func TestNobodyReadsMemoryThatServesAnother(t *testing.T) {
	m, err := Open(512 << 10)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const keys, rounds = 3000, 40_000
	var again atomic.Int64
	var work, writing sync.WaitGroup
	queue := make(chan *entry.Slot, 64)
	writing.Go(func() { // as the shared tier does, which reads a slot whatever became of it here
		for s := range queue {
			n := binary.LittleEndian.Uint64(s.Head)
			for _, c := range s.Body {
				if c != byte(n) || binary.LittleEndian.Uint64(s.Tags.At(0)) != n {
					t.Errorf("key %d is written with a byte of another", n)
					break
				}
			}
			m.Written(s)
		}
	})
	for w := range uint64(4) {
		work.Go(func() {
			r := rand.New(rand.NewPCG(w, 1))
			body := make([]byte, 700)
			for range rounds {
				n := r.Uint64N(keys)
				n = min(n, r.Uint64N(keys)) // some are asked for more often
				k := numbered(n)
				s := m.Get(&k)
				if s == nil {
					size := 500 + int(n%200)
					for i := range body[:size] {
						body[i] = byte(n)
					}
					var tag oneTag
					binary.LittleEndian.PutUint64(tag[:], n)
					before := m.spares.taken.Load()
					s = entry.Build(&entry.Draft{
						Entry: entry.Entry{Digest: k, Head: tag[:], Body: body[:size]}, Tags: tag, Spares: m.Spares(),
					}, binary.LittleEndian.Uint64)
					again.Add(m.spares.taken.Load() - before)
					shared := r.Uint64N(2) == 0
					if shared {
						s.Queue()
					}
					m.Put(s, true)
					if shared {
						queue <- s
					}
					continue
				}
				if binary.LittleEndian.Uint64(s.Head) != n || binary.LittleEndian.Uint64(s.Tags.At(0)) != n || len(s.Body) != 500+int(n%200) {
					t.Errorf("key %d got another head or tag, or %d bytes", n, len(s.Body))
					return
				}
				for _, c := range s.Body {
					if c != byte(n) {
						t.Errorf("key %d got a byte of another", n)
						return
					}
				}
			}
		})
	}
	work.Wait()
	close(queue)
	writing.Wait()
	if again.Load() < keys {
		t.Errorf("memory was used again %d times only", again.Load())
	}
}

func TestWhatWasReadIsNotUsedAgain(t *testing.T) {
	for name, read := range map[string]func(*entry.Slot) bool{"asked": (*entry.Slot).Ask, "pinned": (*entry.Slot).Pin} {
		s := slotOf(numbered(1), 100)
		if !read(s) || s.Leave() || !read(s) {
			t.Errorf("%s: its memory is used again", name)
		}
	}
	s := slotOf(numbered(1), 100)
	if !s.Leave() || s.Ask() || s.Pin() || s.Asked() {
		t.Error("a slot whose memory is used again may be read")
	}
}

// Whoever is the last to have a hold of a slot frees it, and nobody else does.
func TestTheLastOneFrees(t *testing.T) {
	ends := []func(*entry.Slot) bool{(*entry.Slot).Leave, (*entry.Slot).Written, (*entry.Slot).Done}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		for _, asked := range []bool{false, true} {
			s := slotOf(numbered(1), 100)
			s.Queue()
			s.Make()
			if asked {
				s.Ask()
			}
			for i, end := range order {
				if free := ends[end](s); free != (i == 2 && !asked) {
					t.Errorf("order %v, asked %v: end %d says %v", order, asked, i, free)
				}
			}
			if s.Ask() != asked {
				t.Errorf("order %v: asked %v before it was freed, and %v afterwards", order, asked, !asked)
			}
		}
	}
}

func TestWhatIsQueuedIsUsedAgainOnceItWasWritten(t *testing.T) {
	for _, leavesFirst := range []bool{true, false} {
		m, err := Open(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		k := numbered(1)
		s := entry.Build(&entry.Draft{Entry: entry.Entry{Digest: k, Body: make([]byte, 100)}, Tags: oneTag{}}, binary.LittleEndian.Uint64)
		s.Queue()
		m.Put(s, true)
		first, second := m.Delete, m.Written
		if !leavesFirst {
			first, second = second, first
		}
		if first(s); m.Spares().Take(108) != nil {
			t.Errorf("leaves first: %v: memory is used again too early", leavesFirst)
		}
		if second(s); m.Spares().Take(108) == nil {
			t.Errorf("leaves first: %v: memory is not used again", leavesFirst)
		}
	}
}

func TestSparesAreBounded(t *testing.T) {
	p := spares{limit: 10_000}
	for i := range 500 {
		p.give(make([]byte, 100+i))
	}
	if p.bytes > p.limit || len(p.list) > maxSpares {
		t.Errorf("%d bytes in %d pieces", p.bytes, len(p.list))
	}
	if b := p.Take(590); len(b) < 590 || len(b) > 590+590/8 {
		t.Errorf("%d bytes for 590", len(b))
	}
	if p.Take(5000) != nil || p.Take(10) != nil {
		t.Error("memory that does not fit")
	}
}

// What a full tier turns away unread serves the next fill as a whole. One that the index lists is not: whoever walks it may have the
// pointer.
func TestSlotsThatAreTurnedAwayAreUsedAgain(t *testing.T) {
	m, err := Open(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	n, body := uint64(0), make([]byte, 1000)
	var tag oneTag
	put := func(look bool) *entry.Slot {
		n++
		binary.LittleEndian.PutUint64(tag[:], n)
		s := entry.Build(&entry.Draft{Entry: entry.Entry{Digest: numbered(n), Body: body}, Tags: tag, Spares: m.Spares()}, binary.LittleEndian.Uint64)
		s.Make()
		m.Put(s, true)
		if look && !m.Held().Holds(n) {
			t.Fatal("the index does not know of what was put")
		}
		m.Done(s)
		return s
	}
	for range 3000 {
		put(false)
	}
	before := m.spares.taken.Load()
	seen := map[*entry.Slot]bool{}
	for range 1000 {
		seen[put(false)] = true
	}
	if len(seen) > 300 || m.spares.taken.Load()-before < 700 {
		t.Errorf("%d slots for 1000 that were turned away, memory used again %d times", len(seen), m.spares.taken.Load()-before)
	}
	seen = map[*entry.Slot]bool{}
	for range 1000 {
		s := put(true)
		if seen[s] {
			t.Fatal("a slot that was listed is used again")
		}
		seen[s] = true
	}
}

// A hot place is looked at without a lock. It holds slots that were asked for, which serve nobody else.
func TestHotPlacesHoldWhatWasAskedFor(t *testing.T) {
	m, err := Open(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	k := numbered(1)
	s := slotOf(k, 100)
	if m.Put(s, true); m.place(&k).Load() != nil {
		t.Error("it holds a slot that was put")
	}
	if m.Get(&k) != s || m.place(&k).Load() != s {
		t.Error("it does not hold a slot that was asked for")
	}
	if m.Delete(s); m.place(&k).Load() != nil {
		t.Error("it holds a slot that was deleted")
	}
}
