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
	reads  reads

	Reads, Errors, Timeouts, Writes, Dropped atomic.Uint64
}

// writeBatch is how many values one pipeline writes.
const writeBatch = 32

// ValuesConfig sets up Values. All fields must be set.
type ValuesConfig struct {
	Namespace               string
	Queue                   int   // values that may wait
	QueueBytes              int64 // and their bytes
	ReadBudget, WriteBudget time.Duration
	Now                     func() int64
}

// NewValues returns the tier under a namespace; Run writes.
func NewValues(l *Link, cfg ValuesConfig) *Values {
	return &Values{link: l, cfg: cfg, prefix: cfg.Namespace + ":v1:", queue: make(chan *entry.Slot, cfg.Queue), reads: newReads()}
}

// Name returns the Redis key of a value.
func (v *Values) Name(k *key.Key) string {
	b := make([]byte, 0, len(v.prefix)+2*len(k))
	return string(hex.AppendEncode(append(b, v.prefix...), k[:]))
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
}

// Queued is how many slots wait.
func (v *Values) Queued() int { return len(v.queue) }

// gather is how long a value may wait for others to be written with it.
const gather = 2 * time.Millisecond

// Run reads what is asked for, and writes what is queued, until ctx ends.
func (v *Values) Run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	for range readers {
		work.Go(func() { v.reads.run(ctx, v.link, v.cfg.ReadBudget) })
	}
	batch := make([]*entry.Slot, 0, writeBatch)
	pause := time.NewTimer(gather)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-v.queue:
			batch = append(batch[:0], s)
		}
		pause.Reset(gather)
	more:
		for len(batch) < writeBatch {
			select {
			case s := <-v.queue:
				batch = append(batch, s)
			case <-pause.C:
				break more
			case <-ctx.Done():
				return
			}
		}
		v.write(ctx, batch)
		for i, s := range batch {
			v.bytes.Add(-s.Cost)
			batch[i] = nil
		}
	}
}

func (v *Values) write(ctx context.Context, batch []*entry.Slot) {
	c := v.link.get()
	if c == nil {
		v.Dropped.Add(uint64(len(batch)))
		return
	}
	now := v.cfg.Now()
	cmds := make(rueidis.Commands, 0, len(batch))
	for _, s := range batch {
		ms := (s.Hard - now) / int64(time.Millisecond)
		if ms <= 0 {
			continue
		}
		value := codec.Append(make([]byte, 0, codec.Size(s)), s)
		cmds = append(cmds, c.B().Set().Key(v.Name(&s.Digest)).Value(rueidis.BinaryString(value)).PxMilliseconds(ms).Build())
	}
	if len(cmds) == 0 || !v.link.breaker.allow(now) {
		v.Dropped.Add(uint64(len(cmds)))
		return
	}
	call, cancel := context.WithTimeout(ctx, v.cfg.WriteBudget)
	defer cancel()
	ok := true
	for _, r := range c.DoMulti(call, cmds...) {
		if r.Error() != nil {
			ok = false
			v.Dropped.Add(1)
			continue
		}
		v.Writes.Add(1)
	}
	v.link.breaker.tell(ok, v.cfg.Now())
}
