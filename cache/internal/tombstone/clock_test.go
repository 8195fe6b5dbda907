package tombstone

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// While one goroutine invalidates (and names are forgotten, and expire), others fill and check: what began before an acknowledged
// invalidation is never passed after it.
func TestReadersBesideWriters(t *testing.T) {
	for _, limit := range []int{4, 100_000} {
		c := New(limit, 1)
		c.Restart(1, entry.Position{MS: 1}, entry.Position{MS: 1})
		var acknowledged atomic.Uint64
		var stop atomic.Bool
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() {
				for !stop.Load() {
					origin := c.Origin()
					before := acknowledged.Load() // the fill began at or before it; the next one may have counted already
					s := entry.Build(&entry.Draft{Tags: tagList{"hot", "cold"}, Origin: origin}, c.Hash)
					for range 20 {
						now := acknowledged.Load() // read before the check
						if c.Check(s)&entry.MarkDead == 0 && now > before+1 {
							t.Errorf("limit %d: a fill from before %d passes after %d", limit, before, now)
							return
						}
					}
				}
			})
		}
		for i := uint64(2); i < 5_000; i++ {
			hot, other := Names{Tags: []string{"hot"}}, Names{Tags: []string{strconv.FormatUint(i%50, 10)}}
			c.Provisional(&hot)
			acknowledged.Store(i)
			c.Apply(&other, entry.Position{MS: i, Seq: 1})
			c.Resolve(&hot, entry.Position{MS: i, Seq: 2})
			c.Advance(entry.Position{MS: i, Seq: 2})
			if i%100 == 0 {
				c.Expire(entry.Position{MS: i - 10})
			}
		}
		stop.Store(true)
		readers.Wait()
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	c := New(100, 1)
	for i := range uint64(3_000) {
		c.Apply(&Names{Tags: []string{strconv.FormatUint(i, 10)}, Prefixes: []string{strconv.FormatUint(i, 10)}}, entry.Position{MS: i + 1})
	}
	if names, prefixes := c.Counts(); names > 100 || prefixes > maxPrefixes {
		t.Fatalf("%d names, %d prefixes", names, prefixes)
	}
	c.Expire(entry.Position{MS: 20_000})
	if names, prefixes := c.Counts(); names != 0 || prefixes != 0 {
		t.Fatalf("after expiry: %d names, %d prefixes", names, prefixes)
	}
}

func TestOneNameRaisedForEverTakesNoRoom(t *testing.T) {
	c := New(100, 1)
	for i := range uint64(20_000) {
		c.Apply(&Names{Tags: []string{"hot"}}, entry.Position{MS: i + 1})
	}
	if n := len(c.hard.shards[0].fifo); n > 5000 {
		t.Fatalf("%d arrivals are kept for one name", n)
	}
	if raises := c.State().Raises; raises != 0 {
		t.Fatalf("the floor was raised %d times", raises)
	}
}

func BenchmarkCheckAfterNews(b *testing.B) {
	c := New(100_000, 1)
	c.Restart(1, entry.Position{MS: 1}, entry.Position{MS: 1})
	s := entry.Build(&entry.Draft{Tags: tagList{"a", "b", "c", "d", "e", "f", "g", "h"}, Origin: c.Origin()}, c.Hash)
	other := Names{Tags: []string{"other"}}
	for i := range b.N {
		c.Apply(&other, entry.Position{MS: uint64(i) + 2})
		c.Check(s)
	}
}
