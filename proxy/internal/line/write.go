package line

import (
	"math"
	"net/http"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/wire"
	"github.com/weirproxy/weir/telemetry"
)

// AppendAnswer appends the head of the answer from entries, and returns the body to send behind it: empty for 304 and HEAD. The body
// belongs to the cache or the exchange and must not be changed. h may be nil: then no condition of the request is looked at.
func (l *Line) AppendAnswer(dst []byte, x *Exchange, h *wire.RequestHead, w *answer.Writer, k answer.Connection, now int64) (head, body []byte) {
	if x.streaming != streamNothing {
		return x.appendStreamed(dst, w, k, now), nil
	}
	if x.Executed {
		return x.appendExecuted(dst, h, w, k, now)
	}
	x.Status = http.StatusOK
	hit := answer.Hit{Connection: k}
	e := x.Items[0].Entry
	var stored answer.Stored
	stored.Read(e.Head)
	hit.Lines, hit.Outward, hit.ETag, hit.Why, body = stored.Lines, stored.Outward, stored.ETag, stored.Detail, e.Body
	hit.Age, hit.TTL = age(e, &stored, now), x.Items[0].remaining(now)
	hit.Collapsed, hit.Fetched = x.Items[0].collapsed, x.Injected
	if x.Batch {
		body = l.joinBatch(x, &hit, now)
	} else if x.Get && h != nil && answer.Matches(h.Header("if-none-match"), stored.ETag) {
		hit.NotModified, x.Status = true, http.StatusNotModified
	}
	switch {
	case x.Unasked:
		hit.Detail = "breaker-open"
	case x.Erred:
		hit.Detail = "graphql-errors"
	case l.cfg.Cache.DegradedAt(now):
		hit.Detail, hit.TTL = "disconnected", min(hit.TTL, l.alone(x, now))
	case x.Items[0].State == cache.Stale && now < e.Soft:
		hit.Detail = "invalidated"
	}
	if o := &x.Policy.Cache.Outward; (hit.Detail != "" || x.Items[0].State == cache.Stale) && o.On() {
		// Another cache would go by the age, and keep for longer what was invalidated, or what may have been.
		x.lines = o.Refuse(x.lines[:0])
		hit.Outward = x.lines
	}
	if x.Policy.Cache.ExposeKey && !x.Batch {
		hit.Key = e.Digest[:]
	}
	if x.Policy.Expose {
		hit.Cost, hit.Anomaly = l.exposed(x, now)
	}
	hit.BodyLen = len(body)
	head = w.AppendHit(dst, &hit, now)
	if hit.NotModified || x.Head {
		return head, nil
	}
	return head, body
}

// alone is for how many whole seconds more the exchange's entries are served if the invalidation log stays away.
func (l *Line) alone(x *Exchange, now int64) int64 {
	until := int64(math.MaxInt64)
	for i := range x.Items {
		until = min(until, l.cfg.Cache.AloneUntil(x.Items[i].Entry, now))
	}
	return (until - now) / int64(time.Second)
}

// joinBatch makes one body of a batch's entries, in order. Age and TTL are those of the entry that ends first.
func (l *Line) joinBatch(x *Exchange, hit *answer.Hit, now int64) []byte {
	hit.ETag, hit.Outward = nil, nil
	if o := &x.Policy.Cache.Outward; o.On() { // one set of tags, and one lifetime, cannot speak for all
		x.scratch = o.Refuse(x.scratch[:0])
		hit.Outward = x.scratch
	}
	x.plain = append(x.plain[:0], '[')
	for i := range x.Items {
		e := x.Items[i].Entry
		if i > 0 {
			x.plain = append(x.plain, ',')
		}
		x.plain = append(x.plain, e.Body...)
		if ttl := x.Items[i].remaining(now); ttl < hit.TTL {
			var stored answer.Stored
			stored.Read(e.Head)
			hit.TTL, hit.Age, hit.Lines, hit.Why = ttl, age(e, &stored, now), stored.Lines, stored.Detail
		}
	}
	x.plain = append(x.plain, ']')
	return x.plain
}

// age is how old an entry's answer is, in seconds.
func age(e *cache.Entry, s *answer.Stored, now int64) int64 {
	return s.Age + max(0, (now-e.Created)/int64(time.Second))
}

// exposed prices the request as far as it is known.
func (l *Line) exposed(x *Exchange, now int64) (cost []byte, anomaly float32) {
	total := int64(0)
	for i := range x.Items {
		it := &x.Items[i]
		l.cfg.Telemetry.Price(l.price(x, it, now))
		total += it.record.Cost
		if it.series != nil {
			anomaly = max(anomaly, it.series.Score(now))
		}
	}
	x.money = telemetry.AppendAmount(x.money[:0], total)
	return x.money, anomaly
}

// AppendLines appends the header lines that a relayed answer gets to its head in dst: Cache-Status where the cache had a say, lines for
// other caches in place of the origin's, cost and score, where policy asks for them.
func (l *Line) AppendLines(dst []byte, x *Exchange) []byte {
	if x.forCaches() && l.cfg.Cache != nil {
		dst = x.appendOutward(dst)
	}
	switch {
	case x.unlogged:
		dst = answer.AppendUnlogged(dst)
	case x.GraphQL:
		dst = l.appendCacheStatus(dst, x)
	}
	if x.GraphQL && x.Policy.Expose {
		cost, anomaly := l.exposed(x, time.Now().UnixNano())
		dst = answer.AppendExposed(dst, cost, anomaly)
	}
	return dst
}

// AppendRefusal appends the whole answer of a refused request: a GraphQL response with the stable code when the request asked at the
// GraphQL endpoint, plain text otherwise.
func (l *Line) AppendRefusal(dst []byte, x *Exchange, h *wire.RequestHead, w *answer.Writer, k answer.Connection, now int64) []byte {
	r := &x.Refusal
	x.Status = x.RefusalStatus()
	f := answer.Failure{
		Connection: k, Status: x.Status, Code: r.Code.String(), Allow: r.Allow, RetryAfter: r.RetryAfter,
		Head: h.Method == wire.MethodHead,
	}
	if len(x.Items) == 0 { // not at the GraphQL endpoint
		f.Media = "text/plain; charset=utf-8"
		f.Body = []byte(r.Code.Message() + "\n" + r.Code.Cure() + "\n")
		return w.AppendFailure(dst, &f, now)
	}
	if f.Media = x.Media.Type(); f.Media == "" {
		f.Media = answer.MediaJSON.Type()
	}
	errs := r.Errors
	if len(errs) == 0 {
		errs = []planner.Error{{Message: r.Code.Message(), Code: r.Code.String()}}
	}
	f.Body = answer.AppendErrors(nil, errs)
	if x.Batch && x.Status == http.StatusOK { // a client that is to read it expects an answer for each operation
		f.Body = repeated(f.Body, len(x.Items))
	}
	return w.AppendFailure(dst, &f, now)
}

// repeated is a JSON array of n times the same.
func repeated(body []byte, n int) []byte {
	out := append(make([]byte, 0, n*(len(body)+1)+1), '[')
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, body...)
	}
	return append(out, ']')
}

// Detach returns a new exchange that leads x's fills, for a fetch in the background. x keeps what its answer needed.
func (l *Line) Detach(x *Exchange) *Exchange {
	y := &Exchange{
		Policy: x.Policy, Scope: x.Scope, Media: x.Media, GraphQL: true, Get: x.Get, Batch: x.Batch,
		Begin: x.Begin, client: x.client, Breaker: x.Breaker,
	}
	for i := range x.Items {
		it := &x.Items[i]
		to := y.next()
		to.Plan, to.Lease, to.series, to.key, to.coerced, to.fill = it.Plan, it.Lease, it.series, it.key, it.coerced, it.fill
		to.class, to.group, to.learnt, to.variant = it.class, it.group, it.learnt, it.variant
		to.prior = it.prior
		to.values.CopyFrom(&it.values)
		to.Status = telemetry.Miss
		it.fill, it.spare = nil, nil
	}
	x.Refresh = false
	return y
}
