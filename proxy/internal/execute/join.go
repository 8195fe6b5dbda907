package execute

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// A joint execution has guests: the one who executes, and those who asked the same meanwhile and wait. They wait for nothing else, and the one
// who executes waits for no guest. A guest that leaves ends the execution when it was the last.
//
// Lock order: Leash of a guest, berth.mu, Leash of a joint.

const (
	berthCount = 64
	berthWidth = 8 // executions under way that can be found in a berth
	// joinable is which part of the time of an operation it can be joined in: one that hangs holds up those who came early, and nobody else.
	joinable = 10
)

// joints are the executions under way that others may join.
type joints struct {
	berths [berthCount]berth
	guests sync.Pool
	spare  sync.Pool // of *joint
	joined atomic.Uint64
}

// berth holds executions by a part of their hash.
type berth struct {
	mu    sync.Mutex
	under [berthWidth]*joint
}

// joint is an execution that is under way. All but common is guarded by the berth.
type joint struct {
	plan    *planner.FetchPlan
	key     []byte
	news    uint64
	begun   time.Time
	common  subgraph.Leash // ends its fetches when all guests have left
	members int            // guests that have not left
	holders int            // of the memory
	waiters []*guest
	ended   bool
	void    bool // what came of it is no answer for others
	body    []byte
	stats   Stats // what the answer is, not what it took
	told    bool  // tags are known
	tags    planner.Tags
}

// guest is a request for what may be executed jointly.
type guest struct {
	berth   *berth
	joint   *joint
	key     []byte
	wake    chan struct{} // one token for each wait
	left    bool
	waiting bool
}

// Joined is how many requests joined an identical one that was under way.
func (e *Executor) Joined() uint64 {
	if e.joints == nil {
		return 0
	}
	return e.joints.joined.Load()
}

// executeJointly has the answer of an execution of the same that is under way, or executes for all who ask the same meanwhile.
func (e *Executor) executeJointly(ctx context.Context, q *Request, dst []byte) ([]byte, Stats) {
	g := e.guest(q)
	defer e.joints.guests.Put(g)
	if !q.Leash.Hold(g) {
		return e.execute(ctx, q, q.Leash, dst)
	}
	return e.board(ctx, q, g, dst)
}

// guest returns one for a request, where executions of the same would be.
func (e *Executor) guest(q *Request) *guest {
	g, _ := e.joints.guests.Get().(*guest)
	if g == nil {
		g = &guest{wake: make(chan struct{}, 1)}
	}
	g.key = e.appendKey(g.key[:0], q)
	hash := xxh3.HashSeed(g.key, binary.LittleEndian.Uint64(q.Plan.Steps[0].Identity[:]))
	g.berth, g.joint, g.left = &e.joints.berths[hash%berthCount], nil, false
	return g
}

// board lets a guest whom the leash holds, and who may have left since, join or execute.
func (e *Executor) board(ctx context.Context, q *Request, g *guest, dst []byte) ([]byte, Stats) {
	news, now := e.news()+e.barred(), time.Now()
	g.berth.mu.Lock()
	if !g.left { // else it would count as a member that nothing takes away
		g.joint = g.berth.find(q.Plan, g.key, news, now.Add(-e.cfg.Total/joinable))
	}
	if g.joint == nil {
		return e.lead(ctx, q, g, news, now, dst)
	}
	g.joint.members++
	g.joint.holders++
	e.joints.joined.Add(1)
	body, stats, ok := g.await(q, dst)
	q.Leash.Let(g)
	e.let(g)
	if !ok {
		return e.execute(ctx, q, q.Leash, dst)
	}
	return body, stats
}

// lead executes. It is called with the berth locked.
func (e *Executor) lead(ctx context.Context, q *Request, g *guest, news uint64, now time.Time, dst []byte) (out []byte, stats Stats) {
	j, _ := e.joints.spare.Get().(*joint)
	if j == nil {
		j = new(joint)
	}
	j.common.Reset()
	j.plan, j.key, j.news, j.members, j.holders = q.Plan, append(j.key[:0], g.key...), news, 1, 1
	j.begun = now
	j.ended, j.void, j.body = false, true, j.body[:0]
	j.told = q.Tags != nil
	g.joint = j
	if !g.left { // else nobody may join any more
		g.berth.put(j)
	} else {
		j.common.Leave()
	}
	g.berth.mu.Unlock()
	defer func() { // if it panics, too
		j.end(g.berth)
		q.Leash.Let(g)
		e.let(g)
	}()
	out, stats = e.execute(ctx, q, &j.common, dst)
	if g.berth.close(j) {
		j.body, j.stats = append(j.body, out[len(dst):]...), Stats{Errors: stats.Errors, Fresh: stats.Fresh}
		if j.tags.Reset(); j.told {
			appendTags(&j.tags, q.Tags)
		}
		j.void = ctx.Err() != nil || time.Since(now) >= e.cfg.Total
	}
	return out, stats
}

// find returns an execution under way that a request may join: one that did not begin before since.
func (b *berth) find(plan *planner.FetchPlan, key []byte, news uint64, since time.Time) *joint {
	for _, j := range b.under {
		if j != nil && j.plan == plan && j.news == news && !j.begun.Before(since) && bytes.Equal(j.key, key) {
			return j
		}
	}
	return nil
}

// put makes an execution one that others find, in place of one of the same that is of before; where there is no room nobody finds it.
func (b *berth) put(j *joint) {
	room := -1
	for i, other := range b.under {
		if other == nil {
			room = i
		} else if other.plan == j.plan && bytes.Equal(other.key, j.key) {
			room = i
			break
		}
	}
	if room >= 0 {
		b.under[room] = j
	}
}

func (b *berth) remove(j *joint) {
	if i := slices.Index(b.under[:], j); i >= 0 {
		b.under[i] = nil
	}
}

// close keeps others from joining and reports whether some have.
func (b *berth) close(j *joint) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(j)
	return j.holders > 1
}

// end wakes all who wait.
func (j *joint) end(b *berth) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(j)
	j.ended = true
	for i, g := range j.waiters {
		j.waiters[i] = nil
		g.waiting = false
		g.wake <- struct{}{}
	}
	j.waiters = j.waiters[:0]
}

// await appends the answer of the execution that was joined. It is called with the berth locked. False: there is none, or the guest has left.
func (g *guest) await(q *Request, dst []byte) (out []byte, stats Stats, ok bool) {
	j := g.joint
	for !j.ended && !g.left {
		g.waiting = true
		j.waiters = append(j.waiters, g)
		g.berth.mu.Unlock()
		<-g.wake
		g.berth.mu.Lock()
	}
	ok = j.ended && !j.void
	g.berth.mu.Unlock()
	if !ok { // who executes may write to it now
		return dst, stats, false
	}
	stats = j.stats // nobody writes to it as long as somebody holds it
	switch {
	case q.Tags != nil && j.told:
		q.Tags.Reset()
		appendTags(q.Tags, &j.tags)
	case q.Tags != nil:
		stats.Fresh = Freshness{}
	}
	return append(dst, j.body...), stats, true
}

func appendTags(dst, tags *planner.Tags) {
	for i := range tags.Len() {
		dst.Append(tags.At(i))
	}
}

// let gives the memory of an execution back.
func (e *Executor) let(g *guest) {
	j := g.joint
	g.berth.mu.Lock()
	j.holders--
	last := j.holders == 0
	g.berth.mu.Unlock()
	g.joint = nil
	if !last {
		return
	}
	j.plan = nil
	if cap(j.body) > subgraph.KeptAnswer {
		j.body = nil
	}
	e.joints.spare.Put(j)
}

// SetDeadline is how a leash tells that the client has left.
func (g *guest) SetDeadline(time.Time) error {
	g.berth.mu.Lock()
	defer g.berth.mu.Unlock()
	g.left = true
	j := g.joint
	if j == nil || j.ended {
		return nil
	}
	if g.waiting {
		i := slices.Index(j.waiters, g)
		j.waiters = slices.Delete(j.waiters, i, i+1)
		g.waiting = false
		g.wake <- struct{}{}
	}
	if j.members--; j.members == 0 {
		g.berth.remove(j)
		j.common.Leave()
	}
	return nil
}

// appendKey appends all on which the answer to a plan depends: the variables, what subgraphs get of the client's headers and claims, and whatever else
// tells who the client is.
func (e *Executor) appendKey(dst []byte, q *Request) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(q.Values.Canonical)))
	dst = append(dst, q.Values.Canonical...)
	h := e.cfg.Headers
	for class := range h.Classes() {
		dst = h.Append(dst, class, q.Head, q.Claims)
		dst = append(dst, '\n') // no line is empty
	}
	if q.Head == nil {
		return dst
	}
	q.Head.VisitHeaders(func(name, value []byte) bool {
		if tells(name) {
			at := len(dst)
			dst = append(append(append(append(dst, name...), ':'), value...), '\n')
			lower(dst[at : at+len(name)])
		}
		return true
	})
	return dst
}

func lower(name []byte) {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c | 0x20
		}
	}
}

// tells reports whether a header tells who the client is.
func tells(name []byte) bool {
	switch len(name) {
	case len("cookie"):
		return strings.EqualFold(string(name), "cookie")
	case len("authorization"):
		return strings.EqualFold(string(name), "authorization") || wire.IsCredential(name)
	}
	return wire.IsCredential(name)
}
