package subgraph

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
)

// KeptAnswer is up to how many bytes a Call keeps of its memory.
const KeptAnswer = 256 << 10

// late is how long a call takes for an answer when the deadline has passed before it is received: what has come in time is there.
const late = 5 * time.Millisecond

var errBusy = errors.New("too many calls are under way")

// exchange is a request and its answer, of one call or of several that share it.
type exchange struct {
	leg          // the first attempt, and those after it
	once   bool  // never sent twice
	failed error // of the first attempt, which receive makes again
	rules  *breaker.Rules
	ticket breaker.Ticket
	sent   time.Time // with hedging: when the first attempt was
	hedged atomic.Bool

	shared
}

// prepare writes the request.
func (x *exchange) prepare(ctx context.Context, c *Client, a *Ask, l *Leash) {
	x.client, x.conn, x.ctx, x.leash, x.deadline, x.once, x.reused = c, nil, ctx, l, a.Deadline, a.Once, false
	x.began = a.Now
	x.hedged.Store(false)
	x.request = appendLength(append(x.request[:0], c.head...), len(a.Body))
	x.lines = len(x.request)
	x.request = append(append(x.request, a.Lines...), "\r\n"...)
	x.body = len(x.request)
	x.request = append(x.request, a.Body...)
}

// send may wait for a free place or a connection, up to the deadline. After an error there is nothing to receive.
func (x *exchange) send(a *Ask) error {
	if err := x.admit(a); err != nil {
		return err
	}
	if err := x.enter(); err != nil {
		x.tell(0, err)
		return err
	}
	x.client.begin(len(x.request) - x.body)
	if x.client.cfg.Hedging.on() {
		x.sent = time.Now()
	}
	if x.failed = x.write(a.Once); x.failed != nil && (a.Once || x.client.cfg.Retries.Max == 0) {
		x.leave()
		x.tell(0, x.failed)
		return x.failed
	}
	return nil
}

// finish reads the answer, and asks again where retries allow it.
func (x *exchange) finish() (content []byte, err error) {
	defer x.leave()
	if err = x.failed; err == nil {
		switch now := time.Now(); {
		case !now.Before(x.deadline):
			_ = x.conn.SetDeadline(now.Add(late))
			content, err = x.receive()
		case !x.once && x.client.cfg.Hedging.on():
			content, err = x.receiveHedged(now)
		default:
			content, err = x.receive()
		}
		if !x.once && x.closedAtRest(err) {
			content, err = x.attempt()
		}
	}
	for n := 0; x.again(n, err); n++ {
		content, err = x.attempt()
	}
	if err != nil {
		x.head.Status = 0
	}
	x.client.counts.received.Add(uint64(len(content)))
	x.tell(x.head.Status, err)
	return content, err
}

func (x *exchange) enter() error {
	select {
	case x.client.calls <- struct{}{}:
		return nil
	default:
	}
	ctx, end := x.leash.bound(x.ctx, x.deadline)
	defer end()
	select {
	case x.client.calls <- struct{}{}:
		return nil
	case <-ctx.Done():
		return failure(codes.SubgraphTimeout, errBusy)
	}
}

func (x *exchange) leave() { <-x.client.calls }
