package serve

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"

	"github.com/weirproxy/weir/proxy/internal/wire"
)

// relayBody relays the answer whose head is at the start of the buffer, to its end. It reports whether the connection can carry another
// answer.
func (c *conn) relayBody(u *upstream, t *turn) bool {
	a := &u.relay
	u.r = a.headEnd
	u.chunks.Reset()
	rest := u.head.ContentLength
	for first := true; ; first = false {
		n, done, err := u.take(&rest)
		if err != nil { // the client shall see what the origin sent, and decide
			return c.opaqueBody(u, t, first)
		}
		if !c.pass(u, t, u.b[u.r:u.r+n], first) {
			return false
		}
		u.r += n
		if done {
			return true
		}
		if err := u.read(a.headEnd); err != nil {
			if errors.Is(err, io.EOF) && u.head.Framing == wire.UntilClose {
				a.ended = true
				return true
			}
			if a.holding {
				c.giveUp(t.x)
				c.flush(u, t)
			}
			c.broken(u, t, err)
			return false
		}
	}
}

// take finds how many of the received bytes belong to the body, by its framing, and captures content.
func (u *upstream) take(rest *int64) (n int, done bool, err error) {
	a, in := &u.relay, u.bytes()
	capture := a.watch.Capture > 0 && !a.lost
	switch u.head.Framing {
	case wire.Length:
		n = int(min(int64(len(in)), *rest))
		*rest -= int64(n)
		done = *rest == 0
	case wire.Chunked:
		if capture {
			a.content, n, done, err = u.chunks.Decode(a.content, in)
		} else {
			n, done, err = u.chunks.Scan(in)
		}
		return n, done, err
	case wire.UntilClose:
		n = len(in)
	default:
		return 0, true, nil
	}
	switch {
	case !capture:
	case done && len(a.content) == 0 && n <= a.watch.Capture: // it stays where it is until the next answer is read
		a.whole = in[:n:n]
	default:
		a.content = append(a.content, in[:n]...)
	}
	return n, done, nil
}

// captured returns the content of an answer that came to its end, nil when it was not captured in whole.
func (a *relaying) captured() []byte {
	switch {
	case a.watch.Capture == 0 || a.lost:
		return nil
	case a.whole != nil:
		return a.whole
	}
	return a.content
}

// pass sends a part of the answer on, the head with the first one, or keeps it while the end is held.
func (c *conn) pass(u *upstream, t *turn, part []byte, first bool) bool {
	a := &u.relay
	if a.watch.Capture > 0 && !a.lost && (len(a.content) > a.watch.Capture || len(a.held) > 2*a.watch.Capture+largeInput) {
		a.lost, a.content = true, a.content[:0]
		if a.holding {
			c.finishAnswer(u, t, nil, time.Now().UnixNano())
			c.flush(u, t)
		}
	}
	if a.watch.Unread && !a.discard {
		c.unread(t.x)
	}
	head := []byte(nil)
	if first && a.holding {
		a.headLater = true
		a.total += int64(a.headEnd) // about; told for sure with flush
	} else if first {
		m := c.s.lend()
		u.out = m.b[:0]
		defer func() { c.s.takeBack(m, u.out); u.out = nil }()
		head = c.answerHead(u, t)
	}
	a.total += int64(len(head) + len(part))
	if a.discard {
		return true
	}
	if a.holding {
		a.held = append(append(a.held, head...), part...)
		return true
	}
	t.begun = true
	var err error
	if first && len(u.out) == 0 { // head and body lie side by side
		err = c.writeDown(u, u.b[:a.headEnd+len(part)], nil)
	} else {
		err = c.writeDown(u, head, part)
	}
	if err == nil {
		return true
	}
	if t.leads || a.watch.Hold { // the cache still waits for the answer
		a.discard = true
		return true
	}
	setLinger(u.conn)
	return false
}

// answerHead returns the head as it goes out: as received, or in u.out with lines of ours before its end.
func (c *conn) answerHead(u *upstream, t *turn) []byte {
	u.out = u.out[:0]
	received := u.b[:u.relay.headEnd]
	if !t.x.GraphQL && !t.x.Unmarked() && !t.x.Unlogged() || u.relay.discard {
		return received
	}
	end := len(received) - 2
	u.out = append(u.out, received[:end]...)
	out := c.appendLines(u.out, t.x)
	if out == nil || bytes.Equal(out, received[:end]) {
		u.out = u.out[:0]
		return received
	}
	u.out = append(out, received[end:]...)
	return u.out
}

// flush sends what was held.
func (c *conn) flush(u *upstream, t *turn) {
	a := &u.relay
	if !a.holding {
		return
	}
	a.holding = false
	var head []byte
	if a.headLater {
		a.headLater = false
		m := c.s.lend()
		u.out = m.b[:0]
		defer func() { c.s.takeBack(m, u.out); u.out = nil }()
		head = c.answerHead(u, t)
		a.total += int64(len(head) - a.headEnd)
	}
	if len(head)+len(a.held) > 0 && !a.discard {
		t.begun = true
		if c.writeDown(u, head, a.held) != nil {
			a.discard = true
		}
	}
	a.held = a.held[:0]
}

// complete settles an answer that was relayed to its end.
func (c *conn) complete(u *upstream, t *turn) bool {
	a := &u.relay
	now := time.Now().UnixNano()
	if a.stale || c.erred(u, t, now) {
		if t.upgraded != nil {
			t.upgraded <- false
		}
		return c.writeStale(u, t)
	}
	t.x.BytesIn, t.x.BytesOut = t.sent.Load(), a.total
	c.finishAnswer(u, t, a.captured(), now)
	if a.holding { // for the invalidation log, perhaps
		c.flush(u, t)
		t.x.BytesOut = a.total
		now = time.Now().UnixNano()
	}
	c.emitAt(t.x, now)
	if t.upgraded != nil {
		t.upgraded <- false
	}
	a.trim()
	if c.gone.Load() {
		setLinger(u.conn)
		return false
	}
	return true
}

// trim gives memory that a long answer needed back.
func (a *relaying) trim() {
	if cap(a.content) > 4*largeInput {
		a.content = nil
	}
	if cap(a.held) > 4*largeInput {
		a.held = nil
	}
}

// opaqueBody is an answer whose framing breaks off: its bytes and all that follow go on unread.
func (c *conn) opaqueBody(u *upstream, t *turn, first bool) bool {
	a := &u.relay
	c.giveUp(t.x)
	a.watch.Capture, a.lost = 0, true
	if first && !c.pass(u, t, nil, true) {
		return false
	}
	c.flush(u, t)
	return c.opaqueAnswer(u, t, spliceResponse)
}

// writeDown writes to the client from the response pump.
func (c *conn) writeDown(u *upstream, head, body []byte) error {
	if c.gone.Load() {
		return net.ErrClosed
	}
	c.writing.Store(c.s.now())
	var err error
	if len(body) == 0 {
		_, err = c.down.Write(head)
	} else if len(head) == 0 {
		_, err = c.down.Write(body)
	} else if len(body) <= joined { // one buffer is cheaper than a vector
		u.out = append(append(u.out[:0], head...), body...)
		_, err = c.down.Write(u.out)
	} else {
		u.vector = [2][]byte{head, body}
		u.buffers = u.vector[:]
		_, err = u.buffers.WriteTo(c.client)
		u.vector = [2][]byte{}
	}
	c.writing.Store(0)
	if err != nil {
		c.gone.Store(true)
	}
	return err
}
