package remote

import (
	"context"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/weirproxy/weir/cache/internal/codec"
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/key"
)

// Values is the shared tier: values by key, written behind.
type Values struct {
	link   *Link
	cfg    ValuesConfig
	prefix string
	queue  chan *entry.Slot
	bytes  atomic.Int64 // of what waits
	parts  []part
	free   sync.Pool // of *read
	pipe   pipeline  // of Run

	Reads, Errors, Timeouts, Writes, Dropped atomic.Uint64
	// Unreadable counts values that are none, by codec.Reason.
	Unreadable [len(codec.Reasons)]atomic.Uint64
	// ReadTimes are of single reads, WriteTimes of pipelines of writes.
	ReadTimes, WriteTimes Times
}

// writeBatch is how many values one pipeline writes.
const writeBatch = 64

// ValuesConfig sets up Values. All fields must be set.
type ValuesConfig struct {
	Namespace               string
	Queue                   int   // values that may wait
	QueueBytes              int64 // and their bytes
	ReadBudget, WriteBudget time.Duration
	Now                     func() int64
	// Valid reports whether a slot that waited is still worth writing.
	Valid func(*entry.Slot) bool
	// Done is told, once for each slot that was put, that it is not read here any more.
	Done func(*entry.Slot)
}

// NewValues returns the tier under a namespace; Run writes.
func NewValues(l *Link, cfg ValuesConfig) *Values {
	n := 1
	if l != nil && l.cfg.cluster() {
		n = clusterParts
	}
	return &Values{
		link: l, cfg: cfg, prefix: cfg.Namespace + ":v2:", queue: make(chan *entry.Slot, cfg.Queue), parts: newParts(n),
		free: sync.Pool{New: newRead},
	}
}

// Name returns the Redis key of a value.
func (v *Values) Name(k *key.Key) string {
	return rueidis.BinaryString(v.appendName(make([]byte, 0, len(v.prefix)+2*len(k)), k))
}

func (v *Values) appendName(dst []byte, k *key.Key) []byte {
	return hex.AppendEncode(append(dst, v.prefix...), k[:])
}

// Put queues a slot for writing; a full queue drops it. What waits is bounded in bytes as well, for the tier of this process may have let it
// go already.
func (v *Values) Put(s *entry.Slot) {
	if v.bytes.Add(s.Cost) <= v.cfg.QueueBytes {
		select {
		case v.queue <- s:
			return
		default:
		}
	}
	v.bytes.Add(-s.Cost)
	v.Dropped.Add(1)
	v.cfg.Done(s)
}

// Queued is how many slots wait.
func (v *Values) Queued() int { return len(v.queue) }

// QueuedBytes is how many bytes they take.
func (v *Values) QueuedBytes() int64 { return v.bytes.Load() }

// gather is how long a value may wait for others to be written with it.
const gather = 2 * time.Millisecond

// Run reads what is asked for, and writes what is queued, until ctx ends; then it writes what still waits, within drainTime.
func (v *Values) Run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	for i := range v.parts {
		for range max(1, readers/len(v.parts)) {
			work.Go(func() { v.parts[i].answerAll(ctx, v.link, v.cfg.ReadBudget) })
		}
	}
	batch := make([]*entry.Slot, 0, writeBatch)
	pause := time.NewTimer(gather)
	defer pause.Stop()
	writing, end := outlasting(ctx)
	defer end()
	for {
		select {
		case <-ctx.Done():
			v.leave(writing, batch[:0])
			return
		case s := <-v.queue:
			batch = append(batch[:0], s)
		}
		// The queue is let alone for a while: whoever waits at it is woken by each value.
		pause.Reset(gather)
		select {
		case <-pause.C:
		case <-ctx.Done():
			v.leave(writing, batch)
			return
		}
		for len(batch) > 0 {
			if ctx.Err() != nil {
				v.leave(writing, batch)
				return
			}
			batch = v.more(batch)
			full := len(batch) == writeBatch
			v.write(writing, batch)
			if batch = batch[:0]; full {
				batch = v.more(batch)
			}
		}
	}
}

// more fills a batch with what waits.
func (v *Values) more(batch []*entry.Slot) []*entry.Slot {
	for len(batch) < writeBatch {
		select {
		case s := <-v.queue:
			batch = append(batch, s)
		default:
			return batch
		}
	}
	return batch
}

// drainTime bounds the writing of what waits, and of what is under way, when the process ends.
const drainTime = 500 * time.Millisecond

// outlasting returns a context that ends drainTime after ctx: a pipeline that is under way when the process ends is not cut off.
func outlasting(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, cancel) })
	return longer, cancel
}

// leave writes what waits; what cannot be written before ctx ends is dropped.
func (v *Values) leave(ctx context.Context, batch []*entry.Slot) {
	for {
		if batch = v.more(batch); len(batch) == 0 {
			return
		}
		if ctx.Err() != nil {
			v.drop(batch)
		} else {
			v.write(ctx, batch)
		}
		batch = batch[:0]
	}
}

func (v *Values) drop(batch []*entry.Slot) {
	v.Dropped.Add(uint64(len(batch)))
	v.release(batch)
}

// release gives the memory of a batch back.
func (v *Values) release(batch []*entry.Slot) {
	for i, s := range batch {
		v.bytes.Add(-s.Cost)
		v.cfg.Done(s)
		batch[i] = nil
	}
}
