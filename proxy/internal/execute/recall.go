package execute

import (
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
)

// keyed begins the key of what a step asks for; own: of the user alone.
func (r *run) keyed(step *planner.FetchStep, id *planner.FetchIdentity, own bool) *cache.KeyWriter {
	w := &r.digest
	w.Reset()
	w.Part(partIdentity, id[:])
	l := r.linesFor(step.Subgraph)
	w.Part(partCaller, l.text[:l.own])
	if own {
		w.Part(partUser, r.q.User)
	}
	for _, name := range step.Variables {
		v := r.values.Find(name, nil)
		if !v.Present() {
			continue
		}
		w.Part(partName, []byte(name))
		r.scratch = v.AppendJSON(r.scratch[:0])
		w.Part(partValue, r.scratch)
	}
	return w
}

// recallRoot answers a step of root fields from the cache; false when it has to be asked.
func (r *run) recallRoot(s int, step *planner.FetchStep, c *fetchCall) bool {
	now := time.Now().UnixNano()
	if step.Kind != planner.FetchQuery || !r.keeps || !r.e.keeper.wants(step.Subgraph, &step.Identity, r.q.User, now) {
		return false
	}
	own := r.e.keeper.privately(step.Subgraph, &step.Identity, now) && len(r.q.User) > 0
	c.sought = append(c.sought[:0], sought{key: r.keyed(step, &step.Identity, own).Sum(), own: own})
	r.e.keeper.look(r.ctx, c.sought, now)
	content := c.sought[0].hit()
	if content == nil {
		r.unkept(step, 1)
		return false
	}
	before := r.recalled(s, c, content)
	if r.merge(0, step.Output, 0, 1) < 0 {
		r.rollback(before)
		return false
	}
	r.keptOne(step)
	r.recalledFresh(c.sought[0].found.Entry, now)
	return true
}

// recalled makes content, behind what was recalled for the step before, the text that is read. The entry's memory is not held on to.
func (r *run) recalled(s int, c *fetchCall, content []byte) mark {
	c.recalled = append(c.recalled, content...)
	r.texts[len(r.plan.Steps)+s] = c.recalled
	r.b, r.text, r.pending = c.recalled, uint16(len(r.plan.Steps)+s), r.pending[:0]
	return r.mark()
}

// recall merges the entities of a lookup that are in the cache, and takes them out of the list that was written from b[list:] on. It
// returns the request as far as it is written.
func (r *run) recall(step *planner.FetchStep, l int, c *fetchCall, b []byte) []byte {
	a, lookup := &c.asked, &step.Lookups[l]
	now := time.Now().UnixNano()
	first := int(a.firsts[l])
	for len(c.sought) < first { // of lookups that were passed over
		c.sought = append(c.sought, sought{})
	}
	if len(a.ranges) == 0 || !r.e.keeper.wants(step.Subgraph, &lookup.Identity, r.q.User, now) {
		return b
	}
	own := r.e.keeper.privately(step.Subgraph, &lookup.Identity, now) && len(r.q.User) > 0
	w := r.keyed(step, &lookup.Identity, own)
	prefix := w.Mark()
	for _, at := range a.ranges {
		w.Return(prefix)
		w.Part(partRepresentation, b[at[0]:at[1]])
		c.sought = append(c.sought, sought{key: w.Sum(), own: own})
	}
	r.e.keeper.look(r.ctx, c.sought[first:], now)
	heads := a.heads[first:]
	kept, end := 0, int(a.ranges[0][0])
	for n, at := range a.ranges {
		found := &c.sought[first+n]
		if r.recallEntity(step, c, lookup, heads[n], found) {
			r.renumber(a, heads[n], -1)
			continue
		}
		if kept > 0 {
			b[end] = ','
			end++
		}
		end += copy(b[end:], b[at[0]:at[1]])
		r.renumber(a, heads[n], int32(kept))
		heads[kept], c.sought[first+kept] = heads[n], *found
		kept++
	}
	r.unkept(step, kept)
	a.heads, c.sought = a.heads[:first+kept], c.sought[:first+kept]
	a.ranges = a.ranges[:kept]
	return append(b[:end], ']')
}

func (r *run) recallEntity(step *planner.FetchStep, c *fetchCall, lookup *planner.FetchLookup, head int32, found *sought) bool {
	content := found.hit()
	if content == nil {
		return false
	}
	start := len(c.recalled)
	before := r.recalled(step.ID, c, content)
	if r.entity(lookup, &c.asked, head, start) < 0 {
		r.rollback(before)
		return false
	}
	r.keptOne(step)
	r.recalledFresh(found.found.Entry, time.Now().UnixNano())
	return true
}

// recalledFresh is for an entry whose content is in the answer.
func (r *run) recalledFresh(e *cache.Entry, now int64) {
	if r.q.Fresh {
		r.fresh.bound(time.Duration(e.Soft - now))
		r.fresh.Private = r.fresh.Private || e.Private
		r.mention(&e.Tags)
	}
}

// renumber gives the references of a representation its place in the request; -1: it is not in it.
func (r *run) renumber(a *asked, ref, to int32) {
	for ; ref >= 0; ref = a.refs[ref].next {
		a.refs[ref].representation = to
	}
}
