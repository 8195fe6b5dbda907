package replay

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/planner"
)

// Operations is a source of cost events: which operation is next comes from the events, its request from a workload.
type Operations struct {
	documents load.Source
	events    []occurrence // their operations are indices of the workload's
	Mix       bool         // operations are drawn by their share, in place of the order
}

// Labels are those of the workload.
func (o *Operations) Labels() []load.Label { return o.documents.Labels() }

// Stream returns the n-th stream.
func (o *Operations) Stream(seed uint64, n int) load.Stream {
	return &wanted{
		o: o, inner: o.documents.Stream(seed, n), random: rand.New(rand.NewPCG(seed, uint64(n)^0x9e3779b97f4a7c15)),
		drawn: make([][]draw, len(o.Labels())),
	}
}

// samples has one request of each operation that the workload draws; nil for the others.
func (o *Operations) samples() [][]byte {
	found := make([][]byte, len(o.Labels()))
	inner, left := o.documents.Stream(1, 0), len(found)
	target := load.Target{Host: "x", Path: "/"}
	var buffer []byte
	for i := 0; i < maxDraws && left > 0; i++ {
		var n int
		if buffer, n = inner.Next(buffer[:0], &target, 0); found[n] == nil {
			found[n] = bytes.Clone(buffer)
			left--
		}
	}
	return found
}

// hash is that of the operation of a POST, as cost events have it; "" when the request does not hold its document.
func hash(request []byte) string {
	_, body, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	var p planner.Request
	if planner.ParseRequest(body, &p) != nil || len(p.Query) == 0 {
		return ""
	}
	h := planner.Build(nil, string(p.AppendDocument(nil)), string(p.AppendOperationName(nil)), planner.Options{}).Hash()
	return hex.EncodeToString(h[:16])
}

// draw is a request that was drawn before it was wanted; slot is the workload's.
type draw struct {
	request []byte
	target  *load.Target
	slot    int
}

// maxDrawn bounds what waits of one operation; beyond, draws are thrown away.
const maxDrawn = 64

// wanted asks the workload's stream until it gives the wanted operation, and keeps what else it gave for later. Slots of the workload's stream are not those of
// the connections: a request that waits needs one too.
type wanted struct {
	o      *Operations
	inner  load.Stream
	random *rand.Rand
	next   int
	drawn  [][]draw // by operation
	free   []draw   // slots and buffers to be used again
	slots  int      // in use or free
	under  []draw   // by connection
	taken  []bool   // by connection: under holds something
}

func (s *wanted) operation() int {
	events := s.o.events
	i := s.next
	if s.o.Mix {
		i = s.random.IntN(len(events))
	} else if s.next++; s.next == len(events) {
		s.next = 0
	}
	return int(events[i].operation)
}

// Next appends a request of the next operation.
func (s *wanted) Next(dst []byte, t *load.Target, slot int) (request []byte, operation int) {
	for slot >= len(s.under) {
		s.under, s.taken = append(s.under, draw{}), append(s.taken, false)
	}
	if s.taken[slot] { // the connection's last request is over
		s.free = append(s.free, s.under[slot])
	}
	operation = s.operation()
	d, ok := s.waiting(operation, t)
	for tries := 0; !ok; tries++ {
		d = s.take()
		var n int
		d.request, n = s.inner.Next(d.request[:0], t, d.slot)
		d.target = t
		switch {
		case n == operation || tries >= maxDraws:
			operation, ok = n, true
		case len(s.drawn[n]) < maxDrawn:
			s.drawn[n] = append(s.drawn[n], d)
		default:
			s.free = append(s.free, d)
		}
	}
	s.under[slot], s.taken[slot] = d, true
	return append(dst, d.request...), operation
}

// waiting gives what was drawn earlier.
func (s *wanted) waiting(operation int, t *load.Target) (draw, bool) {
	for q := s.drawn[operation]; len(q) > 0; q = s.drawn[operation] {
		d := q[len(q)-1]
		s.drawn[operation] = q[:len(q)-1]
		if d.target == t {
			return d, true
		}
		s.free = append(s.free, d)
	}
	return draw{}, false
}

func (s *wanted) take() draw {
	if n := len(s.free); n > 0 {
		d := s.free[n-1]
		s.free = s.free[:n-1]
		return d
	}
	s.slots++
	return draw{slot: s.slots - 1}
}

// Judge is the workload's.
func (s *wanted) Judge(a *load.Reply, slot int) (failure string, again bool) {
	return s.inner.Judge(a, s.under[slot].slot)
}

// Again is the workload's.
func (s *wanted) Again(dst []byte, t *load.Target, slot int) []byte {
	return s.inner.Again(dst, t, s.under[slot].slot)
}
