package growth

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"sync/atomic"

	"github.com/weirproxy/weir/bench/internal/load"
)

// itemBody appends the JSON body that asks for one item by an operation of this name.
func itemBody(dst []byte, operation string, id, size int) []byte {
	dst = append(append(dst, `{"operationName":"`...), operation...)
	dst = append(append(dst, `","query":"query `...), operation...)
	dst = append(dst, `($id: ID!, $bytes: Int) { item(id: $id, bytes: $bytes) { id revision body } }","variables":{"id":"`...)
	dst = strconv.AppendInt(dst, int64(id), 10)
	dst = strconv.AppendInt(append(dst, `","bytes":`...), int64(size), 10)
	return append(dst, `}}`...)
}

func listBody(dst []byte, from, count, size int) []byte {
	dst = append(dst, `{"operationName":"Items","query":"query Items($from: Int!, $count: Int!, $bytes: Int) { items(from: $from, count: $count, bytes: $bytes) `...)
	dst = append(dst, `{ nodes { id revision } body } }","variables":{"from":`...)
	dst = strconv.AppendInt(dst, int64(from), 10)
	dst = strconv.AppendInt(append(dst, `,"count":`...), int64(count), 10)
	dst = strconv.AppendInt(append(dst, `,"bytes":`...), int64(size), 10)
	return append(dst, `}}`...)
}

// source draws from a number of things, evenly or one after the other, and asks for each by body. It is a load.Source.
type source struct {
	things int
	// inOrder hands out each thing in turn, over all streams together; else they are drawn evenly.
	inOrder bool
	// unseen is the share of requests for things beyond the others, each asked for once.
	unseen float64
	// body appends the request body of the n-th thing.
	body func(dst []byte, n int) []byte

	next, fresh *atomic.Int64
}

func newSource(things int, inOrder bool, body func(dst []byte, n int) []byte) *source {
	return &source{things: things, inOrder: inOrder, body: body, next: new(atomic.Int64), fresh: new(atomic.Int64)}
}

// drawn is the same things drawn evenly, a share of the requests for unseen ones.
func (s *source) drawn(unseen float64) *source {
	c := *s
	c.inOrder, c.unseen = false, unseen
	return &c
}

func (s *source) Labels() []load.Label { return []load.Label{{Name: "growth", Kind: load.KindQuery}} }

func (s *source) Stream(seed uint64, n int) load.Stream {
	return &stream{s: s, r: rand.New(rand.NewPCG(seed, uint64(n)))}
}

type stream struct {
	s    *source
	r    *rand.Rand
	body []byte
}

func (t *stream) draw() int {
	switch {
	case t.s.inOrder:
		return int(t.s.next.Add(1)-1) % t.s.things
	case t.s.unseen > 0 && t.r.Float64() < t.s.unseen:
		return t.s.things + int(t.s.fresh.Add(1))
	}
	return t.r.IntN(t.s.things)
}

// Next makes one request.
func (t *stream) Next(dst []byte, target *load.Target, _ int) (request []byte, operation int) {
	t.body = t.s.body(t.body[:0], t.draw())
	return appendPost(dst, target, t.body), 0
}

func appendPost(dst []byte, target *load.Target, body []byte) []byte {
	dst = append(append(dst, "POST "...), target.Path...)
	dst = append(append(dst, " HTTP/1.1\r\nHost: "...), target.Host...)
	dst = append(dst, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	return append(append(dst, "\r\n\r\n"...), body...)
}

// Judge takes a 200 with data for a success.
func (t *stream) Judge(a *load.Reply, _ int) (failure string, again bool) {
	switch {
	case a.Status != 200:
		return load.FailStatus, false
	case !bytes.HasPrefix(a.Body, []byte(`{"data":`)):
		return load.FailErrors, false
	}
	return "", false
}

// Again is never asked for: no flow here has a second request.
func (t *stream) Again(dst []byte, _ *load.Target, _ int) []byte { return dst }
