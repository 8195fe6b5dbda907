package bench

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// slowTo returns the address of a relay that holds back what is sent to another one, for as long as the delay says then.
func (w *world) slowTo(to string, delay *atomic.Int64) string {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	var mu sync.Mutex
	var work sync.WaitGroup
	var open []net.Conn
	closed := false
	pass := func(dst, src net.Conn, late bool) {
		defer dst.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := src.Read(b)
			if late {
				time.Sleep(time.Duration(delay.Load()))
			}
			if n > 0 {
				if _, err := dst.Write(b[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	keep := func(cs ...io.Closer) bool {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range cs {
			open = append(open, c.(net.Conn))
		}
		return !closed
	}
	work.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			if !keep(in, out) {
				in.Close()
				out.Close()
				return
			}
			work.Go(func() { pass(out, in, true) })
			work.Go(func() { pass(in, out, false) })
		}
	})
	w.Cleanup(func() {
		l.Close()
		mu.Lock()
		closed = true
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		work.Wait()
	})
	return l.Addr().String()
}

// logIsSlow: the append of a mutation takes longer than its answer waits for it. The answer goes out and says so, its own sidecar obeys, and the other one does when
// the log has it.
func logIsSlow(w *world) {
	const held = 500 * time.Millisecond
	address := w.free()
	w.redis(address)
	var delay atomic.Int64
	a, b := w.sidecar("a", "--redis", w.slowTo(address, &delay)), w.sidecar("b", "--redis", address)
	for _, s := range []*sidecar{a, b} {
		w.untilMetric(s, 1, "weir_redis_connected")
	}
	w.until("an answer says nothing: the log has the change in time", func() error {
		if c := a.change(w.cities[0], 1); c.Cache().Said {
			return fmt.Errorf("Cache-Status %q", c.CacheStatus)
		}
		return nil
	})
	before := a.metric("weir_invalidations_unlogged_total")
	const id, want = 1, 4711
	a.hit(w.cities[id])
	b.hit(w.cities[id])
	delay.Store(int64(held))
	change := a.change(w.cities[id], want)
	if change.CacheStatus != "weir; fwd=bypass; detail=not-logged" {
		w.Errorf("Cache-Status %q", change.CacheStatus)
	}
	if took := change.Done.Sub(change.Sent); took >= held {
		w.Errorf("the answer took %v", took)
	}
	if got, _ := a.population(w.cities[id]); got != want {
		w.Errorf("a shows %d after its own change", got)
	}
	if got, read := b.population(w.cities[id]); got == want && read.Done.Sub(change.Sent) < held/2 {
		w.Error("b knows of what the log does not have: the relay holds nothing back")
	}
	if n := a.metric("weir_invalidations_unlogged_total"); n != before+1 {
		w.Errorf("%v are counted, %v were before", n, before)
	}
	w.until("b obeys", func() error {
		if got, _ := b.population(w.cities[id]); got != want {
			return fmt.Errorf("%d", got)
		}
		return nil
	})
	delay.Store(0)
	w.untilMetric(a, 0, "weir_invalidations_waiting")
}
