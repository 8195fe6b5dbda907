package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercentFollowsTheHeapAndDoesNotSwing(t *testing.T) {
	percent := smallPercent
	for _, c := range []struct {
		live uint64
		want int
	}{
		{1 << 20, smallPercent},
		{smallHeap - 1, smallPercent},
		{smallHeap, largePercent},
		{smallHeap - 1, largePercent},
		{smallHeap / 2, largePercent},
		{smallHeap/2 - 1, smallPercent},
		{1 << 40, largePercent},
	} {
		if percent = percentFor(c.live, percent); percent != c.want {
			t.Fatalf("%d bytes: %d %%, want %d", c.live, percent, c.want)
		}
	}
}

func TestCollectorIsTunedAfterCollections(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "")
	if err := os.Unsetenv("GOGC"); err != nil { // Setenv puts it back
		t.Fatal(err)
	}
	tuneCollector()
	current := func() int {
		p := debug.SetGCPercent(-1)
		debug.SetGCPercent(p)
		return p
	}
	if p := current(); p != smallPercent {
		t.Fatalf("at the start: %d %%", p)
	}
	large := make([]byte, 2*smallHeap)
	waitPercent(t, current, largePercent)
	runtime.KeepAlive(large)
}

// waitPercent collects until the percentage is the one that is wanted: the look at the heap follows a collection, in a goroutine of the
// runtime's.
func waitPercent(t *testing.T, current func() int, want int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		runtime.GC()
		runtime.Gosched()
		if current() == want {
			return
		}
	}
	t.Fatalf("%d %%, want %d", current(), want)
}
