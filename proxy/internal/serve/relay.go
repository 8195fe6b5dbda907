package serve

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// relay sends the request to the upstream. From the moment its turn is in the queue the exchange belongs to the response pump.
func (c *conn) relay(x *line.Exchange, g gathered) bool {
	if x.Leads() && !c.alone() {
		c.ticket.Dropped()
		c.abandon(x)
		c.splice(spliceServerFirst)
		return false
	}
	t := c.turn(turnRelay, x)
	t.ticket, c.ticket = c.ticket, breaker.Ticket{}
	t.method, t.minor, t.keep = c.head.Method, c.head.Minor, c.head.KeepAlive
	x.Forwarded, x.Fetches = time.Now().UnixNano(), x.Fetches+1
	var upgraded chan bool
	if c.head.Upgrade || c.head.Method == wire.MethodConnect {
		upgraded = make(chan bool, 1)
		t.upgraded = upgraded
	}
	if x.Leads() && x.HasFallback(x.Forwarded) {
		t.patience = x.Policy.Cache.StaleAfter
	}
	c.copied = c.copyOf(x)
	u, err := c.enqueue(t)
	if err != nil {
		c.endCopy()
		c.told(t, true)
		x.Forwarded, x.Fetches = 0, 0
		return c.unreachable(x, g, err)
	}
	c.x = nil
	c.s.stats.relayed.Add(1)
	passed := c.stream(u, t, g)
	c.endCopy()
	if !passed {
		return false
	}
	if c.head.Framing == wire.Chunked && c.chunks.Extras {
		// An origin that takes a trailer for the next request answers once more than it was asked, and from then on answers and requests
		// do not match: a cache must not learn from them.
		c.splice(spliceFraming)
		return false
	}
	if upgraded == nil {
		return true
	}
	// The bytes that follow mean something else when the upstream switches protocols.
	select {
	case switched := <-upgraded:
		if !switched {
			return !c.isOpaque()
		}
	case <-u.done:
		return false
	}
	c.s.stats.spliced[spliceUpgrade].Add(1)
	c.copyUp(u)
	c.closeTunnel() // what the client began after the origin had ended
	return false
}

// alone waits until nothing else is under way. An origin that can be made to split an answer in two would answer the request behind it as
// the attacker likes, so one whose answer is to be kept is sent when all that was asked before is answered. False: the origin said more
// than it was asked for, so what it says from here on is not known.
func (c *conn) alone() bool {
	c.await((*turns).busy)
	return !c.isOpaque()
}

// turn returns a turn of the given kind.
func (c *conn) turn(kind turnKind, x *line.Exchange) *turn {
	c.mu.Lock()
	t := c.queue.take()
	c.mu.Unlock()
	t.kind, t.x = kind, x
	if x != nil && x.Leads() {
		t.leads = true
	}
	return t
}

// enqueue puts a turn into the queue of a live upstream connection, which it dials when there is none.
func (c *conn) enqueue(t *turn) (*upstream, error) {
	for {
		c.mu.Lock()
		if u := c.up; u != nil {
			if t.patience > 0 { // it leads, so nothing else is under way
				_ = u.conn.SetReadDeadline(time.Now().Add(t.patience))
			}
			c.queue.push(t)
			over := u.over
			c.mu.Unlock()
			if over && t.x != nil { // its answer cannot come: nobody shall wait for it
				c.abandon(t.x)
			}
			return u, nil
		}
		c.mu.Unlock()
		if _, err := c.connect(); err != nil {
			return nil, err
		}
	}
}

// connect dials the upstream and starts its response pump.
func (c *conn) connect() (*upstream, error) {
	limit := c.s.cfg.Policy().Deadlines.Connect
	if limit <= 0 {
		limit = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(c.s.ctx, limit)
	defer cancel()
	up, err := c.s.cfg.Dial(ctx, c.destination)
	if err != nil {
		c.s.stats.dialErrors.Add(1)
		return nil, err
	}
	u := &upstream{conn: up, feed: newFeed(up), up: newOutlet(up), b: make([]byte, relayInput), done: make(chan struct{})}
	c.mu.Lock()
	c.up = u
	c.mu.Unlock()
	c.connected.Store(true)
	if c.s.ctx.Err() != nil { // the server closed while this was dialled
		up.Close()
	}
	go c.responses(u)
	return u, nil
}

// unreachable answers for an upstream that cannot be dialled: from stale entries where there are some.
func (c *conn) unreachable(x *line.Exchange, g gathered, err error) bool {
	now := time.Now().UnixNano()
	if g.state == whole && c.fallback(x, now) {
		return c.hit(x, g, now)
	}
	code := codes.UpstreamConnect
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		code = codes.UpstreamTimeout
	}
	return c.decline(x, g, line.Refusal{Code: code})
}

// decline refuses a request that was to be relayed.
func (c *conn) decline(x *line.Exchange, g gathered, r line.Refusal) bool {
	c.abandon(x)
	x.Refusal = r
	for i := range x.Items {
		x.Items[i].Code, x.Items[i].Errors = r.Code, 1
	}
	if g.state == whole || (c.head.Framing == wire.NoBody && g.state == untouched) {
		return c.refuse(x, c.head.Size+g.size)
	}
	return c.refuseAndClose(x)
}

// splice copies both directions from here on, in the order of what is already under way. While a feed reads the client it is put off until
// that has ended: the caller ends it.
func (c *conn) splice(reason spliceReason) {
	if c.fed {
		c.splices, c.splicesFor = true, reason
		return
	}
	if c.s.cfg.Policy().Executor != nil { // there is nobody behind the sidecar who could make sense of it
		c.fail(codes.BadFraming)
		return
	}
	c.s.stats.spliced[reason].Add(1)
	c.phase.Store(uint32(phaseBusy))
	u, err := c.enqueue(c.turn(turnTunnel, nil))
	if err != nil {
		c.fail(codes.UpstreamConnect)
		return
	}
	c.copyUp(u)
}

// copyUp sends what is buffered and then everything the client sends. It returns when both directions have ended.
func (c *conn) copyUp(u *upstream) {
	c.phase.Store(uint32(phaseBusy))
	var err error
	if c.in.size() > 0 {
		c.observe(upward, c.in.bytes())
		_, err = u.conn.Write(c.in.bytes())
		c.in.discard(c.in.size())
	}
	if err == nil {
		err = c.copy(u.conn, c.client, upward)
	}
	if isReset(err) {
		c.reset()
	} else {
		closeWrite(u.conn)
	}
	<-u.done
}
