package load

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// loop sends and receives until the end: first until nothing new is due, then until what is under way is answered or timed out.
func (t *thread) loop(ctx context.Context) {
	now := time.Now()
	for ctx.Err() == nil {
		t.resume(now)
		t.dispatch(now)
		if t.over(now) {
			return
		}
		events, err := t.poll.wait(t.patience(now))
		if err != nil {
			t.r.fail(err)
			return
		}
		now = time.Now()
		for i := range events {
			if l := t.of(&events[i]); l != nil {
				now = t.ready(l, events[i].Events, now)
			}
		}
		t.expire(now)
		if now.After(t.cpuNext) {
			t.cpu.Store(int64(threadTime() - t.cpuBase))
			t.cpuNext = now.Add(cpuInterval)
		}
	}
}

// advance takes the next arrival from the plan.
func (t *thread) advance() {
	t.due, t.hasDue = t.times.Next()
	if t.hasDue && !t.end.IsZero() && !t.start.Add(t.due).Before(t.end) {
		t.hasDue = false
	}
}

// over reports whether the run has ended; what was due and could not be sent by then is counted.
func (t *thread) over(now time.Time) bool {
	if !t.ended {
		switch {
		case t.left == 0, t.times != nil && !t.hasDue:
			t.ended = true
		case !t.end.IsZero() && !now.Before(t.end) && (t.times == nil || now.After(t.end.Add(t.r.cfg.Timeout))):
			t.ended = true
		}
	}
	if !t.ended || t.oldest != none {
		return false
	}
	for t.times != nil && t.hasDue && t.left != 0 && !t.end.IsZero() {
		t.left--
		l := &t.links[0] // idle, like all of them
		l.request, l.operation = t.stream.Next(l.request[:0], &t.r.cfg.Targets[l.target], int(l.index))
		if due := t.start.Add(t.due); !due.Before(t.counted) {
			t.record(l.operation, &outcome{failure: FailUnsent})
		}
		t.advance()
	}
	return true
}

// patience is how long the thread may wait for events.
func (t *thread) patience(now time.Time) time.Duration {
	wait := time.Duration(-1)
	sooner := func(at time.Time) {
		if d := max(0, at.Sub(now)); wait < 0 || d < wait {
			wait = d
		}
	}
	if t.hasDue && !t.ended && !t.free.empty() {
		sooner(t.start.Add(t.due))
	}
	if t.oldest != none {
		sooner(t.links[t.oldest].sent.Add(t.r.cfg.Timeout))
	}
	if !t.ended && !t.paused.empty() {
		sooner(t.links[t.paused.at[t.paused.from]].retryAt)
	}
	if !t.ended && !t.end.IsZero() {
		if now.Before(t.end) {
			sooner(t.end)
		} else {
			sooner(t.end.Add(t.r.cfg.Timeout + time.Millisecond))
		}
	}
	return wait
}

// dispatch hands out what is due, as far as links are free; a closed loop is always due.
func (t *thread) dispatch(now time.Time) {
	for !t.ended && !t.free.empty() && t.left != 0 {
		at := now
		if t.times != nil {
			if !t.hasDue {
				return
			}
			if at = t.start.Add(t.due); at.After(now) {
				return
			}
			t.advance()
		} else if !t.end.IsZero() && !now.Before(t.end) {
			return
		}
		l := &t.links[t.free.pop()]
		if t.times != nil {
			now = time.Now() // the moment it is sent, after those before it
			t.late(at, now)
		}
		t.begin(l, at, now)
	}
}

// late notes how well the generator kept its plan.
func (t *thread) late(due, now time.Time) {
	t.mu.Lock()
	if due.Before(t.freeFrom) {
		t.waited++
	} else {
		t.lateness.Record(now.Sub(due))
	}
	t.mu.Unlock()
}

// begin sends the next request of the stream on a free link.
func (t *thread) begin(l *link, due, now time.Time) {
	if t.left > 0 {
		t.left--
	}
	t.asked.Add(1)
	l.request, l.operation = t.stream.Next(l.request[:0], &t.r.cfg.Targets[l.target], int(l.index))
	l.due, l.sent, l.retried, l.excused = due, now, false, t.r.excused.Load()
	t.enlist(l)
	t.transmit(l, now)
}

// transmit sends the link's request from its beginning, over a new connection if need be.
func (t *thread) transmit(l *link, now time.Time) {
	l.written, l.in = 0, l.in[:0]
	l.res.reset()
	if l.state == closed {
		if err := t.dial(l); err != nil {
			t.finish(l, FailConnect, now)
			return
		}
	}
	if l.state != connecting {
		l.state = busy
		t.write(l, now)
	}
}

// write sends what is left of the request.
func (t *thread) write(l *link, now time.Time) {
	more, err := l.send()
	if err != nil {
		t.broken(l, err, now)
		return
	}
	if more != l.writing {
		events := uint32(unix.EPOLLIN)
		if more {
			events |= unix.EPOLLOUT
		}
		if err := t.poll.watch(l.fd, unix.EPOLL_CTL_MOD, events, l.index, l.generation); err != nil {
			t.broken(l, err, now)
			return
		}
		l.writing = more
	}
}

// ready handles an event of a link and returns the newest time it knows.
func (t *thread) ready(l *link, events uint32, now time.Time) time.Time {
	switch l.state {
	case connecting:
		if err := t.establish(l); err != nil {
			t.finish(l, FailConnect, now)
			return now
		}
		l.state = busy
		t.write(l, now)
	case idle:
		t.disconnect(l) // the server closed it, or sent what nobody asked for; the next request opens it again
	case busy:
		if l.writing && events&unix.EPOLLOUT != 0 {
			t.write(l, now)
		}
		if l.state == busy && events&^uint32(unix.EPOLLOUT) != 0 {
			return t.read(l, now)
		}
	}
	return now
}

// read takes what arrived, and the whole answer if it is there.
func (t *thread) read(l *link, now time.Time) time.Time {
	n, done, err := l.receive()
	if err != nil {
		t.broken(l, err, now)
		return now
	}
	if !done {
		return now
	}
	now = time.Now()
	t.lastReply.Store(int64(now.Sub(t.start)))
	l.used = true
	t.reply = Reply{
		Target: l.target, Status: l.res.status, CacheStatus: l.res.cacheStatus.of(l.in), ContentType: l.res.contentType.of(l.in),
		Head: l.in[l.res.start:l.res.head], Body: l.res.body(l.in, n), Due: l.due, Sent: l.sent, Done: now,
	}
	failure, again := t.stream.Judge(&t.reply, int(l.index))
	if l.res.close || n < len(l.in) || l.writing {
		t.disconnect(l)
	}
	if again {
		l.request = t.stream.Again(l.request[:0], &t.r.cfg.Targets[l.target], int(l.index))
		t.transmit(l, now)
		return now
	}
	t.settle(l, &t.reply, failure, now)
	return now
}

// broken handles an error on the link's connection.
func (t *thread) broken(l *link, err error, now time.Time) {
	again := l.stale(err)
	t.disconnect(l)
	if again {
		l.retried = true
		t.transmit(l, now)
		return
	}
	t.finish(l, failureOf(err), now)
}

// expire ends the requests that took too long.
func (t *thread) expire(now time.Time) {
	for t.oldest != none {
		l := &t.links[t.oldest]
		if now.Sub(l.sent) < t.r.cfg.Timeout {
			return
		}
		t.disconnect(l)
		t.finish(l, failureOf(os.ErrDeadlineExceeded), now)
	}
}

// resume frees the links of a closed loop that have waited long enough after a failure.
func (t *thread) resume(now time.Time) {
	for !t.paused.empty() && !t.links[t.paused.at[t.paused.from]].retryAt.After(now) {
		t.release(t.paused.pop(), now)
	}
}

// release makes a link free.
func (t *thread) release(i int32, now time.Time) {
	if t.free.empty() {
		t.freeFrom = now
	}
	t.free.push(i)
}
