package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache/internal/redistest"
)

// town is a population that changes all the time: an origin, several stores in front of it, and who remembers what was acknowledged.
type town struct {
	t      *testing.T
	stores []*Store
	mu     sync.Mutex
	now    []uint64 // version of each key at the origin
	acks   [][]townAck

	reads, hits, changes, unlogged, late, stale atomic.Int64
}

type townAck struct {
	version uint64
	by      int
	at      time.Time
}

const (
	townKeys = 20
	// tooLate is when an invalidation that others do not obey fails the test; within is what is promised.
	tooLate = time.Second
)

func newTown(t *testing.T, stores ...*Store) *town {
	return &town{t: t, stores: stores, now: make([]uint64, townKeys), acks: make([][]townAck, townKeys)}
}

// change is a write that store i sees: to the origin, then to the log.
func (w *town) change(i, k int) {
	w.mu.Lock()
	w.now[k]++
	v := w.now[k]
	w.mu.Unlock()
	r, err := w.stores[i].Invalidate(context.Background(), Invalidation{Tags: []string{fmt.Sprint("City:", k)}}, nowNS())
	if err != nil {
		w.t.Error(err)
	}
	w.changes.Add(1)
	if !r.Logged {
		w.unlogged.Add(1)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acks[k] = append(w.acks[k], townAck{v, i, time.Now()})
}

// required is what store i must show at least, and what it must show at least when the fleet obeys in time.
func (w *town) required(i, k int, now time.Time) (must, should uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.acks[k] {
		age := now.Sub(a.at)
		if a.by == i || age >= tooLate {
			must = max(must, a.version)
		}
		if a.by == i || age >= within {
			should = max(should, a.version)
		}
	}
	return must, should
}

// read asks store i, which asks the origin for what it does not have.
func (w *town) read(i, k int) {
	must, should := w.required(i, k, time.Now())
	r := w.stores[i].Lookup(context.Background(), keyOf(fmt.Sprint("town ", k)), nowNS(), Wait{})
	w.reads.Add(1)
	if r.Fill != nil {
		w.mu.Lock()
		v := w.now[k]
		w.mu.Unlock()
		r.Fill.Complete(draft(strconv.FormatUint(v, 10), fmt.Sprint("City:", k)), nowNS())
	}
	if r.Entry == nil || r.State != Fresh {
		return
	}
	w.hits.Add(1)
	switch v, err := strconv.ParseUint(string(r.Entry.Body), 10, 64); {
	case err != nil:
		w.t.Error(err)
	case v < must:
		if w.stale.Add(1) < 5 {
			w.t.Errorf("store %d has version %d of key %d, %d was acknowledged more than %v ago", i, v, k, must, tooLate)
		}
	case v < should:
		w.late.Add(1)
	}
}

// live lets all stores be read and written until the returned function is called.
func (w *town) live() (end func()) {
	var work sync.WaitGroup
	done := make(chan struct{})
	each := func(every time.Duration, do func(k int)) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				do(rand.IntN(townKeys))
			}
		}
	}
	for i := range w.stores {
		work.Go(func() { each(20*time.Millisecond, func(k int) { w.change(i, k) }) })
		work.Go(func() { each(2*time.Millisecond, func(k int) { w.read(i, k) }) })
	}
	return func() {
		close(done)
		work.Wait()
	}
}

// settle reads everything everywhere once all is in the log, and read.
func (w *town) settle() {
	for k := range townKeys {
		w.acks[k] = append(w.acks[k], townAck{version: w.now[k]})
		for i := range w.stores {
			w.read(i, k)
		}
	}
}

// The log's slot goes from node to node while the fleet invalidates and reads, and stands half moved for longer than the fleet may take to
// obey: all that is acknowledged is obeyed, as if nothing moved, and nothing is refused.
func TestLogWhoseSlotMoves(t *testing.T) {
	cluster := redistest.StartCluster(t, 3)
	nodes := func(c *Config) { c.Redis = cluster.Addresses() }
	a, b, c := join(t, "", nodes), join(t, "", nodes), join(t, "", nodes)
	connected(t, a, b, c)
	caughtUp(t, a, b)
	caughtUp(t, b, c)
	w := newTown(t, a, b, c)
	end := w.live()
	slot, from := cluster.Slot("{weir}:inv")
	const moment, half = 200 * time.Millisecond, tooLate + 500*time.Millisecond
	hold := func(d time.Duration) {
		t.Helper()
		for until := time.Now().Add(d); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
			for i, s := range w.stores {
				if !s.Connected() {
					t.Fatalf("store %d has lost the log", i)
				}
			}
		}
		if r := b.AwaitFleet(context.Background(), redistest.Patience); !r.All() || r.Reached != 3 || r.Took > 5*time.Second {
			t.Errorf("%+v", r)
		}
	}
	for n, m := range []struct {
		to   int
		keys []string
	}{
		{(from + 1) % 3, []string{"{weir}:inv", "{weir}:fleet"}},
		{from, []string{"{weir}:fleet", "{weir}:inv"}}, // and back
		{(from + 2) % 3, []string{"{weir}:inv", "{weir}:fleet"}},
	} {
		cluster.BeginMove(slot, from, m.to)
		hold(moment)
		cluster.MoveKey(m.keys[0], from, m.to)
		hold(half)
		cluster.MoveKey(m.keys[1], from, m.to)
		hold(moment)
		cluster.EndMove(slot, m.to)
		hold(moment)
		from = m.to
		for i, s := range w.stores {
			if st := s.Stats(); st.Generations != uint64(n)+2 || st.L2Errors != 0 || st.AppendErrors != 0 {
				t.Errorf("store %d after move %d: %d generations of the log, %d errors, %d of the log", i, n+1, st.Generations, st.L2Errors, st.AppendErrors)
			}
		}
	}
	end()
	caughtUp(t, a, b)
	caughtUp(t, b, c)
	w.settle()
	t.Logf("%d reads, %d hits, %d later than %v, %d stale; %d changes, %d not logged in time", w.reads.Load(), w.hits.Load(), w.late.Load(), within,
		w.stale.Load(), w.changes.Load(), w.unlogged.Load())
	if w.unlogged.Load() > 0 || w.hits.Load() < w.reads.Load()/10 {
		t.Error("some were not logged, or nothing was kept")
	}
	if w.late.Load() > w.hits.Load()/20 { // those who wait for news at the node that the log has left
		t.Error("who waits at the old node is told too late")
	}
}
