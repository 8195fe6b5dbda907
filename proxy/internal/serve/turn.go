package serve

import (
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// turnKind says what the response pump does when a turn comes to the front.
type turnKind uint8

const (
	turnRelay  turnKind = iota // relay one answer of the upstream
	turnLocal                  // write message
	turnTunnel                 // copy from here on
)

// turn is one request that waits for its answer.
type turn struct {
	kind    turnKind
	x       *line.Exchange // turnRelay
	method  wire.Method
	minor   int
	keep    bool         // HTTP/1.0 with keep-alive
	begun   bool         // bytes of the answer went to the client
	message []byte       // turnLocal; owned
	last    bool         // turnLocal: the connection ends behind it
	sent    atomic.Int64 // bytes of the request that went to the upstream
	// upgraded tells the request pump, which waits after a request to switch protocols, whether the upstream did; nil otherwise.
	upgraded chan bool
	leads    bool // the cache waits for this answer
	// patience is how long the upstream may take to begin the answer before a stale one takes its place; 0: as long as it likes.
	patience time.Duration
	ticket   breaker.Ticket // until the end of the request is told
}

func (t *turn) reset() {
	message := t.message[:0]
	t.kind, t.x, t.method, t.minor, t.keep, t.begun, t.last = 0, nil, 0, 0, false, false, false
	t.upgraded, t.leads, t.patience = nil, false, 0
	t.ticket = breaker.Ticket{}
	t.message = message
	t.sent.Store(0)
}

// turns is a queue that reuses its memory; the connection's lock guards it.
type turns struct {
	items []*turn
	first int
	free  []*turn
	kept  int // bytes of the messages that wait
}

// What may wait on one connection. A client that pipelines more is read again when answers have gone out.
const (
	maxTurns = 64
	maxKept  = 1 << 20 // bytes
)

func (q *turns) full() bool { return len(q.items)-q.first >= maxTurns || q.kept >= maxKept }

func (q *turns) empty() bool { return q.first == len(q.items) }

func (q *turns) busy() bool { return !q.empty() }

// leads reports whether the cache waits for an answer that is due.
func (q *turns) leads() bool {
	for _, t := range q.items[q.first:] {
		if t.leads {
			return true
		}
	}
	return false
}

func (q *turns) front() *turn {
	if q.empty() {
		return nil
	}
	return q.items[q.first]
}

func (q *turns) push(t *turn) {
	if q.empty() {
		q.items, q.first = q.items[:0], 0
	} else if q.first >= maxTurns { // never empty, but moving on
		n := copy(q.items, q.items[q.first:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, t)
	q.kept += len(t.message)
}

// pop removes the front; the caller gives it back to take when nobody uses it.
func (q *turns) pop() *turn {
	t := q.items[q.first]
	q.items[q.first] = nil
	q.first++
	q.kept -= len(t.message)
	return t
}

// take returns a turn that is ready for use.
func (q *turns) take() *turn {
	if n := len(q.free); n > 0 {
		t := q.free[n-1]
		q.free = q.free[:n-1]
		return t
	}
	return new(turn)
}

func (q *turns) give(t *turn) {
	if len(q.free) < 4 {
		t.reset()
		q.free = append(q.free, t)
	}
}
