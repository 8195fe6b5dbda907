package serve

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

// guarded asks the breaker of the upstream about a request that is to be relayed. done says that it was answered here: from stale entries
// where there are some, or with a refusal where policy asks for that. on is for the connection then. Of the requests at the GraphQL endpoint
// those that were read take a ticket: by what passes unread, a client could make the upstream fail as it likes.
func (c *conn) guarded(x *line.Exchange, g gathered, now int64) (done, on bool) {
	if x.Breaker == nil || len(x.Items) == 0 {
		return false, false
	}
	var may bool
	if x.GraphQL {
		c.ticket, may = x.Breaker.Admit(now, &x.Policy.Breaker.Rules)
	} else {
		may = !x.Breaker.Blocks(now)
	}
	if may {
		return false, false
	}
	return c.unasked(x, g)
}

// unasked is guarded for an open breaker.
func (c *conn) unasked(x *line.Exchange, g gathered) (done, on bool) {
	now := time.Now().UnixNano()
	x.Unasked = true
	if g.state == whole && c.fallback(x, now) {
		return true, c.hit(x, g, now)
	}
	x.Unasked = false
	if x.Policy.Breaker.Mode != policy.Enforce {
		c.s.stats.openPassed.Add(1)
		return false, false
	}
	c.s.stats.openRefused.Add(1)
	seconds := (x.Breaker.Wait(now) + time.Second - 1) / time.Second
	return true, c.decline(x, g, line.Refusal{Code: codes.UpstreamOpen, RetryAfter: max(1, int(seconds))})
}

// unavailable reports whether a status says that the upstream cannot answer at the moment. A 500 may be one operation's own defect.
func unavailable(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// told tells the breaker how the turn's request ended; what is told after that is not heard.
func (c *conn) told(t *turn, failed bool) { c.s.told(&t.ticket, t.x, c.destination, failed) }

func (s *Server) told(ticket *breaker.Ticket, x *line.Exchange, destination string, failed bool) {
	k := *ticket
	if k == (breaker.Ticket{}) {
		return
	}
	*ticket = breaker.Ticket{}
	rules := &x.Policy.Breaker.Rules
	switch {
	case !failed:
		if k.Succeeded(s.now(), rules) {
			s.logger.Info("the upstream answers again: its breaker closed", "destination", destination)
		}
	case k.Failed(time.Now().UnixNano(), rules):
		s.logger.Warn("the upstream fails: its breaker opened", "destination", destination, "mode", x.Policy.Breaker.Mode.String())
	}
}

// lost tells the breaker of a connection that ended before the answer began. It says nothing of the upstream when the client had left, or when
// the connection had carried answers: an origin may close one that is idle just as a request comes.
func (c *conn) lost(u *upstream, t *turn, err error) {
	if !u.used && !c.gone.Load() && !c.leaving.Load() && (errors.Is(err, io.EOF) || isReset(err)) {
		c.told(t, true)
		return
	}
	t.ticket.Dropped()
	t.ticket = breaker.Ticket{}
}

// toldOf is told for a request of our own. As for one that is relayed, the head of the answer tells, whatever becomes of the rest.
func (s *Server) toldOf(ticket *breaker.Ticket, u *upstream, r *refresh, err error) {
	switch {
	case u.used:
		s.told(ticket, r.x, r.destination, unavailable(u.head.Status))
	case errors.Is(err, errNoContent) || s.ctx.Err() != nil:
		ticket.Dropped()
	default:
		s.told(ticket, r.x, r.destination, true)
	}
}
