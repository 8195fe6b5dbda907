package subgraph

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
)

// Hedging says when a call whose answer has not begun is sent a second time, beside the first. The first good answer of the two is the answer.
// The zero Hedging never does.
type Hedging struct {
	After    time.Duration // 0: by the quantile
	Quantile float64       // of how long the last calls took, 0 to 1; 0: never
	Min      time.Duration // no sooner than that, with a quantile
}

func (h *Hedging) on() bool { return h.After > 0 || h.Quantile > 0 }

// hedgeRefusal is why a hedge that was due was not sent.
type hedgeRefusal uint8

const (
	byBudget hedgeRefusal = iota
	byConcurrency
	byBreaker
	hedgeRefusals
)

func (r hedgeRefusal) String() string {
	return [hedgeRefusals]string{"budget", "concurrency", "breaker"}[r]
}

// grace is how long an answer that is read late has to be there, when the time for a hedge is over already.
const grace = 500 * time.Microsecond

// patience is how long to wait for an answer before a hedge; 0: for ever.
func (c *Client) patience() time.Duration {
	h := &c.cfg.Hedging
	if h.After > 0 {
		return h.After
	}
	if at := time.Duration(c.recent.at.Load()); at > 0 {
		return max(at, h.Min)
	}
	return 0
}

// receiveHedged reads the answer like receive, of the first attempt or of a hedge.
func (x *exchange) receiveHedged(now time.Time) (content []byte, err error) {
	x.clear()
	patience := x.client.patience()
	at := x.sent.Add(patience)
	if soonest := now.Add(grace); at.Before(soonest) {
		at = soonest
	}
	if patience == 0 || !at.Before(x.deadline) || x.begins(at) || !x.mayHedge() {
		content, err = x.read()
		x.settle(err)
	} else {
		content, err = x.race()
	}
	if q := x.client.cfg.Hedging.Quantile; q > 0 && (isTimeout(err) || err == nil && !unavailable(x.head.Status)) {
		x.client.recent.add(time.Since(x.sent), q)
	}
	return content, err
}

// begins waits for the answer up to a time. It reports false when nothing came, and nobody ended the wait; what went wrong, reading finds.
func (l *leg) begins(by time.Time) bool {
	l.expect(by)
	err := l.more()
	l.expect(l.deadline)
	return !errors.Is(err, os.ErrDeadlineExceeded) || l.leash.isLeft()
}

// expect sets until when to read. What has ended the leash stays in force.
func (l *leg) expect(by time.Time) {
	_ = l.conn.SetReadDeadline(by)
	if l.leash.isLeft() {
		_ = l.conn.SetReadDeadline(longAgo)
	}
}

var longAgo = time.Unix(1, 0)

// mayHedge takes a place and a part of the budget for a hedge, if there are. A breaker that is not closed lets its probe through alone.
func (x *exchange) mayHedge() bool {
	c := x.client
	if x.rules != nil && c.cfg.Breaker.State() != breaker.Closed {
		c.counts.unhedged[byBreaker].Add(1)
		return false
	}
	select {
	case c.calls <- struct{}{}:
	default:
		c.counts.unhedged[byConcurrency].Add(1)
		return false
	}
	if !c.budget.spend() {
		<-c.calls
		c.counts.unhedged[byBudget].Add(1)
		return false
	}
	return true
}

// winner is whose answer is the answer.
type winner uint8

const (
	nobody winner = iota
	first
	second
)

// hedge is a second attempt beside the first. One goroutine reads the first, another one makes the second; the loser's read is ended by its
// deadline, and its connection closed unless its answer has come in whole.
type hedge struct {
	leg
	end  Leash // of the second attempt
	from string
	done chan struct{}
	got  []byte
	err  error

	mu      sync.Mutex
	won     winner
	reading *conn // of the first attempt, while it is read
}

// race sends a hedge and returns the first good answer; when there is none, what came of the first attempt. The place for the hedge was taken.
func (x *exchange) race() ([]byte, error) {
	c := x.client
	h, _ := c.hedges.Get().(*hedge)
	if h == nil {
		h = &hedge{done: make(chan struct{}, 1)}
	}
	h.end.Reset()
	h.client, h.ctx, h.deadline, h.leash, h.request = c, x.ctx, x.deadline, &h.end, x.request
	h.from, h.won, h.reading = addressOf(x.conn), nobody, x.conn
	x.hedged.Store(true)
	c.counts.hedges.Add(1)
	c.counts.calls.Add(1)
	c.counts.sent.Add(uint64(len(x.request) - x.body))
	go h.run()

	content, err := x.read()
	won := h.claim(first, err == nil && !unavailable(x.head.Status))
	x.settle(err)
	if won == first {
		h.end.Leave()
		<-h.done
	} else {
		h.wait(x.leash)
	}
	if h.won == second {
		c.counts.hedgesWon.Add(1)
		content, err = h.got, nil
		x.in, h.in = h.in, x.in
		x.content, h.content = h.content, x.content
		x.head, h.head = h.head, x.head
	}
	h.ctx, h.request, h.got, h.err, h.reading = nil, nil, nil, nil, nil
	c.hedges.Put(h)
	return content, err
}

// run makes the second attempt.
func (h *hedge) run() {
	h.got, h.err = h.ask()
	h.claim(second, h.err == nil && !unavailable(h.head.Status))
	<-h.client.calls
	h.done <- struct{}{}
}

func (h *hedge) ask() ([]byte, error) {
	h.clear()
	ctx, end := h.end.bound(h.ctx, h.deadline)
	var err error
	h.conn, h.reused, err = h.client.elsewhere(ctx, h.from)
	end()
	if err != nil {
		return nil, err
	}
	if err = h.put(); err != nil {
		return nil, err
	}
	content, err := h.receive()
	if h.closedAtRest(err) && !h.end.isLeft() {
		content, err = h.attempt()
	}
	return content, err
}

// claim says that one of the two was read, and whether its answer is good, and returns who has won by now.
func (h *hedge) claim(who winner, good bool) winner {
	h.mu.Lock()
	defer h.mu.Unlock()
	if good && h.won == nobody {
		h.won = who
		if who == second && h.reading != nil {
			_ = h.reading.SetReadDeadline(longAgo)
		}
	}
	if who == first { // the connection may be another call's from here on
		h.reading = nil
	}
	return h.won
}

// wait waits for the second attempt, which ends with the leash.
func (h *hedge) wait(l *Leash) {
	if l.Hold(h) {
		defer l.Let(h)
	} else {
		h.end.Leave()
	}
	<-h.done
}

// SetDeadline is how a leash tells that the client has left.
func (h *hedge) SetDeadline(time.Time) error {
	h.end.Leave()
	return nil
}
