package serve

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// gatherState says how far the body of a request that is to be read has come.
type gatherState uint8

const (
	untouched gatherState = iota // the body is relayed as it comes
	whole                        // all of it is in the buffer
	partial                      // a part of it is in the buffer, and the rest is relayed as it comes
	broken                       // its framing is broken; nothing was relayed
	cut                          // the client's bytes ended within it; nothing was relayed
)

// gathered is a body in the buffer: size bytes behind the head.
type gathered struct {
	state   gatherState
	content []byte
	size    int
	err     error
}

// gather reads a body into the buffer, within the limits of policy. What is too large or too slow is made blind.
func (c *conn) gather(x *line.Exchange) gathered {
	h := &c.head
	if h.Framing == wire.Length && c.in.size()-h.Size >= int(h.ContentLength) { // the limit was checked
		n := int(h.ContentLength)
		return gathered{state: whole, content: c.in.bytes()[h.Size : h.Size+n], size: n}
	}
	limit, reason := x.Policy.MaxBody, line.ReasonBody
	if c.s.pressure.Load() >= pressureLean {
		limit, reason = min(limit, largeInput), line.ReasonPressure
	}
	if h.Framing == wire.Length && h.ContentLength > int64(limit) {
		c.s.line.Blind(x, reason)
		return gathered{}
	}
	waiting := false
	defer func() {
		if waiting {
			_ = c.client.SetReadDeadline(time.Time{})
			if p := c.expired.Load(); p != 0 {
				_ = c.client.SetReadDeadline(time.Unix(1, 0))
			}
			c.phase.Store(uint32(phaseBusy))
		}
	}()
	c.chunks.Reset()
	c.content = c.content[:0]
	size := 0
	for {
		g, more := c.look(limit, &size)
		if !more {
			if g.state == partial {
				c.s.line.Blind(x, reason)
			}
			return g
		}
		if !waiting {
			waiting = true
			c.enter(phaseBody)
			_ = c.client.SetReadDeadline(time.Now().Add(x.Policy.InspectWait))
		}
		if h.Framing == wire.Length {
			c.in.reserve(h.Size + int(h.ContentLength))
		}
		if _, err := c.in.read(c.client); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && phase(c.expired.Load()) != phaseBody {
				c.s.line.Blind(x, line.ReasonSlow)
				return gathered{state: partial, size: size}
			}
			return gathered{state: cut, err: err}
		}
	}
}

// look examines what has come of a body of at most limit bytes; more asks for another read.
func (c *conn) look(limit int, size *int) (g gathered, more bool) {
	h := &c.head
	switch h.Framing {
	case wire.Length:
		n := int(h.ContentLength)
		*size = min(c.in.size()-h.Size, n)
		if *size < n {
			return g, true
		}
		return gathered{state: whole, content: c.in.bytes()[h.Size : h.Size+n], size: n}, false
	case wire.Chunked:
		var done bool
		var n int
		var err error
		c.content, n, done, err = c.chunks.Decode(c.content, c.in.bytes()[h.Size+*size:])
		*size += n
		switch {
		case err != nil:
			return gathered{state: broken}, false
		case done && len(c.content) <= limit:
			return gathered{state: whole, content: c.content, size: *size}, false
		case len(c.content) > limit || *size > 2*limit+smallInput:
			return gathered{state: partial, size: *size}, false
		}
		return g, true
	}
	return gathered{state: whole}, false // no body
}

// stream relays the request from the buffer and, when the body is not all there, from the client as it comes. It reports whether the
// message went out in whole.
func (c *conn) stream(u *upstream, t *turn, g gathered) bool {
	h := &c.head
	if g.state == whole {
		return c.send(u, t, h.Size+g.size)
	}
	switch h.Framing {
	case wire.Length:
		return c.streamLength(u, t)
	case wire.Chunked:
		return c.streamChunked(u, t, g)
	}
	return c.send(u, t, h.Size)
}

func (c *conn) streamLength(u *upstream, t *turn) bool {
	rest := c.head.ContentLength
	n := min(int64(c.in.size()-c.head.Size), rest)
	if !c.send(u, t, c.head.Size+int(n)) {
		return false
	}
	rest -= n
	for rest > 0 {
		if !c.more() {
			return false
		}
		n := min(int64(c.in.size()), rest)
		if !c.send(u, t, int(n)) {
			return false
		}
		rest -= n
	}
	return true
}

func (c *conn) streamChunked(u *upstream, t *turn, g gathered) bool {
	ready := c.head.Size
	if g.state == partial {
		ready += g.size
	} else {
		c.chunks.Reset()
	}
	for {
		n, done, err := c.chunks.Scan(c.in.bytes()[ready:])
		if err != nil { // the origin shall see what was sent, and decide
			c.s.stats.spliced[spliceFraming].Add(1)
			c.copyUp(u)
			return false
		}
		if !c.send(u, t, ready+n) {
			return false
		}
		if done {
			return true
		}
		ready = 0
		if !c.more() {
			return false
		}
	}
}

// more reads the next part of a body that is relayed; at the client's end it passes that on.
func (c *conn) more() bool {
	if c.in.size() == 0 {
		c.in.r, c.in.w = 0, 0
		if len(c.in.b) < relayInput {
			c.in.b = make([]byte, relayInput)
		}
	}
	c.enter(phaseBody)
	err := c.read()
	c.phase.Store(uint32(phaseBusy))
	switch {
	case err == nil:
		return true
	case errors.Is(err, io.EOF):
		c.halfClose()
	default:
		c.gone.Store(true)
		c.reset()
	}
	return false
}

// send writes n buffered bytes to the upstream. When that fails the response pump sees the end of the connection too and passes on what
// the upstream still said.
func (c *conn) send(u *upstream, t *turn, n int) bool {
	if n == 0 {
		return true
	}
	if c.copied != nil {
		c.show(c.in.bytes()[:n])
	}
	_, err := u.up.Write(c.in.bytes()[:n])
	c.in.discard(n)
	if err != nil {
		<-u.done
		return false
	}
	t.sent.Add(int64(n))
	return true
}
