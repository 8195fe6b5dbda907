package line

import (
	"bytes"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/cachecontrol"
	"github.com/weirproxy/weir/proxy/internal/outward"
	"github.com/weirproxy/weir/proxy/internal/wire"
	"github.com/weirproxy/weir/telemetry"
)

// initialAge is the age of an answer when its entry is made, in seconds: what the origin's Age says and how long the answer took (RFC 9111,
// section 4.2.3).
func (x *Exchange) initialAge(r *wire.ResponseHead, now int64) int64 {
	age := max(0, cachecontrol.Seconds(r.Header("age")))
	if x.Forwarded > 0 {
		age += max(0, now-x.Forwarded) / int64(time.Second)
	}
	return age
}

// renderOutward appends the lines for other caches behind those that every hit repeats, and returns both.
func (x *Exchange) renderOutward(it *Item, life lifetime, age int64) (lines, out []byte) {
	n := len(x.lines)
	a := outward.Answer{
		TTL: life.ttl, StaleWhile: life.revalidate, Age: age,
		Private: life.private || life.grouped, Tags: &it.tags, Vary: x.Policy.Cache.Vary,
		Order: x.order,
	}
	x.lines = x.Policy.Cache.Outward.Render(x.lines, &a)
	x.order = a.Order[:0]
	return x.lines[:n], x.lines[n:]
}

// forCaches reports whether it is ours to say how other caches keep the answer of this relayed request: of queries, and of GraphQL that was
// not read, among it persisted queries that the origin may not know either.
func (x *Exchange) forCaches() bool {
	return x.Policy.Cache.Enabled && x.Policy.Cache.Outward.On() && len(x.Items) > 0 && !x.Mutates()
}

// Unmarked reports whether an answer that is relayed unread has to say all the same that nobody may keep it.
func (x *Exchange) Unmarked() bool { return !x.GraphQL && x.Policy != nil && x.forCaches() }

// appendOutward takes the origin's lines about caching out of the head in dst and appends ours: those of the entry that the answer has
// become, else that nobody may keep it.
func (x *Exchange) appendOutward(dst []byte) []byte {
	o := &x.Policy.Cache.Outward
	kept := !x.Batch && x.GraphQL && x.Items[0].kept != nil
	var stored answer.Stored
	kept = kept && stored.Read(x.Items[0].kept.Head)
	dst, bare := without(dst, o, !kept)
	if !kept {
		return o.Refuse(dst)
	}
	dst = append(dst, stored.Outward...)
	if bare && len(stored.ETag) > 0 {
		dst = append(append(append(dst, "ETag: "...), stored.ETag...), "\r\n"...)
	}
	if o.CacheControl && stored.Age > 0 { // the lifetime counts from there
		dst = answer.AppendAge(dst, stored.Age)
	}
	return dst
}

// without takes the lines out that o replaces, and with all those that would let an answer be kept. bare tells that the head has neither an
// ETag nor a content coding.
func without(head []byte, o *outward.Policy, all bool) (_ []byte, bare bool) {
	bare = true
	kept := bytes.IndexByte(head, '\n') + 1
	for rest := head[kept:]; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		rest = rest[len(line):]
		name, _, _ := bytes.Cut(line, []byte(":"))
		if is(name, "etag") || is(name, "content-encoding") {
			bare = false
		}
		if o.Replaces(name) || all && (is(name, "cache-control") || is(name, "expires") || is(name, "pragma")) {
			continue
		}
		kept += copy(head[kept:], line)
	}
	return head[:kept], bare
}

// appendCacheStatus appends Cache-Status (RFC 9211) to a relayed answer where the cache had a say.
func (l *Line) appendCacheStatus(dst []byte, x *Exchange) []byte {
	it := &x.Items[0]
	if x.Batch || l.cfg.Cache == nil || !x.Policy.Cache.Enabled || it.Kind() != planner.KindQuery {
		return dst
	}
	switch {
	case it.Status == telemetry.Bypass:
		dst = append(dst, "Cache-Status: weir; fwd=bypass"...)
		if why := it.outcome.Reason(); why != "" {
			dst = append(append(dst, "; detail="...), why...)
		}
	case it.Status != telemetry.Miss:
		return dst
	case it.Entry != nil && it.State == cache.Stale:
		dst = append(dst, "Cache-Status: weir; fwd=stale"...)
	default:
		dst = append(dst, "Cache-Status: weir; fwd=miss"...)
	}
	dst = answer.AppendForwarded(dst, x.Status)
	if it.kept != nil {
		dst = answer.AppendStored(dst, remaining(it.kept, it.kept.Created))
	}
	if x.Policy.Cache.ExposeKey && it.Status == telemetry.Miss {
		dst = answer.AppendKey(dst, it.key[:])
	}
	return append(dst, "\r\n"...)
}
