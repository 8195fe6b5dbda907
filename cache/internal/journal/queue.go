package journal

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/tombstone"
)

// Ticket follows one invalidation into the log.
type Ticket struct {
	done chan struct{}
	pos  entry.Position
	left atomic.Bool
}

// Leave says that nobody waits for the ticket any more, so that it need not be kept while the log is away for long.
func (t *Ticket) Leave() { t.left.Store(true) }

// Done is closed when the log has it.
func (t *Ticket) Done() <-chan struct{} { return t.done }

// Position is valid after Done.
func (t *Ticket) Position() entry.Position { return t.pos }

func (t *Ticket) finish(pos entry.Position) {
	t.pos = pos
	close(t.done)
}

// queue holds what waits for the log, in order, and what the log has but was not read back yet. Only reading gives the clock an
// invalidation's position: an answer to an append may come from another generation than the one the clock is in. The queue's lock is
// taken before the clock's.
type queue struct {
	mu       sync.Mutex
	clock    *tombstone.Clock
	author   string
	limit    int
	tagLimit int
	waiting  []item
	acked    []item
	ack      uint64 // last number the log answered to
	tags     int
	next     uint64
	merges   uint64
	wake     chan struct{}
	recent   recent
}

type item struct {
	Record
	first   uint64 // lowest number that it stands for
	tickets []*Ticket
}

func (it *item) finish(pos entry.Position) {
	for _, t := range it.tickets {
		t.finish(pos)
	}
	it.tickets = nil
}

func (q *queue) init(c *Config) {
	q.clock, q.author, q.limit, q.tagLimit = c.Clock, c.Author, c.Queue, max(1, c.QueueTags)
	q.wake = make(chan struct{}, 1)
	q.recent.now = c.Now
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
	if len(q.waiting) >= q.limit || q.tags+n.Len() > q.tagLimit {
		q.merge(n, t)
		return t
	}
	q.clock.Provisional(n)
	q.push(n, []*Ticket{t})
	return t
}

func (q *queue) push(n *tombstone.Names, ts []*Ticket) {
	q.next++
	q.tags += n.Len()
	q.waiting = append(q.waiting, item{Record{Author: q.author, Number: q.next, Names: *n}, q.next, ts})
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
		for _, t := range q.waiting[i].tickets {
			if !t.left.Load() {
				tickets = append(tickets, t)
			}
		}
	}
	first := q.next + 1
	for i := range q.waiting {
		first = min(first, q.waiting[i].first)
	}
	q.waiting, q.tags = nil, 0
	q.merges++
	q.push(&all, tickets)
	q.waiting[0].first = first
}

// take removes the item with a number from a list in the order of numbers.
func take(list *[]item, number uint64) (it item, ok bool) {
	l := *list
	i, ok := slices.BinarySearchFunc(l, number, func(it item, n uint64) int { return cmp.Compare(it.Number, n) })
	if !ok {
		return item{}, false
	}
	it = l[i]
	if i == 0 { // the common case
		l[0] = item{}
		*list = l[1:]
		return it, true
	}
	*list = slices.Delete(l, i, i+1)
	return it, true
}

// answered says that the log has the number.
func (q *queue) answered(number uint64, pos entry.Position) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ack = max(q.ack, number)
	it, ok := q.waitingItem(number)
	if !ok { // read back already
		return
	}
	it.finish(pos)
	q.acked = append(q.acked, it)
	if len(q.acked) > q.limit {
		q.mergeAcked()
	}
}

func (q *queue) waitingItem(number uint64) (item, bool) {
	it, ok := take(&q.waiting, number)
	if ok {
		q.tags -= it.Names.Len()
	}
	return it, ok
}

// mergeAcked lets one item that names everything stand for all that were not read back yet. It ends when the last of them is read.
func (q *queue) mergeAcked() {
	all := tombstone.Names{All: true, Soft: true}
	for i := range q.acked {
		all.Soft = all.Soft && q.acked[i].Names.Soft
	}
	q.clock.Provisional(&all)
	for i := range q.acked {
		q.clock.Resolve(&q.acked[i].Names, entry.Position{})
	}
	last := q.acked[len(q.acked)-1].Number
	q.acked = []item{{Record: Record{Author: q.author, Number: last, Names: all}}}
	q.merges++
}

// read gives an own record that was read back its position, and reports whether it was known. One that is not known (a duplicate, or
// given up by settle) has to be applied like another's.
func (q *queue) read(number uint64, pos entry.Position) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	it, ok := take(&q.acked, number)
	if !ok {
		it, ok = q.waitingItem(number)
	}
	if !ok {
		return false
	}
	q.clock.Resolve(&it.Names, pos)
	it.finish(pos)
	q.recent.add(&it.Names)
	return true
}

// answeredUpTo returns the last number the log has answered to.
func (q *queue) answeredUpTo() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ack
}

// settle ends what the log had up to a number, for the floor stands for it.
func (q *queue) settle(number uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.acked) > 0 && q.acked[0].Number <= number {
		q.clock.Resolve(&q.acked[0].Names, entry.Position{})
		q.acked = q.acked[1:]
	}
}

// last returns the number of the latest invalidation.
func (q *queue) last() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.next
}

// logged reports whether the log has all up to a number.
func (q *queue) logged(number uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !slices.ContainsFunc(q.waiting, func(it item) bool { return it.first <= number })
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

// Last returns the number of the latest invalidation of this process.
func (j *Journal) Last() uint64 { return j.queue.last() }

// AwaitLogged waits until the log has all that was invalidated here before the call, or ctx ends.
func (j *Journal) AwaitLogged(ctx context.Context) error {
	for last := j.Last(); !j.queue.logged(last); {
		if sleep(ctx, shortestPause); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// leaveTimeout bounds the last attempt to append, when the process ends.
const leaveTimeout = 500 * time.Millisecond

// leave appends what still waits: nobody else would ever know of it.
func (j *Journal) leave(ctx context.Context) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	for {
		n, err := j.Flush(call)
		if err != nil {
			waiting, _ := j.queue.size()
			j.cfg.Logger.Warn("invalidations that the log never got", "records", waiting, "error", err)
		}
		if err != nil || n == 0 {
			return
		}
	}
}

// append runs until ctx ends.
func (j *Journal) append(ctx context.Context) {
	defer j.leave(ctx)
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
		j.queue.answered(rs[i].Number, p)
	}
	j.appended.Add(uint64(len(ps)))
	if err != nil {
		j.appendErrs.Add(1)
	}
	return len(ps), err
}
