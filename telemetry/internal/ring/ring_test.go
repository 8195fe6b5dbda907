package ring

import (
	"sync"
	"testing"
)

func keep(dst, src *uint64) { *dst = *src }

func TestEveryRecordThatWasTakenInComesOutOnce(t *testing.T) {
	const writers, each = 4, 20_000
	r := New(40_000, keep)
	var work sync.WaitGroup
	var refused sync.Map
	for w := range uint64(writers) {
		work.Go(func() {
			for i := range uint64(each) {
				if n := w*each + i; !r.Put(n, &n) {
					refused.Store(n, true)
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
			for _, n := range b.Items {
				if seen[n] {
					t.Errorf("record %d came twice", n)
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
			t.Errorf("record %d was refused and came", n)
		}
		return true
	})
	if len(seen)+lost != writers*each || r.Depth() != 0 {
		t.Errorf("%d came, %d were refused, of %d; %d wait", len(seen), lost, writers*each, r.Depth())
	}
}

func TestManyIsSignalledByTheSecondRecordOfAShard(t *testing.T) {
	r := New(800, keep)
	signalled := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	for n := range uint64(shards) {
		r.Put(n, &n)
	}
	if !signalled(r.Wake()) || signalled(r.Many()) {
		t.Error("one record each: Wake alone was to be sent to")
	}
	n := uint64(shards)
	if r.Put(n, &n); signalled(r.Wake()) || !signalled(r.Many()) {
		t.Error("a second record: Many alone was to be sent to")
	}
	if r.Put(n, &n); signalled(r.Many()) {
		t.Error("a third record was signalled")
	}
}

func TestFullShardRefusesAndTakesAgainWhenItWasRead(t *testing.T) {
	r := New(800, keep)
	n := uint64(7)
	taken := 0
	for r.Put(3, &n) {
		taken++
	}
	if taken != 100 || r.Depth() != 100 {
		t.Errorf("%d records were taken in, %d wait", taken, r.Depth())
	}
	if !r.Put(4, &n) {
		t.Error("another shard is full too")
	}
	b := r.Take(3)
	if len(b.Items) != taken || r.Take(3) != nil {
		t.Errorf("%d records came out", len(b.Items))
	}
	r.Give(b)
	if !r.Put(3, &n) {
		t.Error("the shard stays full")
	}
	r.Close()
	if r.Put(3, &n) || r.Depth() != 2 {
		t.Errorf("after the end: %d wait", r.Depth())
	}
}

// A record's own memory is used again, whatever batches its slot has been in.
func TestPutAllocatesNothingWhenWarm(t *testing.T) {
	type record struct{ list []int }
	r := New(8000, func(dst, src *record) { dst.list = append(dst.list[:0], src.list...) })
	v := record{[]int{1, 2, 3}}
	round := func() {
		for i := range uint64(200) {
			r.Put(i, &v)
		}
		for j := range r.Shards() {
			if b := r.Take(j); b != nil {
				r.Give(b)
			}
		}
	}
	for range 3 {
		round()
	}
	if got := testing.AllocsPerRun(50, round); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestWhatAnOutageMadeLargeIsNotKept(t *testing.T) {
	r := New(shards*10*kept, keep)
	n := uint64(1)
	for _, c := range []struct {
		records int
		kept    bool
	}{{kept / 2, true}, {kept + 1, false}} {
		for range c.records {
			r.Put(0, &n)
		}
		b := r.Take(0)
		r.Give(b)
		if got := r.shard[0].spare == b; got != c.kept {
			t.Errorf("a batch of %d records: kept %v, want %v", cap(b.Items), got, c.kept)
		}
	}
}
