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
	connect, timeout, closed, unreadable, status atomic.Uint64
}

// Stats are counts since the client was made.
type Stats struct {
	Calls   uint64            // sent
	Shared  uint64            // not sent: the answer to an identical one was under way
	Retries uint64            // sent again, beside these
	Refused uint64            // not sent, because the breaker was open
	Failed  map[string]uint64 // by why
	Breaker breaker.State
}

// Stats returns the counts.
func (c *Client) Stats() Stats {
	n := &c.counts
	return Stats{
		Calls: n.calls.Load(), Shared: n.shared.Load(), Retries: n.retries.Load(), Refused: n.refused.Load(), Breaker: c.cfg.Breaker.State(),
		Failed: map[string]uint64{
			"connect": n.connect.Load(), "timeout": n.timeout.Load(), "closed": n.closed.Load(), "bad_answer": n.unreadable.Load(), "status": n.status.Load(),
		},
	}
}

// begin counts a call that is sent.
func (c *Client) begin() {
	c.counts.calls.Add(1)
	if c.cfg.Retries.Max > 0 {
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
