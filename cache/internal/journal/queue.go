package journal

import (
	"context"
	"sync"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/tombstone"
)

// Ticket follows one invalidation into the log.
type Ticket struct {
	done chan struct{}
	pos  entry.Position
}

// Done is closed when the log has it.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Position is valid after Done.
func (t *Ticket) Position() entry.Position { return t.pos }

func (t *Ticket) finish(pos entry.Position) {
	t.pos = pos
	close(t.done)
}

// queue holds what waits for the log, in order. Its lock is taken before the clock's.
type queue struct {
	mu       sync.Mutex
	clock    *tombstone.Clock
	author   string
	limit    int
	tagLimit int
	waiting  []item
	tags     int
	next     uint64
	merges   uint64
	wake     chan struct{}
}

type item struct {
	Record
	tickets []*Ticket
}

func (q *queue) init(c *Config) {
	q.clock, q.author, q.limit, q.tagLimit = c.Clock, c.Author, c.Queue, max(1, c.QueueTags)
	q.wake = make(chan struct{}, 1)
}

func (q *queue) size() (n int, merges uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting), q.merges
}

// put applies the names here and queues them.
func (q *queue) put(n *tombstone.Names) *Ticket {
	t := &Ticket{done: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.poke()
	if len(q.waiting) >= q.limit || q.tags+len(n.Tags)+len(n.Prefixes) > q.tagLimit {
		q.merge(n, t)
		return t
	}
	q.clock.Provisional(n)
	q.push(n, []*Ticket{t})
	return t
}

func (q *queue) push(n *tombstone.Names, ts []*Ticket) {
	q.next++
	q.tags += len(n.Tags) + len(n.Prefixes)
	q.waiting = append(q.waiting, item{Record{Author: q.author, Number: q.next, Names: *n}, ts})
}

// merge replaces all that waits, and the new names, by one record that names everything. It is hard unless all were soft.
func (q *queue) merge(n *tombstone.Names, t *Ticket) {
	all := tombstone.Names{All: true, Soft: n.Soft}
	tickets := []*Ticket{t}
	for i := range q.waiting {
		all.Soft = all.Soft && q.waiting[i].Names.Soft
	}
	q.clock.Provisional(&all)
	for i := range q.waiting {
		q.clock.Resolve(&q.waiting[i].Names, entry.Position{})
		tickets = append(tickets, q.waiting[i].tickets...)
	}
	q.waiting, q.tags = nil, 0
	q.merges++
	q.push(&all, tickets)
}

// resolve ends what waits under the number, and reports whether the number is one of this process at all.
func (q *queue) resolve(number uint64, pos entry.Position) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if number == 0 || number > q.next {
		return false
	}
	for i := range q.waiting {
		if q.waiting[i].Number < number {
			continue
		}
		if q.waiting[i].Number > number { // waiting is in the order of numbers
			break
		}
		it := q.waiting[i]
		q.remove(i)
		q.tags -= len(it.Names.Tags) + len(it.Names.Prefixes)
		q.clock.Resolve(&it.Names, pos)
		for _, t := range it.tickets {
			t.finish(pos)
		}
		return true
	}
	return true
}

func (q *queue) remove(i int) {
	if i == 0 { // the common case: the log takes them in order
		q.waiting[0] = item{}
		q.waiting = q.waiting[1:]
		return
	}
	q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
}

// batch copies the first of what waits.
func (q *queue) batch(limit int) []Record {
	q.mu.Lock()
	defer q.mu.Unlock()
	var rs []Record
	for i := range q.waiting {
		if i == limit {
			break
		}
		rs = append(rs, q.waiting[i].Record)
	}
	return rs
}

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// append runs until ctx ends.
func (j *Journal) append(ctx context.Context) {
	pause := shortestPause
	for {
		select {
		case <-ctx.Done():
			return
		case <-j.queue.wake:
		}
		for ctx.Err() == nil {
			n, err := j.Flush(ctx)
			if err == nil && n == 0 {
				break
			}
			if err == nil {
				pause = shortestPause
				continue
			}
			sleep(ctx, pause)
			pause = min(2*pause, longestPause)
		}
	}
}

// Flush appends one batch and returns how many records the log took.
func (j *Journal) Flush(ctx context.Context) (int, error) {
	rs := j.queue.batch(batchRecords)
	if len(rs) == 0 {
		return 0, nil
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ps, err := j.cfg.Source.Append(call, rs)
	for i, p := range ps {
		j.queue.resolve(rs[i].Number, p)
	}
	j.appended.Add(uint64(len(ps)))
	if err != nil {
		j.appendErrs.Add(1)
	}
	return len(ps), err
}
