package journal

import (
	"time"

	"github.com/weirproxy/weir/cache/internal/tombstone"
)

// What this process has put into a log that another one has taken the place of: when masters change, some sidecars go to the new one while
// others still write to the old one. Those who left first would never hear of that, so every process carries over what it has put into the
// old log lately.

const (
	renewFor    = time.Minute // longer than masters take to change
	maxRenewals = 256
)

// recent remembers the own invalidations of the last minute that were read back. The queue's lock guards it.
type recent struct {
	now      func() int64
	list     []dated
	overflow int64 // when one was forgotten for want of room, unix ns; 0: never
}

type dated struct {
	names tombstone.Names
	at    int64
}

func (r *recent) add(n *tombstone.Names) {
	now := r.now()
	r.expire(now)
	if len(r.list) == maxRenewals {
		r.overflow = now
		r.list = r.list[1:]
	}
	r.list = append(r.list, dated{*n, now})
}

func (r *recent) expire(now int64) {
	for len(r.list) > 0 && now-r.list[0].at > int64(renewFor) {
		r.list = r.list[1:]
	}
}

// take returns what is remembered, and forgets it; all tells that there was more.
func (r *recent) take() (list []dated, all bool) {
	now := r.now()
	r.expire(now)
	list, all = r.list, r.overflow != 0 && now-r.overflow <= int64(renewFor)
	r.list, r.overflow = nil, 0
	return list, all
}

// renew puts into the log once more what only another log has. All of it gets new numbers: those who wait for the log are answered in the order of numbers.
func (q *queue) renew() {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.poke()
	for _, it := range q.acked { // not read back: counts here without a position since it was asked for
		q.next++
		it.Number = q.next
		q.tags += it.Names.Len()
		q.waiting = append(q.waiting, it)
	}
	q.acked = nil
	list, all := q.recent.take()
	if all {
		list = []dated{{names: tombstone.Names{All: true}}}
	}
	for i := range list {
		n := &list[i].names
		q.clock.Provisional(n)
		q.push(n, nil)
	}
}
