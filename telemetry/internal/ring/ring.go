package ring

import "sync"

// shards is a power of two.
const shards = 8

// kept bounds the records of a batch that is used again. What an outage has made larger is not kept.
const kept = 512

// Ring is the buffer. New makes one.
type Ring[T any] struct {
	shard [shards]shard[T]
	limit int // records of a shard
	keep  func(dst, src *T)
	wake  chan struct{}
	many  chan struct{}
}

type shard[T any] struct {
	mu    sync.Mutex
	items []T
	spare *Batch[T] // nil: the reader has it
	ended bool
	_     [64]byte // apart from the next shard's cache line
}

// Batch is what the reader takes.
type Batch[T any] struct {
	Items []T
	shard int
}

// New returns a ring that holds up to about n records. A writer's record is copied by keep into one that may have been used before, and whose memory it
// may use again.
func New[T any](n int, keep func(dst, src *T)) *Ring[T] {
	return &Ring[T]{limit: max(n/shards, 1), keep: keep, wake: make(chan struct{}, 1), many: make(chan struct{}, 1)}
}

// Put copies v into the shard that n chooses; false when there is no room, or after Close. It never waits for the reader.
func (r *Ring[T]) Put(n uint64, v *T) bool {
	s := &r.shard[n%shards]
	s.mu.Lock()
	i := len(s.items)
	if i >= r.limit || s.ended {
		s.mu.Unlock()
		return false
	}
	if i < cap(s.items) {
		s.items = s.items[:i+1]
	} else {
		var more T
		s.items = append(s.items, more)
	}
	r.keep(&s.items[i], v)
	s.mu.Unlock()
	switch i {
	case 0:
		signal(r.wake)
	case 1:
		signal(r.many)
	}
	return true
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close makes every later Put return false. What the ring holds can still be taken.
func (r *Ring[T]) Close() {
	for i := range r.shard {
		s := &r.shard[i]
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
	}
}

// Wake is sent to when a shard has got its first record.
func (r *Ring[T]) Wake() <-chan struct{} { return r.wake }

// Many is sent to when a shard has got its second record: writers that take the shards in turn have left as many records as there are shards.
func (r *Ring[T]) Many() <-chan struct{} { return r.many }

// Depth is how many records wait.
func (r *Ring[T]) Depth() (n int) {
	for i := range r.shard {
		s := &r.shard[i]
		s.mu.Lock()
		n += len(s.items)
		s.mu.Unlock()
	}
	return n
}

// Take returns the records of shard i, nil when it has none. The reader gives the batch back before it takes the shard's next.
func (r *Ring[T]) Take(i int) *Batch[T] {
	s := &r.shard[i%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.items) == 0 {
		return nil
	}
	b := s.spare
	if b == nil {
		b = &Batch[T]{shard: i % shards}
	}
	s.spare = nil
	b.Items, s.items = s.items, b.Items[:0]
	return b
}

// Shards is how many shards Take may be asked for.
func (r *Ring[T]) Shards() int { return shards }

// Give returns a batch whose records are no longer used. What they point to is the reader's to clear.
func (r *Ring[T]) Give(b *Batch[T]) {
	if cap(b.Items) > kept {
		return
	}
	s := &r.shard[b.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = b
}
