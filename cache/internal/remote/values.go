package remote

import (
	"context"
	"encoding/hex"
	"errors"
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
	prefix string
	budget time.Duration // of one write
	now    func() int64
	queue  chan *entry.Slot

	Reads, Errors, Timeouts, Writes, Dropped atomic.Uint64
}

// writeBatch is how many values one pipeline writes.
const writeBatch = 32

// NewValues returns the tier under a namespace; Run writes.
func NewValues(l *Link, namespace string, queue int, budget time.Duration, now func() int64) *Values {
	return &Values{link: l, prefix: namespace + ":v1:", budget: budget, now: now, queue: make(chan *entry.Slot, queue)}
}

func (v *Values) name(k *key.Key) string {
	b := make([]byte, 0, len(v.prefix)+2*len(k))
	return string(hex.AppendEncode(append(b, v.prefix...), k[:]))
}

// Get reads a value within ctx; nil when there is none. A value that cannot be read is codec.ErrCorrupt.
func (v *Values) Get(ctx context.Context, k *key.Key, hash func([]byte) uint64) (*entry.Slot, error) {
	c := v.link.get()
	now := v.now()
	if c == nil || !v.link.breaker.allow(now) {
		return nil, ErrDown
	}
	v.Reads.Add(1)
	text, err := c.Do(ctx, c.B().Get().Key(v.name(k)).Build()).AsBytes()
	absent := rueidis.IsRedisNil(err)
	v.link.breaker.tell(err == nil || absent, v.now())
	switch {
	case absent:
		return nil, nil
	case errors.Is(err, context.DeadlineExceeded):
		v.Timeouts.Add(1)
		return nil, err
	case err != nil:
		v.Errors.Add(1)
		return nil, err
	}
	return codec.Decode(text, k, hash)
}

// Put queues a slot for writing; a full queue drops it.
func (v *Values) Put(s *entry.Slot) {
	select {
	case v.queue <- s:
	default:
		v.Dropped.Add(1)
	}
}

// Queued is how many slots wait.
func (v *Values) Queued() int { return len(v.queue) }

// Run writes what is queued until ctx ends.
func (v *Values) Run(ctx context.Context) {
	batch := make([]*entry.Slot, 0, writeBatch)
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-v.queue:
			batch = append(batch[:0], s)
		}
	more:
		for len(batch) < writeBatch {
			select {
			case s := <-v.queue:
				batch = append(batch, s)
			default:
				break more
			}
		}
		v.write(ctx, batch)
	}
}

func (v *Values) write(ctx context.Context, batch []*entry.Slot) {
	c := v.link.get()
	now := v.now()
	if c == nil || !v.link.breaker.allow(now) {
		v.Dropped.Add(uint64(len(batch)))
		return
	}
	cmds := make(rueidis.Commands, 0, len(batch))
	for _, s := range batch {
		ms := (s.Hard - now) / int64(time.Millisecond)
		if ms <= 0 {
			continue
		}
		value := codec.Append(nil, s)
		cmds = append(cmds, c.B().Set().Key(v.name(&s.Digest)).Value(rueidis.BinaryString(value)).PxMilliseconds(ms).Build())
	}
	if len(cmds) == 0 {
		v.link.breaker.tell(true, now)
		return
	}
	call, cancel := context.WithTimeout(ctx, v.budget)
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
	v.link.breaker.tell(ok, v.now())
}
