package line

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"sync"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

const (
	// copyLimit bounds how much of a body is copied, and copiesLimit the copies of all requests together.
	copyLimit   = 1 << 20
	copiesLimit = 64 << 20
)

// Copy takes the body of a GraphQL request that is relayed unread while it passes, so that what a mutation in it changes can be invalidated
// before its answer leaves. The request pump writes, and has written all before the origin has it; the response pump reads.
type Copy struct {
	l        *Line
	policy   *policy.Policy
	media    string
	coding   string
	steered  bool // parameters of the target may say something else
	skip     int  // bytes of the head that are still to come
	left     int64
	chunked  bool
	chunks   wire.Chunks
	body     []byte
	limit    int  // bytes of the body that are kept
	cut      bool // there is more of it than was kept
	batch    bool
	reserved int

	mu      sync.Mutex
	settled bool
	plans   []*planner.Plan // of a request that has a mutation
	unknown bool            // it may be one
	now     time.Time
}

// Copy returns what takes a copy of the body of a request that is relayed unread; nil when there is nothing to learn from it.
func (l *Line) Copy(x *Exchange, h *wire.RequestHead, now int64) *Copy {
	if x.blind == ReasonNone || h.Method != wire.MethodPost || l.cfg.Cache == nil || x.Policy.Cache.UnreadMutations == policy.UnreadCount {
		return nil
	}
	c := &Copy{
		l: l, policy: x.Policy, media: string(h.Header("content-type")), coding: string(bytes.TrimSpace(h.Header("content-encoding"))),
		steered: steered(h.Query()), skip: h.Size, left: h.ContentLength, chunked: h.Framing == wire.Chunked, limit: copyLimit, now: time.Unix(0, now),
	}
	if h.Framing != wire.Length && !c.chunked {
		c.left = 0
	}
	x.copy = c
	return c
}

// Write is shown bytes of the request before they go to the origin.
func (c *Copy) Write(b []byte) {
	n := min(c.skip, len(b))
	c.skip -= n
	b = b[n:]
	if c.skip > 0 || c.settled {
		return
	}
	var done bool
	if c.chunked {
		var err error
		if c.body, _, done, err = c.chunks.Decode(c.body, b); err != nil {
			c.cut, done = true, true
		}
		c.keep(len(c.body))
	} else {
		n := int(min(c.left, int64(len(b))))
		c.left -= int64(n)
		done = c.left == 0
		room := c.limit - len(c.body)
		if c.keep(len(c.body) + n); c.limit > 0 {
			c.body = append(c.body, b[:min(n, room)]...)
		}
	}
	if done {
		c.settle()
	}
}

// keep makes sure that so many bytes may be kept. What is beyond the limit is let go.
func (c *Copy) keep(size int) {
	if !c.cut && size > c.reserved && size <= c.limit {
		more := max(size-c.reserved, 16<<10)
		if c.l.copied.Add(int64(more)) <= copiesLimit {
			c.reserved += more
			return
		}
		c.l.copied.Add(-int64(more))
		c.limit = 0
	}
	if c.cut = c.cut || size > c.limit; c.cut {
		c.body = c.body[:min(len(c.body), c.limit)]
	}
}

// settle reads the copy.
func (c *Copy) settle() {
	plans, unknown := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled, c.plans, c.unknown = true, plans, unknown
	c.free()
}

// free lets the copy go.
func (c *Copy) free() {
	c.body = nil
	c.l.copied.Add(-int64(c.reserved))
	c.reserved = 0
}

// Close ends the copy of a request that did not come whole. It may be called more than once, by the request pump.
func (c *Copy) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled {
		c.settled, c.unknown = true, true
		c.free()
	}
}

// adopt makes the exchange what the copy has shown: one of mutations, or one that may be such. An answer may come before the request has
// passed.
func (l *Line) adopt(x *Exchange) {
	c := x.copy
	if c == nil || x.GraphQL || x.unknown {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.unknown = !c.settled || c.unknown; x.unknown || len(c.plans) == 0 {
		return
	}
	for i := range x.Items {
		x.Items[i].forget()
	}
	x.Items = x.Items[:0]
	for _, p := range c.plans {
		it := x.next()
		it.Plan, it.series = p, l.cfg.Telemetry.Series(p.Label())
	}
	x.GraphQL, x.Batch = true, c.batch
}

// finishUnknown is for the answer to a request that may have been a mutation. One without data was not executed.
func (l *Line) finishUnknown(ctx context.Context, x *Exchange, r *wire.ResponseHead, content []byte, now int64) {
	plain, ok := x.decoded(r, content)
	if ok && !executed(plain) || !ok && r.Status/100 == 4 {
		return
	}
	x.answersFor(l.unnamed(ctx, x.Policy, now))
}

// executed tells whether an answer has data; one that is no answer of GraphQL may stand for anything.
func executed(body []byte) bool {
	if !planner.IsBatch(body) {
		f := planner.ReadFacts(body)
		return !f.Readable || f.HasData
	}
	items, err := planner.SplitBatch(body, nil)
	if err != nil {
		return true
	}
	for _, item := range items {
		if f := planner.ReadFacts(item); !f.Readable || f.HasData {
			return true
		}
	}
	return false
}

// read finds the operations of the copy.
func (c *Copy) read() (plans []*planner.Plan, unknown bool) {
	text, whole := c.decoded()
	if c.steered || len(text) == 0 {
		return nil, c.steered || !whole
	}
	media := mediaName([]byte(c.media))
	switch {
	case is(media, "multipart/form-data"):
		if text, whole = operationsPart(c.media, text); len(text) == 0 {
			return nil, true
		}
	case is(media, "application/graphql"):
		return c.mutation(&planner.Request{Query: text}, !whole)
	case is(media, "application/x-www-form-urlencoded"):
		var r planner.Request
		if _, ok := readParameters(text, &r, nil); !ok || !whole {
			return nil, true
		}
		return c.mutation(&r, false)
	}
	if !planner.IsBatch(text) {
		return c.item(text, whole)
	}
	c.batch = true
	items, err := planner.SplitBatch(text, nil)
	if err != nil || !whole {
		return nil, true
	}
	for _, item := range items {
		p, u := c.item(item, true)
		plans, unknown = append(plans, p...), unknown || u
	}
	return plans, unknown
}

func (c *Copy) item(text []byte, whole bool) ([]*planner.Plan, bool) {
	var r planner.Request
	if whole && planner.ParseRequest(text, &r) == nil {
		return c.mutation(&r, false)
	}
	if !planner.ParseRequestStart(text, &r) {
		return nil, true
	}
	plans, unknown := c.mutation(&r, false)
	// Servers differ about what comes twice: only the word that is not there cannot be read.
	if whole && len(plans) == 0 && (bytes.Contains(text, []byte("mutation")) || bytes.Contains(text, []byte(`\u`))) {
		unknown = true
	}
	return plans, unknown
}

// mutation returns the plan of a mutation, none for what is surely no mutation.
func (c *Copy) mutation(r *planner.Request, cut bool) ([]*planner.Plan, bool) {
	document := string(r.AppendDocument(nil))
	switch {
	case document == "": // a persisted one, or none
		p := c.l.planOf(r, c.now)
		if p == nil || p.Kind() == planner.KindMutation {
			return one(p), p == nil
		}
		return nil, false
	case !planner.MayMutate(document, string(r.AppendOperationName(nil))):
		return nil, cut
	case cut:
		return nil, true
	}
	p := c.l.planOf(r, c.now)
	if p != nil && p.Kind() != planner.KindMutation {
		return nil, false
	}
	return one(p), p == nil
}

func one(p *planner.Plan) []*planner.Plan {
	if p == nil {
		return nil
	}
	return []*planner.Plan{p}
}

// decoded is the copy without content coding, as far as it could be decoded.
func (c *Copy) decoded() (text []byte, whole bool) {
	if c.coding == "" || is([]byte(c.coding), "identity") {
		return c.body, !c.cut
	}
	text, err := decode([]byte(c.coding), nil, c.body, copyLimit)
	return text, err == nil && !c.cut
}

// operationsPart returns the part of an upload that holds the operations (GraphQL multipart request specification); it comes first.
func operationsPart(contentType string, body []byte) (text []byte, whole bool) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || parameters["boundary"] == "" {
		return nil, false
	}
	r := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for range 16 { // parts
		part, err := r.NextRawPart()
		if err != nil {
			return nil, false
		}
		if part.FormName() != "operations" {
			continue
		}
		w := bounded{limit: copyLimit}
		var buf [4 << 10]byte
		for {
			n, err := part.Read(buf[:])
			if _, long := w.Write(buf[:n]); long != nil {
				return w.b, false
			}
			if err != nil {
				return w.b, errors.Is(err, io.EOF)
			}
		}
	}
	return nil, false
}
