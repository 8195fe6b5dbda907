package tombstone

import (
	"sync"
	"sync/atomic"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// table maps name hashes to levels. It is bounded: what is pushed out is reported, so that the floor can stand for it.
type table struct {
	shards []shard
	mask   uint64
	count  atomic.Int64
}

type shard struct {
	last atomic.Uint64 // highest local sequence in this shard; readers checked since then need no lock
	mu   sync.RWMutex
	m    map[uint64]level
	fifo []arrival // in order of arrival; superseded ones are skipped when they come out
	head int
	max  int
	// leaving counts victims selected and not yet dropped. A name raised again meanwhile stays; drop resets the count.
	leaving int
	_       [32]byte
}

type arrival struct{ hash, seq uint64 }

const manyShards = 64

func newTable(limit int) *table {
	n := 1
	if limit >= manyShards*64 {
		n = manyShards
	}
	t := &table{shards: make([]shard, n), mask: uint64(n - 1)}
	for i := range t.shards {
		t.shards[i].m = make(map[uint64]level)
		t.shards[i].max = max(1, limit/n)
	}
	return t
}

func (t *table) shard(hash uint64) *shard { return &t.shards[hash>>32&t.mask] }

// covers reports whether a slot passes the level of a name.
func (t *table) covers(hash, checked uint64, asOf entry.Position) (l level, ok bool) {
	s := t.shard(hash)
	if s.last.Load() <= checked {
		return l, true
	}
	s.mu.RLock()
	l, known := s.m[hash]
	s.mu.RUnlock()
	return l, !known || l.covers(checked, asOf)
}

// add raises a name and appends to out what must be dropped for it: first the floor is published for the victims, then
// drop removes them, so that a reader never misses both.
func (t *table) add(hash uint64, pos entry.Position, seq uint64, at tick, pending bool, out victims) victims {
	s := t.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	l, known := s.m[hash]
	l.raise(pos, seq, at)
	if pending {
		l.pending++
	}
	s.m[hash] = l
	s.fifo = append(s.fifo, arrival{hash, seq})
	if !known {
		t.count.Add(1)
	}
	for tries := len(s.fifo) - s.head; tries > 0 && (len(s.m)-s.leaving > s.max || len(s.fifo)-s.head > 2*s.max+8); tries-- {
		out = s.pop(out)
	}
	s.last.Store(max(s.last.Load(), seq))
	return out
}

// victims are levels that are about to be dropped.
type victims struct {
	arrivals []arrival
	level    level // stands for all of them
}

// pop takes the oldest arrival. A pending level goes back to the end; a superseded arrival is forgotten.
func (s *shard) pop(out victims) victims {
	a := s.fifo[s.head]
	s.head++
	if s.head > 1024 && s.head*2 > len(s.fifo) {
		s.fifo = append(s.fifo[:0:0], s.fifo[s.head:]...)
		s.head = 0
	}
	l, known := s.m[a.hash]
	switch {
	case !known || l.seq != a.seq:
	case l.pending > 0:
		s.fifo = append(s.fifo, a)
	default:
		s.leaving++
		out.arrivals = append(out.arrivals, a)
		out.level.raise(l.pos, l.seq, l.at)
	}
	return out
}

// drop removes victims after the floor that stands for them was published.
func (t *table) drop(v victims) {
	for _, a := range v.arrivals {
		s := t.shard(a.hash)
		s.mu.Lock()
		s.leaving = 0
		if l, ok := s.m[a.hash]; ok && l.seq == a.seq {
			delete(s.m, a.hash)
			t.count.Add(-1)
		}
		s.mu.Unlock()
	}
}

func (t *table) resolve(hash uint64, pos entry.Position) {
	s := t.shard(hash)
	s.mu.Lock()
	if l, ok := s.m[hash]; ok {
		l.resolve(pos)
		s.m[hash] = l
	}
	s.mu.Unlock()
}

// expire selects levels older than the position.
func (t *table) expire(before entry.Position) (out victims) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for tries := len(s.fifo) - s.head; tries > 0; tries-- {
			a := s.fifo[s.head]
			if l, ok := s.m[a.hash]; ok && l.seq == a.seq && l.pending == 0 && !l.pos.Less(before) {
				break
			}
			out = s.pop(out)
		}
		s.mu.Unlock()
	}
	return out
}

// restart drops all levels but the pending ones, whose positions belong to a generation that is gone.
func (t *table) restart() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		fifo := s.fifo[s.head:]
		s.fifo, s.head = nil, 0
		for _, a := range fifo {
			l, ok := s.m[a.hash]
			if !ok || l.seq != a.seq {
				continue
			}
			if l.pending == 0 {
				delete(s.m, a.hash)
				t.count.Add(-1)
				continue
			}
			l.pos = entry.Position{}
			s.m[a.hash] = l
			s.fifo = append(s.fifo, a)
		}
		s.mu.Unlock()
	}
}
