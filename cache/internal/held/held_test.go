package held

import (
	"encoding/binary"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/weirproxy/weir/cache/internal/entry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func slot(n uint64, hashes ...uint64) *entry.Slot {
	s := &entry.Slot{Hashes: hashes}
	binary.LittleEndian.PutUint64(s.Digest[24:], n*0x9e3779b97f4a7c15)
	return s
}

// Whatever is added and removed, also by the walk itself: a walk meets every slot that is there, and the filter knows all of their tags.
func TestWalkMeetsWhatIsHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, there := New(64<<10), map[*entry.Slot]bool{}
		for i := range uint64(rapid.IntRange(0, 2000).Draw(t, "slots")) {
			added := slot(i, i, i*7)
			s.Add(added)
			there[added] = true
			if i%5 == 0 && rapid.Bool().Draw(t, "remove") {
				for gone := range there {
					s.Remove(gone)
					delete(there, gone)
					break
				}
			}
		}
		met := map[*entry.Slot]bool{}
		drop := rapid.IntRange(1, 9).Draw(t, "drop")
		s.Walk(func(sl *entry.Slot) bool {
			met[sl] = true
			if len(met)%drop == 0 && there[sl] {
				sl.Left.Store(true)
				s.Remove(sl)
				there[sl] = false
			}
			return true
		}, func() {})
		kept := 0
		for sl, held := range there {
			if !met[sl] {
				t.Fatal("a slot was not met")
			}
			if !held {
				continue
			}
			kept++
			for _, h := range sl.Hashes {
				if !s.Holds(h) {
					t.Fatal("the filter lost a tag")
				}
			}
		}
		if s.Len() != kept {
			t.Fatalf("%d slots, want %d", s.Len(), kept)
		}
	})
}

func TestTagsOfSlotsThatAreGoneAreForgotten(t *testing.T) {
	s := New(1 << 20)
	one := slot(1, 12345)
	s.Add(one)
	if !s.Holds(12345) || s.Holds(54321) {
		t.Fatal("the filter is wrong")
	}
	one.Left.Store(true)
	s.Remove(one)
	if !s.Walk(func(*entry.Slot) bool { return true }, func() {}) || s.Holds(12345) {
		t.Error("a tag is remembered for ever")
	}
}

func TestAddingWhileWalking(t *testing.T) {
	s := New(1 << 20)
	var writers sync.WaitGroup
	for w := range uint64(3) {
		writers.Go(func() {
			for i := range uint64(3000) {
				n := w<<32 | i
				sl := slot(n, n*0x9e3779b97f4a7c15)
				s.Add(sl)
				if !s.Holds(sl.Hashes[0]) {
					t.Error("a tag is not known behind Add")
					return
				}
				if i%3 == 0 {
					sl.Left.Store(true)
					s.Remove(sl)
				}
			}
		})
	}
	for range 50 {
		s.Walk(func(*entry.Slot) bool { return true }, func() {})
	}
	writers.Wait()
	if s.Len() != 6000 {
		t.Errorf("%d slots", s.Len())
	}
	s.Walk(func(sl *entry.Slot) bool {
		if !s.Holds(sl.Hashes[0]) {
			t.Error("the filter lost a tag")
			return false
		}
		return true
	}, func() {})
}

func BenchmarkAddRemove(b *testing.B) {
	s := New(64 << 20)
	for i := range uint64(50_000) {
		s.Add(slot(i, i*0x9e3779b97f4a7c15, 1, 2, 3))
	}
	one := slot(1<<40, 4, 1, 2, 3)
	b.ReportAllocs()
	for i := range b.N {
		one.Hashes[0] = uint64(i) * 0x9e3779b97f4a7c15
		s.Add(one)
		s.Remove(one)
	}
}

func BenchmarkWalk(b *testing.B) {
	s := New(64 << 20)
	for i := range uint64(50_000) {
		s.Add(slot(i, i*0x9e3779b97f4a7c15, 1, 2, 3))
	}
	for b.Loop() {
		s.Walk(func(*entry.Slot) bool { return true }, func() {})
	}
	b.ReportMetric(50_000, "slots/walk")
}
