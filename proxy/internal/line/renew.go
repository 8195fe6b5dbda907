package line

import (
	"bytes"
	"net/http"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Validator returns the origin's own entity tag of the entry that the fetch of a GET is to renew, nil when there is none: with it the origin
// can say in a few bytes that nothing has changed. POST has no such condition (RFC 9110, section 13.1.2).
func (x *Exchange) Validator() []byte {
	if !x.Get || x.Batch || len(x.Items) != 1 || x.Items[0].prior == nil {
		return nil
	}
	var stored answer.Stored
	if !stored.Read(x.Items[0].prior.Head) || !stored.Origin {
		return nil
	}
	return stored.ETag
}

// renew completes a fill whose fetch was answered with 304 Not Modified: the entry lives on, with what the 304 says of it (RFC 9111,
// section 4.3.4). It reports whether the answer was that.
func (l *Line) renew(x *Exchange, r *wire.ResponseHead, now int64) bool {
	etag := x.Validator()
	if r.Status != http.StatusNotModified || etag == nil {
		return false
	}
	it := &x.Items[0]
	prior := it.prior
	if it.fill == nil || len(r.Header("etag")) > 0 && !answer.Matches(r.Header("etag"), etag) || !l.cfg.Cache.Servable(prior, now) {
		return false
	}
	it.tags.Reset()
	for i := range prior.Tags.Len() {
		it.tags.Append(prior.Tags.At(i))
	}
	for _, header := range x.Policy.Cache.Tags.Headers {
		if len(r.Header(header)) > 0 && !appendTagHeader(&it.tags, r, header, x.Policy.Cache.Tags.MaxLength) {
			return false
		}
	}
	l.compare(x, it, prior.Body, now)
	life, why := l.lifetime(x, it, r, planner.Facts{Readable: true, HasData: true, Negative: prior.Negative}, now)
	if why != "" {
		l.stats.notStored(why)
		return false
	}
	if !life.explicit { // what the 200 said holds
		life.ttl = min(life.ttl, time.Duration(prior.Soft-prior.Created))
		life.stale = min(life.stale, time.Duration(prior.Hard-prior.Soft))
		life.revalidate = min(life.revalidate, life.stale)
		life.private = life.private || prior.Private
	}
	life.settle(l, x, it)
	l.complete(x, it, r, life, now)
	return true
}

// complete stores the entry again.
func (l *Line) complete(x *Exchange, it *Item, r *wire.ResponseHead, life lifetime, now int64) {
	prior, o := it.prior, &x.Policy.Cache.Outward
	var head answer.Stored
	head.Read(prior.Head)
	head.Age, head.Outward = x.initialAge(r, now), nil
	said := life
	said.explicit = true // the lines that are there have one already
	x.lines = storedLines(keptLines(x.lines[:0], head.Lines, r), r, said, o, head.Age, false)
	if head.Lines = x.lines; o.On() {
		head.Lines, head.Outward = x.renderOutward(it, life, head.Age)
	}
	x.detail = life.describe(&head, x.detail[:0])
	x.stored = head.Append(x.stored[:0])
	l.cfg.Telemetry.Price(l.price(x, it, now))
	it.ops++
	fill := it.fill
	it.fill = nil
	it.kept = fill.Complete(&cache.Draft{
		Head: x.stored, Body: prior.Body, TTL: life.ttl, StaleFor: life.stale, Ahead: life.ahead,
		FetchMicros: uint32(min((now-x.Forwarded)/int64(time.Microsecond), 1<<32-1)),
		Worth:       max(prior.Worth, it.record.Cost), Negative: prior.Negative, Private: life.private, Tags: &it.tags,
	}, now)
	l.stats.renewed.Add(1)
}

// keptLines appends the stored lines that the new head does not replace.
func keptLines(dst, lines []byte, r *wire.ResponseHead) []byte {
	for len(lines) > 0 {
		line := lines
		if i := bytes.IndexByte(lines, '\n'); i >= 0 {
			line = lines[:i+1]
		}
		lines = lines[len(line):]
		name, _, _ := bytes.Cut(line, []byte(":"))
		replaced := false
		r.VisitHeaders(func(other, _ []byte) bool {
			replaced = bytes.EqualFold(name, other)
			return !replaced
		})
		if !replaced {
			dst = append(dst, line...)
		}
	}
	return dst
}
