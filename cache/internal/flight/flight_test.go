package flight

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

func keyOf(n int) *key.Key {
	var k key.Key
	binary.LittleEndian.PutUint64(k[24:], uint64(n))
	return &k
}

func join(g *Group, k *key.Key, now int64) (f *Flight, lead bool) {
	mine := new(Flight)
	f = g.Join(k, now, mine)
	return f, f == mine
}

func ended(f *Flight) bool {
	select {
	case <-f.Done():
		return true
	default:
		return false
	}
}

func TestOneOfManyLeadsAndAllGetItsResult(t *testing.T) {
	g := New(1000, 64)
	want := &entry.Slot{}
	var leaders atomic.Int32
	var joined, work sync.WaitGroup
	joined.Add(50)
	for range 50 {
		work.Go(func() {
			f, lead := join(g, keyOf(1), 0)
			joined.Done()
			if lead {
				leaders.Add(1)
				joined.Wait() // everybody has come before it ends
				g.End(f, want, 0)
			}
			<-f.Done()
			if f.Slot() != want {
				t.Error("a follower got another result")
			}
		})
	}
	work.Wait()
	if n := leaders.Load(); n != 1 {
		t.Fatalf("%d leaders", n)
	}
	if _, lead := join(g, keyOf(1), 0); !lead {
		t.Fatal("an ended flight is still joined")
	}
}

func TestEndCountsOnce(t *testing.T) {
	g := New(1000, 64)
	f, _ := join(g, keyOf(1), 0)
	if !g.End(f, nil, 0) || g.End(f, &entry.Slot{}, 99) || f.Slot() != nil || g.Marked(keyOf(1), 0) {
		t.Fatal("the second End did something")
	}
}

func TestClaimGoesToTheFirst(t *testing.T) {
	g := New(1000, 64)
	f, _ := join(g, keyOf(1), 0)
	if first, current := f.Claim(); !first || !current {
		t.Fatalf("first claim: %v %v", first, current)
	}
	if first, _ := f.Claim(); first {
		t.Fatal("claimed twice")
	}
}

func TestFlightGivesWayAfterMaxFill(t *testing.T) {
	g := New(1000, 64)
	old, _ := join(g, keyOf(1), 0)
	if f, lead := join(g, keyOf(1), 999); lead || f != old {
		t.Fatal("gave way too early")
	}
	next, lead := join(g, keyOf(1), 1000)
	if !lead || next == old {
		t.Fatal("did not give way")
	}
	if first, current := old.Claim(); !first || current {
		t.Fatalf("the late leader: first %v, current %v", first, current)
	}
	g.End(old, nil, 0)
	if f, lead := join(g, keyOf(1), 1001); lead || f != next || ended(next) {
		t.Fatal("the late leader ended its successor")
	}
}

func TestFlightsThatNeverEndDoNotPileUp(t *testing.T) {
	g := New(10, 64)
	for i := range 100_000 {
		join(g, keyOf(i), int64(i/100))
	}
	n := 0
	for i := range g.shard {
		n += len(g.shard[i].flights)
	}
	if n > 20_000 {
		t.Fatalf("%d flights are remembered", n)
	}
}

func TestMarkers(t *testing.T) {
	g := New(1000, 640)
	for i := range 100_000 {
		f, _ := join(g, keyOf(i), 0)
		g.End(f, nil, 50)
	}
	n := 0
	for i := range g.shard {
		n += len(g.shard[i].markers)
	}
	if n > 640 {
		t.Fatalf("%d markers, want at most 640", n)
	}
	f, _ := join(g, keyOf(-1), 0)
	g.End(f, nil, 50)
	for _, c := range []struct {
		at   int64
		want bool
	}{{0, true}, {49, true}, {50, false}, {0, false}} { // what has ended is forgotten
		if got := g.Marked(keyOf(-1), c.at); got != c.want {
			t.Errorf("marked at %d: %v", c.at, got)
		}
	}
}
