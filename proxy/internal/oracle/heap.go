package oracle

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

// heapWatch looks at the size of the heap while a scenario is played.
type heapWatch struct {
	end   chan struct{}
	done  sync.WaitGroup
	base  int64
	grown int64
}

const heapInterval = 2 * time.Millisecond

func watchHeap() *heapWatch {
	runtime.GC()
	w := &heapWatch{end: make(chan struct{}), base: heapBytes()}
	w.done.Go(func() {
		tick := time.NewTicker(heapInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.grown = max(w.grown, heapBytes()-w.base)
			case <-w.end:
				w.grown = max(w.grown, heapBytes()-w.base)
				return
			}
		}
	})
	return w
}

func (w *heapWatch) stop() int64 {
	if w == nil {
		return 0
	}
	close(w.end)
	w.done.Wait()
	return w.grown
}

// heapBytes is how many bytes live and dead objects take.
func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
