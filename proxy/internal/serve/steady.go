package serve

import (
	"time"

	"github.com/weirproxy/weir/proxy/internal/wire"
)

// steady handles requests for as long as they come whole; the buffer is empty. It reports whether the connection goes on, with a request
// in the buffer that has to be read on, or none.
func (c *conn) steady() (on bool) {
	c.in.reset()
	c.enter(phaseIdle) // before the look at draining: drain looks the other way round
	if c.feed == nil || c.s.draining.Load() {
		return true
	}
	var ended error
	on, opaque := true, false
	c.fed = true
	c.doze()
	_ = c.feed.run(c.in.room, func(n int, err error) bool { // the next read of the connection meets the same error
		if ended = err; err != nil {
			return false
		}
		c.in.w += n
		if opaque = c.isOpaque(); opaque {
			return false
		}
		for c.in.size() > 0 {
			if c.head.Parse(c.in.bytes(), c.s.cfg.MaxHead) != wire.OK || !c.isWhole() {
				return false
			}
			if on = c.request(); !on {
				return false
			}
		}
		c.in.reset()
		c.enter(phaseIdle)
		return !c.s.draining.Load()
	})
	c.awake()
	c.fed = false
	switch {
	case c.splices:
		c.splice(c.splicesFor)
		return false
	case opaque:
		c.splice(spliceServerFirst)
		return false
	case ended != nil:
		return c.ended(ended)
	case c.lingers:
		c.lingerOn()
	}
	return on
}

// doze says that a blind feed reads the client from now on.
func (c *conn) doze() {
	if c.feed.blind {
		c.mu.Lock()
		c.dozes = true
		c.mu.Unlock()
	}
}

// awake says that it does no longer. Its wake-up is for nobody else.
func (c *conn) awake() {
	if !c.feed.blind {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dozes = false
	if !c.woken {
		return
	}
	c.woken = false
	_ = c.client.SetReadDeadline(time.Time{})
	if c.expired.Load() != 0 { // which is for whoever reads
		_ = c.client.SetReadDeadline(time.Unix(1, 0))
	}
}

// lookAfter looks once into a connection that has been idle for a moment and is read by a blind feed, and ends that when there is something to read
// after all: the next read of the connection meets it. It reports whether there is no look to come.
func (c *conn) lookAfter(now, since int64) (done bool) {
	if !c.feed.isBlind() || c.lookedAfter == since {
		return true
	}
	if now-since < 2*int64(sweepEvery) { // others may begin to be idle at the same tick of the clock
		return false
	}
	c.lookedAfter = since
	if !unread(c.client) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dozes && !c.woken {
		c.woken = true
		_ = c.client.SetReadDeadline(time.Unix(1, 0))
	}
	return false
}

// isWhole reports whether all of the request is in the buffer, and nothing else will be read before its answer.
func (c *conn) isWhole() bool {
	h := &c.head
	if h.Upgrade || h.Method == wire.MethodConnect {
		return false
	}
	return h.Framing == wire.NoBody || h.Framing == wire.Length && int64(c.in.size()-h.Size) >= h.ContentLength
}

// steady relays answers for as long as they come whole; the buffer is empty. It reports whether the pump goes on.
func (u *upstream) steady(c *conn) (on bool) {
	if u.feed == nil {
		return true
	}
	var ended error
	on = true
	_ = u.feed.run(u.room, func(n int, err error) bool { // the next read of the connection meets the same error
		if ended = err; err != nil {
			return false
		}
		u.w += n
		for u.r < u.w {
			if !c.isWholeAnswer(u) {
				return false
			}
			if on = c.answer(u); !on {
				return false
			}
		}
		u.shrink()
		return true
	})
	if ended != nil {
		c.upstreamEnded(u, ended)
		return false
	}
	return on
}

// isWholeAnswer reports whether all of an answer that is due is in the buffer.
func (c *conn) isWholeAnswer(u *upstream) bool {
	c.mu.Lock()
	t := c.queue.front()
	c.mu.Unlock()
	if t == nil || t.kind == turnTunnel || u.unasked {
		return false
	}
	h := &u.head
	if h.Parse(u.bytes(), c.s.cfg.MaxHead, t.method) != wire.OK || h.Interim {
		return false
	}
	u.parsed = h.Framing == wire.NoBody || h.Framing == wire.Length && int64(len(u.bytes())-h.Size) >= h.ContentLength
	return u.parsed
}
