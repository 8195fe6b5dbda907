package ring

import (
	"encoding/binary"
	"sync"
	"testing"
)

// number is an event that says its number.
type number uint64

func (n *number) Append(dst []byte) []byte { return binary.BigEndian.AppendUint64(dst, uint64(*n)) }

func TestEveryEventThatWasTakenInComesOutOnce(t *testing.T) {
	const writers, each = 4, 20_000
	r := New(1 << 20)
	var work sync.WaitGroup
	var refused sync.Map
	for w := range writers {
		work.Go(func() {
			for i := range each {
				n := number(w*each + i)
				if !r.Put(uint64(n), &n) {
					refused.Store(uint64(n), true)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { work.Wait(); close(finished) }()
	seen := map[uint64]bool{}
	read := func() {
		for i := range r.Shards() {
			b := r.Take(i)
			if b == nil {
				continue
			}
			for j := range b.Ends {
				n := binary.BigEndian.Uint64(b.At(j))
				if seen[n] {
					t.Errorf("event %d came twice", n)
				}
				seen[n] = true
			}
			r.Give(b)
		}
	}
	for done := false; !done; {
		select {
		case <-finished:
			done = true
		case <-r.Wake():
		}
		read()
	}
	lost := 0
	refused.Range(func(n, _ any) bool {
		lost++
		if seen[n.(uint64)] {
			t.Errorf("event %d was refused and came", n)
		}
		return true
	})
	if len(seen)+lost != writers*each || r.Depth() != 0 {
		t.Errorf("%d came, %d were refused, of %d; %d wait", len(seen), lost, writers*each, r.Depth())
	}
}

func TestFullShardRefusesAndTakesAgainWhenItWasRead(t *testing.T) {
	r := New(0)
	n := number(7)
	taken := 0
	for r.Put(3, &n) {
		taken++
	}
	if limit := 4 << 10; taken*8 < limit || taken*8 > limit+8 {
		t.Errorf("%d bytes were taken in", taken*8)
	}
	if !r.Put(4, &n) {
		t.Error("another shard is full too")
	}
	b := r.Take(3)
	if len(b.Ends) != taken || r.Take(3) != nil {
		t.Errorf("%d events came out", len(b.Ends))
	}
	r.Give(b)
	if !r.Put(3, &n) {
		t.Error("the shard stays full")
	}
}

// The batches of several rounds are on their way to a broker while the next ones fill.
func TestPutAllocatesNothingWhenWarm(t *testing.T) {
	r := New(1 << 20)
	n := number(1)
	var away [kept - 1][shards]*Batch
	i := 0
	round := func() {
		for i := range uint64(200) {
			r.Put(i, &n)
		}
		i = (i + 1) % len(away)
		for j := range r.Shards() {
			if b := away[i][j]; b != nil {
				r.Give(b)
			}
			away[i][j] = r.Take(j)
		}
	}
	for range 3 * kept {
		round()
	}
	if got := testing.AllocsPerRun(50, round); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestWhatAnOutageMadeLargeIsNotKept(t *testing.T) {
	r := New(8 << 20)
	n := number(1)
	for _, c := range []struct {
		events int
		kept   bool
	}{{1000, true}, {keptBytes, false}} {
		for range c.events {
			r.Put(0, &n)
		}
		b := r.Take(0)
		r.Give(b)
		if got := len(r.shard[0].spare) > 0; got != c.kept {
			t.Errorf("a batch of %d bytes: kept %v, want %v", cap(b.Data), got, c.kept)
		}
		r.shard[0].spare = nil
	}
}
