package compare

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/weirproxy/weir/bench/internal/load"
)

const (
	keys       = 1000
	bodyBytes  = 612
	firstKey   = 1_000_000_000 // ids have ten digits, known and unseen ones
	firstFresh = 2_000_000_000
	skew       = 1.1 // of the popularity of keys: a Zipf distribution
	document   = "query City($id: ID!) { city(id: $id) { id revision name } }"
)

// body is the GraphQL request for one city: the document padded with the blanks that clients send too, so that it has bodyBytes.
func body(id uint64) []byte {
	const head, tail = `{"operationName":"City","query":"` + document, `","variables":{"id":"`
	digits := strconv.FormatUint(id, 10)
	pad := bodyBytes - len(head) - len(tail) - len(digits) - len(`"}}`)
	return []byte(head + strings.Repeat(" ", pad) + tail + digits + `"}}`)
}

// order is in what order keys come.
type order int

const (
	byPopularity order = iota
	inTurn             // each of the keys, again and again
	fresh              // none twice, as long as the process lives
)

// traffic makes the requests and judges the answers: it is a load.Source.
type traffic struct {
	order  order
	bodies [][]byte
	want   []byte // what an answer must be, byte by byte
	next   *atomic.Uint64
}

// freshKeys goes on from piece to piece and from server to server.
var freshKeys atomic.Uint64

func newTraffic(o order, want []byte) *traffic {
	t := &traffic{order: o, want: want, next: &freshKeys}
	if o == fresh {
		t.bodies = [][]byte{body(firstFresh)}
		return t
	}
	if o == inTurn {
		t.next = new(atomic.Uint64)
	}
	for i := range uint64(keys) {
		t.bodies = append(t.bodies, body(firstKey+i))
	}
	return t
}

// Labels is part of load.Source.
func (t *traffic) Labels() []load.Label { return []load.Label{{Name: "City", Kind: load.KindQuery}} }

// Stream is part of load.Source.
func (t *traffic) Stream(seed uint64, n int) load.Stream {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	return &stream{t: t, zipf: rand.NewZipf(r, skew, 1, keys-1)}
}

type stream struct {
	t    *traffic
	zipf *rand.Zipf
}

// Next is part of load.Stream.
func (s *stream) Next(dst []byte, to *load.Target, _ int) ([]byte, int) {
	dst = append(append(append(dst, "POST "...), to.Path...), " HTTP/1.1\r\nHost: "...)
	dst = append(dst, to.Host...)
	dst = append(dst, "\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: "...)
	dst = append(strconv.AppendInt(dst, bodyBytes, 10), "\r\n\r\n"...)
	return s.body(dst), 0
}

func (s *stream) body(dst []byte) []byte {
	switch s.t.order {
	case fresh:
		const back = 10 + len(`"}}`) // where the digits begin, from the end
		dst = append(dst, s.t.bodies[0]...)
		at := len(dst) - back
		strconv.AppendUint(dst[:at], firstFresh+s.t.next.Add(1), 10)
		return dst
	case inTurn:
		return append(dst, s.t.bodies[s.t.next.Add(1)%keys]...)
	}
	return append(dst, s.t.bodies[s.zipf.Uint64()]...)
}

// Judge is part of load.Stream: an answer is right when it is the expected one to the byte.
func (s *stream) Judge(a *load.Reply, _ int) (failure string, again bool) {
	switch {
	case a.Status != 200:
		return "status " + strconv.Itoa(a.Status), false
	case !bytes.Equal(a.Body, s.t.want):
		return fmt.Sprintf("wrong body of %d bytes", len(a.Body)), false
	}
	return "", false
}

// Again is part of load.Stream; no flow here needs it.
func (s *stream) Again(dst []byte, _ *load.Target, _ int) []byte { return dst }
