package remote

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

// Reads of one moment go to Redis together: a few goroutines take what has come, ask for all of it in one pipeline, and wake those who
// wait. More than one of them, so that a read need not wait for the answer to an earlier one; not more than two, because what comes in
// meanwhile goes together.
const (
	readers   = 2
	readBatch = 64
	readQueue = 1024
)

// read is one value that somebody waits for.
type read struct {
	name    string
	lease   string // name of a lease that is asked for instead, for ms milliseconds; empty: none
	ms      int64
	settled atomic.Bool // value and err are there, by the answer or because time is up; whoever sets it sends done
	value   []byte      // nil: there is none
	err     error
	done    chan struct{} // sent to once
	timer   *time.Timer   // ends the wait
}

func newRead() any {
	a := &read{done: make(chan struct{}, 1)}
	a.timer = time.AfterFunc(time.Hour, func() { a.settle(nil, context.DeadlineExceeded) })
	a.timer.Stop()
	return a
}

// settle ends the wait, unless it has ended.
func (a *read) settle(value []byte, err error) {
	if a.settled.CompareAndSwap(false, true) {
		a.value, a.err = value, err
		a.done <- struct{}{}
	}
}

// ask gets a value, and returns when the budget is used up even while the client makes its connection anew, which it does without regard to any context.
// The wait is for one channel, which a timer sends to as well: a select of answer, timer and context took 1.1 µs of a miss.
func (v *Values) ask(part *part, name, lease string, ms int64, budget time.Duration) (value []byte, err error) {
	a := v.free.Get().(*read)
	a.name, a.lease, a.ms = name, lease, ms
	a.settled.Store(false)
	select {
	case part.queue <- a:
	default:
		v.free.Put(a)
		return nil, ErrDown
	}
	a.timer.Reset(budget)
	<-a.done
	value, err = a.value, a.err
	if a.timer.Stop() { // else the timer's function, and after it a reader, may still look at it
		a.value, a.err = nil, nil
		v.free.Put(a)
	}
	return value, err
}

// answerAll answers a part's reads until ctx ends.
func (p *part) answerAll(ctx context.Context, l *Link, budget time.Duration) {
	batch := make([]*read, 0, readBatch)
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-p.queue:
			batch = append(batch[:0], a)
		}
		runtime.Gosched() // those that are ready to run may have something to ask too
		for more := true; more && len(batch) < readBatch; {
			select {
			case a := <-p.queue:
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
			a.settle(nil, ErrDown)
		}
		return
	}
	waiting := batch[:0]
	cmds := make(rueidis.Commands, 0, len(batch)) // the client may still read them when the call's time is up
	for _, a := range batch {
		if !a.settled.Load() { // somebody waits
			waiting = append(waiting, a)
			if a.lease != "" {
				cmds = append(cmds, l.command(c, "SET", a.lease, "1", "NX", "PX", strconv.FormatInt(a.ms, 10)))
				continue
			}
			cmds = append(cmds, l.command(c, "GET", a.name))
		}
	}
	if len(waiting) == 0 {
		return
	}
	call, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	for i, result := range c.DoMulti(call, cmds...) {
		value, err := result.AsBytes()
		if rueidis.IsRedisNil(err) {
			value, err = nil, nil
		}
		l.trouble.heard("reading values", err)
		waiting[i].settle(value, err)
	}
}

// Get reads a value within ctx and the budget; nil when there is none. A value that cannot be read is a codec.Reason.
func (v *Values) Get(ctx context.Context, k *key.Key, hash func([]byte) uint64) (*entry.Slot, error) {
	if v.link.get() == nil || ctx.Err() != nil {
		return nil, ErrDown
	}
	name := v.Name(k)
	part, begun := v.part(name), v.cfg.Now()
	if !part.breaker.allow(begun) {
		return nil, ErrDown
	}
	v.Reads.Add(1)
	text, err := v.ask(part, name, "", 0, v.cfg.ReadBudget)
	if ctx.Err() != nil && err != nil { // the caller left: that says nothing about Redis
		part.breaker.release()
		return nil, err
	}
	ended := v.cfg.Now()
	part.breaker.tell(err == nil, ended)
	v.ReadTimes.observe(ended - begun)
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
	slot, err := v.link.cfg.Codec.Decode(text, k, hash)
	if why := codec.Reason(0); errors.As(err, &why) {
		v.Unreadable[why].Add(1)
	}
	return slot, err
}
