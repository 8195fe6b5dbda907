package subgraph

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
)

var errOpen = errors.New("its breaker is open")

type counts struct {
	calls, shared, retries, refused              atomic.Uint64
	hedges, hedgesWon                            atomic.Uint64
	unhedged                                     [hedgeRefusals]atomic.Uint64
	connect, timeout, closed, unreadable, status atomic.Uint64
	unusable, partial, cached, uncached          atomic.Uint64
	sent, received                               atomic.Uint64 // bytes of content
	slow, overBudget                             atomic.Uint64
	lasted                                       durations
}

// Stats are counts since the client was made.
type Stats struct {
	Calls   uint64            // sent, hedges included
	Shared  uint64            // not sent: the answer to an identical one was under way
	Retries uint64            // sent again, beside these
	Hedges  uint64            // sent a second time because there was no answer yet
	Won     uint64            // hedges whose answer was the first good one
	Unsent  map[string]uint64 // hedges that were due and not sent, by why
	Refused uint64            // not sent, because the breaker was open
	Failed  map[string]uint64 // by why; "unusable" as the caller found it
	Partial uint64            // answers that had errors, as the caller found them
	Cached  uint64            // what needed no call, as the caller says
	Misses  uint64            // what the caller would rather have had so
	Slow    uint64            // calls that took longer than the objective
	// OverBudget are operations that would cost more than the budget allows, as the caller says.
	OverBudget uint64
	// BytesSent and BytesReceived are of content, retries left aside.
	BytesSent, BytesReceived uint64
	// UpTo are the calls that ended and took up to the bounds; the last one is all of them. Not among them are those that the breaker refused, and
	// those that nobody waited for any more.
	UpTo    []uint64
	Lasted  time.Duration // sum of these calls
	Breaker breaker.State
}

// Stats returns the counts.
func (c *Client) Stats() Stats {
	n := &c.counts
	unsent := make(map[string]uint64, len(n.unhedged))
	for why := range n.unhedged {
		unsent[hedgeRefusal(why).String()] = n.unhedged[why].Load()
	}
	return Stats{
		Hedges: n.hedges.Load(), Won: n.hedgesWon.Load(), Unsent: unsent,
		Calls: n.calls.Load(), Shared: n.shared.Load(), Retries: n.retries.Load(), Refused: n.refused.Load(), Breaker: c.cfg.Breaker.State(),
		Failed: map[string]uint64{
			"connect": n.connect.Load(), "timeout": n.timeout.Load(), "closed": n.closed.Load(), "bad_answer": n.unreadable.Load(), "status": n.status.Load(),
			"unusable": n.unusable.Load(),
		},
		Partial: n.partial.Load(), Cached: n.cached.Load(), Misses: n.uncached.Load(), Slow: n.slow.Load(), OverBudget: n.overBudget.Load(), BytesSent: n.sent.Load(), BytesReceived: n.received.Load(),
		UpTo: n.lasted.upTo(), Lasted: time.Duration(n.lasted.sum.Load()),
	}
}

// Unusable counts the answer of the call as none: it is no GraphQL, or has neither data nor an error. An answer that several share, or that failed
// by its status, counts once.
func (k *Call) Unusable() {
	if !k.Joined() && !unavailable(k.x.head.Status) {
		k.x.client.counts.unusable.Add(1)
	}
}

// Partial counts an answer with errors in it, once where several share it.
func (k *Call) Partial() {
	if !k.Joined() {
		k.x.client.counts.partial.Add(1)
	}
}

// OverBudget counts an operation that costs more than the budget of the subgraph.
func (c *Client) OverBudget() { c.counts.overBudget.Add(1) }

// Cached counts something that the client was not asked for.
func (c *Client) Cached() { c.counts.cached.Add(1) }

// Uncached counts what the client is asked for because no cache had it.
func (c *Client) Uncached(n int) { c.counts.uncached.Add(uint64(n)) }

// begin counts a call that is sent, and the bytes of its content.
func (c *Client) begin(bytes int) {
	c.counts.calls.Add(1)
	c.counts.sent.Add(uint64(bytes))
	if c.cfg.Retries.Max > 0 || c.cfg.Hedging.on() {
		c.budget.earn()
	}
}

// admit asks the breaker.
func (x *exchange) admit(a *Ask) error {
	x.rules, x.ticket = a.Rules, breaker.Ticket{}
	if a.Rules == nil {
		return nil
	}
	var may bool
	if x.ticket, may = x.client.cfg.Breaker.Admit(a.Now.UnixNano(), a.Rules); !may && a.Refuse {
		x.client.counts.refused.Add(1)
		return &Error{Code: codes.SubgraphOpen, Cause: errOpen}
	}
	return nil
}

// tell counts how the call ended, and tells the breaker: a subgraph that cannot be reached, is too slow, breaks off or says that it cannot
// answer now has failed. What nobody waits for any more says nothing.
func (x *exchange) tell(status int, err error) {
	failed := err != nil || unavailable(status)
	left := failed && (errors.Is(x.ctx.Err(), context.Canceled) || x.leash.isLeft())
	if !left {
		x.client.lasted(time.Since(x.began))
	}
	if failed && !left {
		x.client.count(err)
	}
	if x.rules == nil {
		return
	}
	changed := x.client.cfg.Changed
	switch {
	case left || errors.Is(err, errBusy):
		x.ticket.Dropped()
	case failed && codeOf(err) != codes.SubgraphAnswer:
		if x.ticket.Failed(time.Now().UnixNano(), x.rules) && changed != nil {
			changed(true)
		}
	case x.ticket.Succeeded(time.Now().UnixNano(), x.rules) && changed != nil:
		changed(false)
	}
}

// lasted counts a call by how long it took.
func (c *Client) lasted(d time.Duration) {
	c.counts.lasted.add(d)
	if c.cfg.Objective > 0 && d > c.cfg.Objective {
		c.counts.slow.Add(1)
	}
}

func (c *Client) count(err error) {
	n := &c.counts.status
	switch codeOf(err) {
	case codes.SubgraphConnect:
		n = &c.counts.connect
	case codes.SubgraphTimeout:
		n = &c.counts.timeout
	case codes.SubgraphClosed:
		n = &c.counts.closed
	case codes.SubgraphAnswer:
		n = &c.counts.unreadable
	}
	n.Add(1)
}

// codeOf returns the code of a failed call, None for no error.
func codeOf(err error) codes.Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return codes.None
}
