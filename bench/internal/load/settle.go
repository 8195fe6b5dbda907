package load

import "time"

// settle ends a request that was answered.
func (t *thread) settle(l *link, a *Reply, failure string, now time.Time) {
	o := outcome{
		failure: failure, excused: l.excused || t.r.excused.Load(), answered: true, cache: ParseCacheStatus(a.CacheStatus), bytes: len(a.Body),
		latency: now.Sub(l.due), service: now.Sub(l.sent),
	}
	if failure == "" && t.r.cfg.Ledger != nil {
		o.stale = t.verify(l, a)
	}
	t.conclude(l, &o, now)
}

// verify compares the versions of an answer with the ledger; it returns how many were too old although they were acknowledged.
func (t *thread) verify(l *link, a *Reply) (stale int64) {
	if t.r.labels[l.operation].Kind == KindMutation {
		t.r.cfg.Ledger.AcknowledgeAnswer(a.Target, a.Body, a.Done, !ParseCacheStatus(a.CacheStatus).Unlogged)
		return 0
	}
	t.r.cfg.Ledger.Check(a.Target, a.Body, a.Sent, func(s Stale) {
		if !s.Announced {
			stale++
		}
		if t.r.cfg.OnStale != nil {
			t.r.cfg.OnStale(s)
		}
	})
	return stale
}

// finish ends a request that got no answer.
func (t *thread) finish(l *link, failure string, now time.Time) {
	t.conclude(l, &outcome{failure: failure, excused: l.excused || t.r.excused.Load()}, now)
}

// conclude counts the outcome and gives the link its next task.
func (t *thread) conclude(l *link, o *outcome, now time.Time) {
	t.delist(l)
	t.concluded.Add(1)
	if l.state == busy {
		l.state = idle
	}
	if !l.due.Before(t.counted) {
		t.record(l.operation, o)
	}
	switch {
	case t.times != nil, t.ended, t.left == 0:
		t.release(l.index, now)
	case !o.answered:
		l.retryAt = now.Add(reconnectPause)
		t.paused.push(l.index)
	case t.end.IsZero() || now.Before(t.end):
		t.begin(l, now, now)
	default:
		t.release(l.index, now)
	}
}

func (t *thread) record(operation int, o *outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.delta.count(o, false)
	t.ops[operation].count(o, true)
	if o.answered && o.failure == "" && !o.excused {
		t.service.Record(o.service)
	}
}

// enlist puts a link at the end of the busy ones.
func (t *thread) enlist(l *link) {
	l.prev, l.next = t.newest, none
	if t.newest == none {
		t.oldest = l.index
	} else {
		t.links[t.newest].next = l.index
	}
	t.newest = l.index
}

// delist takes a link out of the busy ones.
func (t *thread) delist(l *link) {
	if l.prev == none {
		t.oldest = l.next
	} else {
		t.links[l.prev].next = l.next
	}
	if l.next == none {
		t.newest = l.prev
	} else {
		t.links[l.next].prev = l.prev
	}
	l.prev, l.next = none, none
}
