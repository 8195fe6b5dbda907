package tombstone

import (
	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// Apply makes a record of the log count; everything up to pos has then been applied.
func (c *Clock) Apply(n *Names, pos entry.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := *c.state.Load()
	st.Applied = entry.Max(st.Applied, pos)
	st.Records++
	c.raise(&st, n, pos, false)
}

// ApplyNext is Apply at the next position of a clock that is its own log: not before ms, unix milliseconds.
func (c *Clock) ApplyNext(n *Names, ms uint64) entry.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := *c.state.Load()
	pos := entry.Position{MS: ms}
	if !st.Applied.Less(pos) {
		pos = st.Applied.Next()
	}
	st.Applied = pos
	st.Records++
	c.raise(&st, n, pos, false)
	return pos
}

// Provisional makes an invalidation count here although its position is not known. Each needs one Resolve.
func (c *Clock) Provisional(n *Names) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := *c.state.Load()
	c.raise(&st, n, entry.Position{}, true)
}

// Resolve gives a provisional invalidation its position; a zero position only ends it (something else stands for it).
func (c *Clock) Resolve(n *Names, pos entry.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.table(n.Soft)
	for _, tag := range n.Tags {
		t.resolve(xxh3.HashStringSeed(tag, c.seed), pos)
	}
	n.each(func(m matcher) {
		ps := c.prefixes.Load().resolved(m, pos)
		c.prefixes.Store(&ps)
	})
	if n.All {
		st := *c.state.Load()
		st.level(n.Soft).resolve(pos)
		c.publish(st)
	}
}

// Advance says that everything up to pos has been applied.
func (c *Clock) Advance(pos entry.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := *c.state.Load()
	if st.Applied.Less(pos) {
		st.Applied = pos
		c.publish(st)
	}
}

// Restart gives up everything older than pos: records were missed, or (epoch differs) the log is another one. What is
// provisional stays so. applied is where reading goes on.
func (c *Clock) Restart(epoch uint64, pos, applied entry.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := *c.state.Load()
	st.Seq++
	st.Raises++
	st.Applied = applied
	changed, first := st.Epoch != epoch, st.Epoch == 0
	if changed {
		st.Epoch = epoch
		st.floor.pos, st.softFloor.pos = entry.Position{}, entry.Position{}
	}
	at := tick(0)
	if !first { // what was missed may be of this moment
		at = c.now()
		c.last.Store(uint32(at))
	}
	st.floor.raise(pos, st.Seq, at)
	c.publish(st) // first: what leaves the tables must be covered
	if changed {
		c.hard.restart()
		c.soft.restart()
		ps, _, _ := c.prefixes.Load().without(func(p *prefix) bool {
			p.pos = entry.Position{}
			return p.pending > 0
		})
		c.prefixes.Store(&ps)
	}
	if n := c.news.Load(); n != nil {
		n.Tell()
	}
}

// Expire forgets invalidations older than pos; the floor stands for them. Entries filled after them do not notice.
func (c *Clock) Expire(pos entry.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := *c.state.Load()
	hard, soften := c.hard.expire(pos), c.soft.expire(pos)
	ps, h, s := c.prefixes.Load().without(func(p *prefix) bool { return p.pending > 0 || !p.pos.Less(pos) })
	hard.level.raise(h.pos, h.seq, h.at)
	soften.level.raise(s.pos, s.seq, s.at)
	c.commit(&st, hard, soften, &ps)
}

// commit publishes st with the floors that stand for the victims, and only then lets the victims go.
func (c *Clock) commit(st *State, hard, soften victims, ps *prefixes) {
	st.floor.raise(hard.level.pos, hard.level.seq, hard.level.at)
	st.softFloor.raise(soften.level.pos, soften.level.seq, soften.level.at)
	c.publish(*st)
	c.hard.drop(hard)
	c.soft.drop(soften)
	c.prefixes.Store(ps)
}

// raise writes the names, then publishes st with the next sequence: a reader that sees the sequence sees the names.
func (c *Clock) raise(st *State, n *Names, pos entry.Position, pending bool) {
	if n.Empty() {
		c.publish(*st)
		return
	}
	st.Seq++
	at := c.now()
	c.last.Store(uint32(at))
	news := c.news.Load()
	told := n.All || len(n.Prefixes)+len(n.Patterns) > 0
	var hard, soften victims
	for _, tag := range n.Tags {
		h := xxh3.HashStringSeed(tag, c.seed)
		told = told || news != nil && news.Holds(h)
		if n.Soft {
			soften = c.soft.add(h, pos, st.Seq, at, pending, soften)
		} else {
			hard = c.hard.add(h, pos, st.Seq, at, pending, hard)
		}
	}
	kept := c.prefixes.Load()
	if len(n.Prefixes)+len(n.Patterns) > 0 {
		all := *kept
		n.each(func(m matcher) { all = all.with(m, pos, st.Seq, at, pending) })
		c.prefixes.Store(&all)
		ps, h, s := all.bounded()
		hard.level.raise(h.pos, h.seq, h.at)
		soften.level.raise(s.pos, s.seq, s.at)
		kept = &ps
	}
	if n.All {
		l := st.level(n.Soft)
		l.raise(pos, st.Seq, at)
		if pending {
			l.pending++
		}
	}
	if hard.level.seq != 0 || soften.level.seq != 0 {
		st.Raises++
	}
	c.commit(st, hard, soften, kept)
	if news != nil && (told || hard.level.seq != 0) {
		news.Tell()
	}
}

func (c *Clock) table(soft bool) *table {
	if soft {
		return c.soft
	}
	return c.hard
}

func (st *State) level(soft bool) *level {
	if soft {
		return &st.softFloor
	}
	return &st.floor
}
