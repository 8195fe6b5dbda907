package store

import (
	"bytes"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// Whoever applies large documents all day does not fill the memory with them: they are on disk, and of those that are no longer in force few are
// kept for others to catch up with.
func TestMemoryDoesNotGrowWithDocuments(t *testing.T) {
	const n, size, bound = 240, 256 << 10, 40 << 20 // 60 MiB in all
	s, who := open(t, t.TempDir()), Author{Name: "admin"}
	config := bytes.Repeat([]byte("# a comment\n"), size/12)
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	for i := range n {
		if _, err := s.PutDocument(t.Context(), Draft{Config: append(strconv.AppendInt([]byte("# "), int64(i), 10), config...)}, who, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	grown := int64(live()) - int64(before)
	t.Logf("%d documents of %d KiB: the heap grew by %.1f MiB", n, size>>10, float64(grown)/(1<<20))
	if grown > bound {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}
