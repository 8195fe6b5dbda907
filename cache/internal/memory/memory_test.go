package memory

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

// decide makes the fate of all slots known.
func (m *Memory) decide() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle()
	m.await()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(n int) (k key.Key) {
	binary.LittleEndian.PutUint64(k[:], uint64(n)*0x9e3779b97f4a7c15)
	binary.LittleEndian.PutUint64(k[8:], uint64(n))
	binary.LittleEndian.PutUint64(k[16:], uint64(n%3)) // many share a hot place
	return k
}

func slotOf(k key.Key, size int) *entry.Slot {
	return entry.Build(&entry.Draft{Entry: entry.Entry{Digest: k, Body: make([]byte, size)}}, nil)
}

// books is what must be there: every slot that was put, by key, and how many have gone for which reason.
type books struct {
	m     *Memory
	own   int64
	slots map[int]*entry.Slot
	puts  int
	gone  int // replaced or deleted
}

func (b *books) check(t *rapid.T) {
	b.m.inner.Wait() // for what it has been handed
	var sum, n int64
	for i, s := range b.slots {
		k := keyOf(i)
		got := b.m.Get(&k)
		if got != nil && got != s {
			t.Fatalf("key %d holds another slot than the last one put", i)
		}
		if got == nil {
			delete(b.slots, i)
			continue
		}
		sum, n = sum+s.Cost, n+1
	}
	bytes, maxBytes, entries, evicted := b.m.Stats()
	if bytes != b.own+sum || entries != n {
		t.Fatalf("charged %d bytes, %d entries; there are %d and %d", bytes, entries, b.own+sum, n)
	}
	if bytes > maxBytes {
		t.Fatalf("%d bytes of %d", bytes, maxBytes)
	}
	if want := b.puts - b.gone - int(n); int(evicted) != want {
		t.Fatalf("%d evicted or not let in, want %d", evicted, want)
	}
}

func TestBooksAreExactAndTheBoundHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, err := Open(512 << 10)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		b := &books{m: m, slots: map[int]*entry.Slot{}}
		b.own, _, _, _ = m.Stats()
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			i := rapid.IntRange(0, 40).Draw(t, "key")
			k := keyOf(i)
			switch rapid.IntRange(0, 9).Draw(t, "action") {
			case 0:
				if s := b.slots[i]; s != nil && m.Get(&k) == s {
					m.Delete(s)
					b.gone++
					delete(b.slots, i)
				}
			case 1:
				m.Delete(slotOf(k, 1)) // another slot under the key: nothing happens
				m.decide()
			case 2:
				for range 20 {
					m.Get(&k)
				}
			default: // the same keys grow and shrink
				if s := b.slots[i]; s != nil && m.Get(&k) == s {
					b.gone++
				}
				s := slotOf(k, rapid.IntRange(0, 30_000).Draw(t, "size"))
				b.puts++
				if m.Put(s, false) {
					if m.Get(&k) != s {
						t.Fatal("not visible right after Put")
					}
					b.slots[i] = s
				} else {
					delete(b.slots, i)
					m.decide()
					if m.Get(&k) != nil {
						t.Fatal("a slot that was not let in is there")
					}
				}
			}
			b.check(t)
		}
	})
}

func TestOtherDigestWithTheSameHashIsAMiss(t *testing.T) {
	m, err := Open(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	a := keyOf(1)
	b := a
	b[31]++
	s := slotOf(a, 10)
	if !m.Put(s, false) || m.Get(&a) != s || m.Get(&b) != nil {
		t.Fatal("the digest is not compared in full")
	}
	other := slotOf(b, 10)
	m.Put(other, false)
	m.decide()
	if got := m.Get(&a); got != nil && got != s {
		t.Fatal("the slot of another key")
	}
	if bytes, _, entries, _ := m.Stats(); entries != 1 {
		t.Fatalf("%d entries, %d bytes", entries, bytes)
	}
}

func TestManyPutGetAndDeleteAtOnce(t *testing.T) {
	m, err := Open(600 << 10)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	own, maxBytes, _, _ := m.Stats()
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range 2000 {
				i := rand.IntN(60)
				k := keyOf(i)
				switch s := m.Get(&k); {
				case s != nil && s.Digest != k:
					t.Error("the slot of another key")
				case rand.IntN(3) > 0:
					m.Put(slotOf(k, rand.IntN(20_000)), false)
				case s != nil:
					m.Delete(s)
				}
			}
		})
	}
	work.Wait()
	var sum, n int64
	for i := range 60 {
		k := keyOf(i)
		if s := m.Get(&k); s != nil {
			sum, n = sum+s.Cost, n+1
		}
	}
	if bytes, _, entries, _ := m.Stats(); bytes != own+sum || entries != n || bytes > maxBytes {
		t.Fatalf("charged %d bytes, %d entries; there are %d and %d", bytes, entries, own+sum, n)
	}
}

func BenchmarkPut(b *testing.B) {
	m, err := Open(8 << 20)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	for name, keys := range map[string]int{"new": 1 << 30, "replace": 16} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				m.Put(slotOf(keyOf(i%keys), 1000), false)
			}
		})
	}
}
