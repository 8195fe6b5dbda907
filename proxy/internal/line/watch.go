package line

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Watch says what the relay does with the upstream's answer beside relaying it.
type Watch struct {
	Capture int  // bytes of content to keep for Finish; 0: none. An answer that is longer is relayed and not shown.
	Hold    bool // send nothing before Finish has returned: invalidations go first, and the head says when the fleet's log does not have them
	Whole   bool // the same, where it may be left out: the head says for how long, and by which tags, others may keep the answer, or a stale one may take its place
	Unread  bool // a mutation's answer that cannot be read: call Unread before each part of it is sent, the head included
}

// peek is how much of an answer that is not for the cache is kept to count its errors.
const peek = 64 << 10

// Watch decides from the head of the final answer.
func (l *Line) Watch(x *Exchange, r *wire.ResponseHead) Watch {
	x.Status = r.Status
	if x.unsafe {
		l.groups(x, r)
	}
	l.adopt(x)
	if x.unknown {
		if jsonMedia(r.Header("content-type")) {
			return Watch{Capture: x.Policy.MaxBody, Hold: true}
		}
		return Watch{Unread: r.Status/100 != 4}
	}
	if !x.GraphQL || x.Head {
		return Watch{}
	}
	readable := jsonMedia(r.Header("content-type"))
	switch mutates := x.Mutates(); {
	case mutates && readable:
		return Watch{Capture: x.Policy.MaxBody, Hold: true}
	case mutates:
		return Watch{Unread: true}
	case !readable:
		return Watch{}
	}
	judged := len(x.Policy.Cache.StaleErrorCodes) > 0 && x.errorsMatter(r, time.Now().UnixNano())
	if x.Leads() || judged {
		return Watch{Capture: max(peek, x.Policy.Cache.MaxEntry), Whole: judged || !x.Batch && x.Leads() && x.Policy.Cache.Outward.On()}
	}
	return Watch{Capture: peek}
}

func jsonMedia(v []byte) bool {
	m := mediaName(v)
	return bytes.EqualFold(m, []byte("application/json")) || bytes.EqualFold(m, []byte("application/graphql-response+json"))
}

// Finish reads an answer that was captured in whole: it counts errors, invalidates what mutations changed and offers the answers of
// queries to the cache. content is the body without framing, nil when it was not captured. It may wait for the invalidation log within
// the cache's append budget. The answer's bytes are never changed here.
func (l *Line) Finish(ctx context.Context, x *Exchange, r *wire.ResponseHead, content []byte, now int64) {
	defer x.giveUp(r) // whatever has not been completed below
	if x.unknown {
		l.finishUnknown(ctx, x, r, content, now)
	}
	if !x.GraphQL {
		return
	}
	if l.renew(x, r, now) {
		return
	}
	mutates := x.Mutates()
	plain, ok := x.decoded(r, content)
	if !ok {
		if mutates {
			l.stats.unread.Add(1)
			l.invalidateTypes(ctx, x, now)
		}
		return
	}
	if !x.Batch {
		l.finishItem(ctx, x, &x.Items[0], r, plain, now)
		return
	}
	var err *planner.Error
	if x.batch, err = planner.SplitBatch(plain, x.batch[:0]); err != nil || len(x.batch) != len(x.Items) {
		if mutates {
			l.stats.unread.Add(1)
			l.invalidateTypes(ctx, x, now)
		}
		return
	}
	for i := range x.Items {
		l.finishItem(ctx, x, &x.Items[i], r, x.batch[i], now)
	}
}

func (l *Line) finishItem(ctx context.Context, x *Exchange, it *Item, r *wire.ResponseHead, body []byte, now int64) {
	if it.Plan.Kind() == planner.KindMutation {
		it.tags.Reset()
		facts := it.Plan.InspectMutation(body, &it.tags)
		it.count(facts)
		if it.tags.Len() > 0 {
			l.invalidate(ctx, x, it, now)
		}
		if facts.Unnamed {
			x.answersFor(l.unnamed(ctx, x.Policy, now))
		}
		return
	}
	it.tags.Reset()
	facts := it.Plan.Inspect(body, &it.tags)
	it.count(facts)
	if it.fill == nil {
		return
	}
	l.offer(x, it, r, body, facts, now)
}

func (it *Item) count(f planner.Facts) {
	if f.HasErrors && it.Errors == 0 {
		it.Errors = 1
	}
}

// invalidate tells the cache what a mutation changed, before its answer leaves.
func (l *Line) invalidate(ctx context.Context, x *Exchange, it *Item, now int64) {
	if l.cfg.Cache == nil {
		return
	}
	it.ops++
	x.answersFor(l.logged(l.cfg.Cache.InvalidateTags(ctx, &it.tags, now)))
}

// invalidateTypes is for a mutation whose answer could not be read: everything of the types that it selects.
func (l *Line) invalidateTypes(ctx context.Context, x *Exchange, now int64) {
	for i := range x.Items {
		it := &x.Items[i]
		if it.Plan.Kind() != planner.KindMutation {
			continue
		}
		it.tags.Reset()
		it.Plan.AppendTypeTags(&it.tags)
		if it.tags.Len() > 0 {
			l.invalidate(ctx, x, it, now)
		}
		if it.Plan.Unnamed() {
			x.answersFor(l.unnamed(ctx, x.Policy, now))
		}
	}
}

// Unread invalidates all that a mutation may have changed whose answer cannot be read: an event stream, or a page of an error.
func (l *Line) Unread(ctx context.Context, x *Exchange, now int64) {
	if !x.unknown {
		l.invalidateTypes(ctx, x, now)
	} else if !x.told {
		x.told = true
		x.answersFor(l.unnamed(ctx, x.Policy, now))
	}
}

// Gone is for a request whose answer does not come, or not whole: the origin may have done a mutation all the same, and nobody is to
// wait for an entry. More calls than one do nothing more.
func (l *Line) Gone(ctx context.Context, x *Exchange, now int64) {
	if l.adopt(x); x.unknown && !x.lost {
		x.lost = true
		x.answersFor(l.unnamed(ctx, x.Policy, now))
	}
	if !x.lost && x.GraphQL && x.Mutates() {
		x.lost = true
		l.stats.unread.Add(1)
		l.invalidateTypes(ctx, x, now)
	}
	x.abandon()
}

// offer hands one answer to the cache, or says for how long not to ask again.
func (l *Line) offer(x *Exchange, it *Item, r *wire.ResponseHead, body []byte, facts planner.Facts, now int64) {
	fill := it.fill
	it.fill = nil
	if r.Status != http.StatusOK || facts.Readable && (facts.HasErrors || !facts.HasData || facts.DataNull) {
		fill.Abandon(min(transient, x.Policy.Cache.HitForMiss))
		return
	}
	if !facts.Readable {
		fill.Abandon(x.Policy.Cache.HitForMiss)
		return
	}
	l.compare(x, it, body, now)
	life, why := l.lifetime(x, it, r, facts, now)
	if why != "" {
		l.stats.notStored(why)
		mark := x.Policy.Cache.HitForMiss
		if x.teach(it, r, why, now) { // the next request has another key
			mark = min(mark, transient)
		}
		fill.Abandon(mark)
		return
	}
	if it.learnt != nil && len(it.learnt.Vary) > 0 && !it.learnt.Admit(it.variant, now) {
		l.stats.notStored("variants")
		fill.Abandon(x.Policy.Cache.HitForMiss)
		return
	}
	if !x.tag(it, r, body, facts) {
		l.stats.notStored("tags")
		fill.Abandon(x.Policy.Cache.HitForMiss)
		return
	}
	life.settle(l, x, it)
	l.cfg.Telemetry.Price(l.price(x, it, now))
	it.priced = now
	o := &x.Policy.Cache.Outward
	var head answer.Stored
	head.Age = x.initialAge(r, now)
	x.lines = storedLines(x.lines[:0], r, life, o, head.Age, x.Batch)
	if head.Lines = x.lines; o.On() {
		head.Lines, head.Outward = x.renderOutward(it, life, head.Age)
	}
	etag := r.Header("etag")
	head.Origin = true
	if !answer.IsETag(etag) || r.Count("etag") > 1 || x.Batch || x.Injected || len(r.Header("content-encoding")) > 0 { // another coding is another representation
		etag = answer.AppendETag(x.scratch[:0], body)
		x.scratch, head.Origin = etag, false
	}
	head.ETag = etag
	x.detail = life.describe(&head, x.detail[:0])
	x.stored = head.Append(x.stored[:0])
	it.ops++
	it.kept = fill.Complete(&cache.Draft{
		Head: x.stored, Body: body, TTL: life.ttl, StaleFor: life.stale, Ahead: life.ahead,
		FetchMicros: uint32(min((now-x.Forwarded)/int64(time.Microsecond), 1<<32-1)),
		Worth:       it.record.Cost, Negative: facts.Negative, Private: life.private, Tags: &it.tags, TimesOnly: !x.Policy.Cache.Outward.On() && !x.Injected,
	}, now)
}

// transient is for how long an answer with errors keeps requests from waiting for each other: it may be the last one of its kind.
const transient = time.Second

// giveUp abandons fills whose answer cannot be kept. They leave a mark, so that requests for what is never stored do not queue up behind
// each other.
func (x *Exchange) giveUp(r *wire.ResponseHead) {
	mark := x.Policy.Cache.HitForMiss
	if r.Status != http.StatusOK {
		mark = min(mark, transient)
	}
	for i := range x.Items {
		if f := x.Items[i].fill; f != nil {
			f.Abandon(mark)
			x.Items[i].fill = nil
		}
	}
}
