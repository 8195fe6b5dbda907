package serve

import (
	"net/http"
	"time"

	"github.com/weirproxy/weir/proxy/internal/wire"
)

// How the answer to one relayed request is read by its head, and what becomes of it.

// relayAnswer relays one answer with its interim answers. It reports whether the connection goes on.
func (c *conn) relayAnswer(u *upstream, t *turn) bool {
	for {
		v := wire.OK
		if !u.parsed {
			v = u.head.Parse(u.bytes(), c.s.cfg.MaxHead, t.method)
		}
		u.parsed = false
		switch v {
		case wire.OK:
			if u.head.Interim {
				if !c.relayInterim(u, t) {
					return false
				}
				continue
			}
			return c.relayFinal(u, t)
		case wire.Incomplete:
			if err := u.read(0); err != nil {
				c.cutHead(u, t, err)
				return false
			}
		default:
			return c.opaqueAnswer(u, t, spliceResponse)
		}
	}
}

// cutHead is an answer that ends within its head: the client sees the part and the end.
func (c *conn) cutHead(u *upstream, t *turn, err error) {
	if len(u.bytes()) > 0 && (t.begun || !c.fallback(t.x, time.Now().UnixNano())) {
		t.begun = true
		_ = c.writeDown(u, u.bytes(), nil)
	}
	c.broken(u, t, err)
}

func (c *conn) relayInterim(u *upstream, t *turn) bool {
	n := u.head.Size
	t.begun = true
	err := c.writeDown(u, u.b[u.r:u.r+n], nil)
	u.r += n
	if err != nil {
		return false
	}
	if u.r == u.w {
		if err := u.read(0); err != nil {
			c.broken(u, t, err)
			return false
		}
	}
	return true
}

// opaqueAnswer gives up reading: what follows is relayed until the connection ends.
func (c *conn) opaqueAnswer(u *upstream, t *turn, reason spliceReason) bool {
	c.s.stats.spliced[reason].Add(1)
	t.ticket.Dropped()
	t.x.BytesIn = t.sent.Load()
	c.giveUp(t.x)
	c.emit(t.x)
	c.mu.Lock()
	c.opaque = true
	c.queue.pop()
	c.changed.Broadcast() // a client that has ended its half is waited for no longer
	if t.upgraded != nil {
		t.upgraded <- false
	}
	c.mu.Unlock()
	c.copyDown(u, 0)
	return false
}

// relayFinal relays a final answer from its parsed head to its end.
func (c *conn) relayFinal(u *upstream, t *turn) bool {
	if u.r > 0 { // the head stays at the start of the buffer
		u.w = copy(u.b, u.bytes())
		u.r = 0
		u.head.Parse(u.b[:u.w], c.s.cfg.MaxHead, t.method)
	}
	u.used = true
	c.told(t, unavailable(u.head.Status))
	if u.head.Framing == wire.Tunnel {
		return c.upgrade(u, t)
	}
	a := &u.relay
	*a = relaying{content: a.content[:0], held: a.held[:0], headEnd: u.head.Size}
	if u.head.Status >= http.StatusInternalServerError && !t.begun && c.fallback(t.x, time.Now().UnixNano()) {
		a.discard, a.stale = true, true
	} else {
		a.watch = c.watchAnswer(u, t)
		a.holding = a.watch.Hold || a.watch.Whole
	}
	if !c.relayBody(u, t) {
		return false
	}
	return c.complete(u, t)
}

// upgrade is a switch of protocols: from here on both directions are copied.
func (c *conn) upgrade(u *upstream, t *turn) bool {
	t.x.BytesIn, t.x.BytesOut, t.x.Status = t.sent.Load(), int64(u.head.Size), u.head.Status
	c.emit(t.x)
	if t.upgraded != nil { // the client asked for it, and waits
		c.openTunnel(u)
	}
	c.mu.Lock()
	c.opaque = true
	c.queue.pop()
	c.changed.Broadcast()
	c.mu.Unlock()
	if t.upgraded != nil {
		t.upgraded <- true
	}
	c.copyDown(u, u.head.Size)
	return false
}
