package ring

import (
	"sync"
	"sync/atomic"
)

// shards is a power of two.
const shards = 8

// A shard keeps so many batches, of so many bytes each, to use again: what is on its way to a broker while the next ones fill. What an outage has
// made larger is not kept.
const (
	kept      = 5
	keptBytes = 128 << 10
)

// Ring is the buffer. New makes one.
type Ring struct {
	shard [shards]shard
	limit int // bytes of a shard
	wake  chan struct{}
	depth atomic.Int64
}

type shard struct {
	mu    sync.Mutex
	buf   []byte
	ends  []int
	spare []*Batch
	ended bool
	_     [40]byte // apart from the next shard's cache line
}

// Batch is what the reader takes: events side by side in Data, event i ends at Ends[i].
type Batch struct {
	Data  []byte
	Ends  []int
	shard int
}

// At returns event i.
func (b *Batch) At(i int) []byte {
	start := 0
	if i > 0 {
		start = b.Ends[i-1]
	}
	return b.Data[start:b.Ends[i]:b.Ends[i]]
}

// New returns a ring that holds up to about bytes bytes.
func New(bytes int) *Ring {
	return &Ring{limit: max(bytes/shards, 4<<10), wake: make(chan struct{}, 1)}
}

// Encoder appends one event to dst. The ring keeps dst.
type Encoder interface{ Append(dst []byte) []byte }

// Put has e append its event to the shard that n chooses; false when there is no room, or after Close. It never waits for the reader.
func (r *Ring) Put(n uint64, e Encoder) bool {
	s := &r.shard[n%shards]
	s.mu.Lock()
	if len(s.buf) >= r.limit || s.ended {
		s.mu.Unlock()
		return false
	}
	first := len(s.ends) == 0
	s.buf = e.Append(s.buf)
	s.ends = append(s.ends, len(s.buf))
	s.mu.Unlock()
	r.depth.Add(1)
	if first {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// Close makes every later Put return false. What the ring holds can still be taken.
func (r *Ring) Close() {
	for i := range r.shard {
		s := &r.shard[i]
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
	}
}

// Wake is sent to when a shard has got its first event.
func (r *Ring) Wake() <-chan struct{} { return r.wake }

// Depth is how many events wait.
func (r *Ring) Depth() int64 { return r.depth.Load() }

// Take returns the events of shard i, nil when it has none. The reader gives the batch back.
func (r *Ring) Take(i int) *Batch {
	s := &r.shard[i%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ends) == 0 {
		return nil
	}
	var b *Batch
	if n := len(s.spare); n > 0 {
		b, s.spare = s.spare[n-1], s.spare[:n-1]
	} else {
		b = &Batch{shard: i % shards}
	}
	b.Data, s.buf = s.buf, b.Data[:0]
	b.Ends, s.ends = s.ends, b.Ends[:0]
	r.depth.Add(-int64(len(b.Ends)))
	return b
}

// Shards is how many shards Take may be asked for.
func (r *Ring) Shards() int { return shards }

// Give returns a batch whose events are no longer used.
func (r *Ring) Give(b *Batch) {
	s := &r.shard[b.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.spare) < kept && cap(b.Data) <= keptBytes {
		s.spare = append(s.spare, b)
	}
}
