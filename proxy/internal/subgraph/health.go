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
	calls, retries, refused                      atomic.Uint64
	connect, timeout, closed, unreadable, status atomic.Uint64
}

// Stats are counts since the client was made.
type Stats struct {
	Calls   uint64            // sent
	Retries uint64            // sent again, beside these
	Refused uint64            // not sent, because the breaker was open
	Failed  map[string]uint64 // by why
	Breaker breaker.State
}

// Stats returns the counts.
func (c *Client) Stats() Stats {
	n := &c.counts
	return Stats{
		Calls: n.calls.Load(), Retries: n.retries.Load(), Refused: n.refused.Load(), Breaker: c.cfg.Breaker.State(),
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
func (k *Call) admit(a *Ask) error {
	k.rules, k.ticket = a.Rules, breaker.Ticket{}
	if a.Rules == nil {
		return nil
	}
	var may bool
	if k.ticket, may = k.client.cfg.Breaker.Admit(a.Now.UnixNano(), a.Rules); !may && a.Refuse {
		k.client.counts.refused.Add(1)
		return &Error{Code: codes.SubgraphOpen, Cause: errOpen}
	}
	return nil
}

// tell counts how the call ended, and tells the breaker: a subgraph that cannot be reached, is too slow, breaks off or says that it cannot
// answer now has failed. What nobody waits for any more says nothing.
func (k *Call) tell(status int, err error) {
	failed := err != nil || unavailable(status)
	left := failed && (errors.Is(k.ctx.Err(), context.Canceled) || k.leash.isLeft())
	if failed && !left {
		k.client.count(err)
	}
	if k.rules == nil {
		return
	}
	changed := k.client.cfg.Changed
	switch {
	case left || errors.Is(err, errBusy):
		k.ticket.Dropped()
	case failed && codeOf(err) != codes.SubgraphAnswer:
		if k.ticket.Failed(time.Now().UnixNano(), k.rules) && changed != nil {
			changed(true)
		}
	case k.ticket.Succeeded(time.Now().UnixNano(), k.rules) && changed != nil:
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
