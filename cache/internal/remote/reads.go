package remote

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

// Reads of one moment go to Redis together: a few goroutines take what has come, ask for all of it in one pipeline, and wake those who
// wait. More than one of them, so that a read need not wait for the answer to an earlier one.
const (
	readers   = 4
	readBatch = 64
	readQueue = 1024
)

// read is one value that somebody waits for.
type read struct {
	name  string
	value []byte // nil: there is none
	err   error
	done  chan struct{} // sent to once
	timer *time.Timer
	left  atomic.Bool // nobody waits any more
}

// reads is the queue and the memory of the reads.
type reads struct {
	queue chan *read
	free  sync.Pool
}

func newReads() reads {
	return reads{
		queue: make(chan *read, readQueue),
		free: sync.Pool{New: func() any {
			t := time.NewTimer(time.Hour)
			t.Stop()
			return &read{done: make(chan struct{}, 1), timer: t}
		}},
	}
}

// ask gets a value, and returns when ctx ends or the budget is used up even while the client makes its connection anew, which it does
// without regard to any context.
func (r *reads) ask(ctx context.Context, name string, budget time.Duration) (value []byte, err error) {
	a := r.free.Get().(*read)
	a.name = name
	select {
	case r.queue <- a:
	default:
		r.free.Put(a)
		return nil, ErrDown
	}
	a.timer.Reset(budget)
	select {
	case <-a.done:
	case <-a.timer.C:
		a.left.Store(true)
		return nil, context.DeadlineExceeded
	case <-ctx.Done():
		a.timer.Stop()
		a.left.Store(true)
		return nil, ctx.Err()
	}
	a.timer.Stop()
	value, err = a.value, a.err
	a.value, a.err = nil, nil
	r.free.Put(a)
	return value, err
}

// run answers reads until ctx ends.
func (r *reads) run(ctx context.Context, l *Link, budget time.Duration) {
	batch := make([]*read, 0, readBatch)
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-r.queue:
			batch = append(batch[:0], a)
		}
		runtime.Gosched() // those that are ready to run may have something to ask too
		for more := true; more && len(batch) < readBatch; {
			select {
			case a := <-r.queue:
				batch = append(batch, a)
			default:
				more = false
			}
		}
		answer(ctx, l, budget, batch)
		clear(batch)
	}
}

func answer(ctx context.Context, l *Link, budget time.Duration, batch []*read) {
	c := l.get()
	if c == nil {
		for _, a := range batch {
			a.err = ErrDown
			a.done <- struct{}{}
		}
		return
	}
	waiting := batch[:0]
	cmds := make(rueidis.Commands, 0, len(batch)) // the client may still read them when the call's time is up
	for _, a := range batch {
		if !a.left.Load() {
			waiting = append(waiting, a)
			cmds = append(cmds, c.B().Get().Key(a.name).Build())
		}
	}
	if len(waiting) == 0 {
		return
	}
	call, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	for i, result := range c.DoMulti(call, cmds...) {
		a := waiting[i]
		if a.value, a.err = result.AsBytes(); rueidis.IsRedisNil(a.err) {
			a.value, a.err = nil, nil
		}
		a.done <- struct{}{}
	}
}

// Get reads a value within ctx and the budget; nil when there is none. A value that cannot be read is codec.ErrCorrupt.
func (v *Values) Get(ctx context.Context, k *key.Key, hash func([]byte) uint64) (*entry.Slot, error) {
	if v.link.get() == nil || ctx.Err() != nil || !v.link.breaker.allow(v.cfg.Now()) {
		return nil, ErrDown
	}
	v.Reads.Add(1)
	text, err := v.reads.ask(ctx, v.Name(k), v.cfg.ReadBudget)
	if ctx.Err() != nil && err != nil { // the caller left: that says nothing about Redis
		v.link.breaker.release()
		return nil, err
	}
	v.link.breaker.tell(err == nil, v.cfg.Now())
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		v.Timeouts.Add(1)
		return nil, err
	case err != nil:
		v.Errors.Add(1)
		return nil, err
	case text == nil:
		return nil, nil
	}
	return codec.Decode(text, k, hash)
}
