package serve

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// upstream is a connection to the upstream and the state of its response pump. The head of the answer that is being relayed stays at
// the start of the buffer, b[:headEnd], while its body passes behind it: the line reads headers until the end.
type upstream struct {
	conn    net.Conn
	feed    *feed // of conn, nil when there is none
	up      *outlet
	b       []byte
	r, w    int // b[r:w] is received and not yet relayed
	head    wire.ResponseHead
	parsed  bool // head is that of the answer that has begun in the buffer
	chunks  wire.Chunks
	done    chan struct{} // closed when the pump has ended
	over    bool          // the same, under the connection's lock
	used    bool          // an answer has come
	unasked bool          // more came than was asked for: what follows is passed on unread
	out     []byte        // a head with lines of ours, in memory that is lent
	vector  [2][]byte
	buffers net.Buffers
	relay   relaying
	writer  answer.Writer
}

// relaying is the state of one answer on its way to the client.
type relaying struct {
	watch   line.Watch
	whole   []byte // captured: all of the content, in the upstream's buffer; nil: it came in parts
	content []byte // captured, without framing
	lost    bool   // content is not complete: too long
	held    []byte // bytes that wait for Finish
	holding bool
	// headLater says that the head is not among what is held: it is made when the line has read the answer.
	headLater bool
	discard   bool // the answer is replaced by a stale one
	headEnd   int
	total     int64
	finished  bool // Finish was called
	stale     bool // the fallback takes the place of the answer
	ended     bool // the upstream's end was the end of the answer
}

func (u *upstream) bytes() []byte { return u.b[u.r:u.w] }

// room is the buffer for feed, which is empty or has been filled.
func (u *upstream) room() []byte {
	if u.r == u.w {
		u.r, u.w = 0, 0
	}
	return u.b[u.w:]
}

// read reads once behind what is there, keeping b[:keep].
func (u *upstream) read(keep int) error {
	switch {
	case u.r == u.w:
		u.r, u.w = keep, keep
	case u.w == len(u.b):
		u.w = keep + copy(u.b[keep:], u.b[u.r:u.w])
		u.r = keep
	}
	if u.w == len(u.b) {
		u.b = append(u.b, make([]byte, len(u.b))...)
	}
	n, err := u.conn.Read(u.b[u.w:])
	u.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// responses is the response pump.
func (c *conn) responses(u *upstream) {
	defer c.responsesOver(u)
	defer c.recover("response pump")
	for {
		if u.r == u.w {
			u.shrink()
			if !u.steady(c) {
				return
			}
		}
		if u.r == u.w {
			if err := u.read(0); err != nil {
				if c.patient(u, err) {
					continue
				}
				c.upstreamEnded(u, err)
				return
			}
		}
		if !c.answer(u) {
			return
		}
	}
}

// answer relays the answer that has begun in the buffer. It reports whether the connection can carry another one.
func (c *conn) answer(u *upstream) bool {
	c.mu.Lock()
	t := c.queue.front()
	if u.unasked {
		c.mu.Unlock()
		c.copyDown(u, 0)
		return false
	}
	if t == nil || t.kind == turnTunnel {
		if t == nil {
			c.s.stats.unsolicited.Add(1)
		} else {
			c.queue.pop()
		}
		c.opaque = true
		c.mu.Unlock()
		c.copyDown(u, 0)
		return false
	}
	c.local = false
	c.mu.Unlock()
	if t.patience > 0 {
		t.patience = 0
		_ = u.conn.SetReadDeadline(time.Time{})
	}
	return c.relayAnswer(u, t) && c.advance(u, t)
}

// responsesOver tells the request pump, which closes the connection: the upstream may still read what the client sends.
func (c *conn) responsesOver(u *upstream) {
	c.mu.Lock()
	u.over = true
	c.changed.Broadcast()
	c.mu.Unlock()
	c.release(u)
	close(u.done)
}

// release gives up the requests whose answers do not come any more: what lost mutations may have changed is invalidated before the client
// sees the end, and nobody waits for an entry that will not be there. The response pump calls it, which owns their exchanges, unless its
// connection was dropped: then the turns are those of the next one.
func (c *conn) release(u *upstream) {
	var due []*turn
	c.mu.Lock()
	if c.up == u {
		due = append(due, c.queue.items[c.queue.first:]...)
	}
	c.mu.Unlock()
	for _, t := range due {
		if t.kind == turnRelay {
			c.giveUp(t.x)
		}
	}
}

// patient decides about an upstream that has not begun an answer in time: without a stale answer to put in its place the wait goes on.
func (c *conn) patient(u *upstream, err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	c.mu.Lock()
	t := c.queue.front()
	slow := t != nil && t.patience > 0
	c.mu.Unlock()
	if !slow {
		return false
	}
	t.patience = 0
	_ = u.conn.SetReadDeadline(time.Time{})
	c.told(t, true)
	return !c.fallback(t.x, time.Now().UnixNano())
}

// shrink gives memory that a large head needed back.
func (u *upstream) shrink() {
	if len(u.b) > 2*relayInput {
		u.b = make([]byte, relayInput)
	}
}

// advance takes the finished turn off the queue and writes the answers of our own behind it.
func (c *conn) advance(u *upstream, done *turn) bool {
	if done.x != nil {
		c.s.exchanges.Put(done.x)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue.pop()
	if u.r < u.w && c.queue.empty() { // bytes that nobody asked for; they are no answer to a request that comes while they are looked at
		c.s.stats.unsolicited.Add(1)
		c.opaque, u.unasked = true, true
	}
	c.queue.give(done)
	c.changed.Broadcast()
	for {
		t := c.queue.front()
		if t == nil || t.kind != turnLocal {
			return true
		}
		c.queue.pop()
		c.local = true
		err := c.writeNow(t.message, nil)
		last := t.last
		c.queue.give(t)
		if err != nil || last {
			return false
		}
	}
}

// copyDown relays everything from here on; the first bytes may be the head of an answer that switched protocols.
func (c *conn) copyDown(u *upstream, upgradeHead int) {
	var err error
	if u.r < u.w {
		c.observe(downward, u.b[u.r+upgradeHead:u.w])
		_, err = c.client.Write(u.bytes())
	}
	if err == nil {
		err = c.copy(c.client, u.conn, downward)
	}
	c.closeTunnel() // before the client sees the end
	if isReset(err) {
		c.gone.Store(true)
		setLinger(u.conn)
		setLinger(c.client)
		hangUp(c.client)
		hangUp(u.conn)
		return
	}
	closeWrite(c.client)
}

// upstreamEnded handles the end of the upstream's bytes between answers.
func (c *conn) upstreamEnded(u *upstream, err error) {
	c.mu.Lock()
	t := c.queue.front()
	switch {
	case t != nil && t.kind == turnRelay:
		c.mu.Unlock()
		c.broken(u, t, err)
	case t == nil && c.local:
		// Nothing is due, and the client has been served without the upstream since: it does not need to know. The next request that
		// is relayed dials again.
		c.dropUpstream(u)
		c.mu.Unlock()
	default:
		c.mu.Unlock()
		c.passEnd(u, err)
	}
}

// dropUpstream forgets an upstream connection that has ended; the next request that is relayed dials again. The lock is held.
func (c *conn) dropUpstream(u *upstream) {
	u.conn.Close()
	c.up = nil
	c.connected.Store(false)
}

// broken is an answer that ended before its time: nothing of it came, or not all.
func (c *conn) broken(u *upstream, t *turn, err error) {
	c.lost(u, t, err)
	if !t.begun && c.fallback(t.x, time.Now().UnixNano()) && c.writeStale(u, t) && c.advance(u, t) {
		c.mu.Lock()
		ok := c.queue.empty()
		if ok {
			c.dropUpstream(u)
		}
		c.mu.Unlock()
		if ok {
			return
		}
	}
	c.s.stats.upstreamClosed.Add(1)
	c.release(u)
	c.passEnd(u, err)
}

// writeStale writes the fallback in place of the upstream's answer.
func (c *conn) writeStale(u *upstream, t *turn) bool {
	k := answer.Connection{Minor: t.minor, KeepAlive: t.keep, Close: t.minor == 0 && !t.keep}
	body, failed := c.appendStale(u, t, k)
	if failed {
		return false
	}
	t.x.BytesIn, t.x.BytesOut = t.sent.Load(), int64(len(u.out)+len(body))
	t.begun = true
	err := c.writeDown(u, u.out, body)
	c.emit(t.x)
	return err == nil && !k.Close
}

// lameTime is how long a client may keep a connection that the upstream has ended.
const lameTime = 30 * time.Second

// passEnd lets the client see the end that the upstream made.
func (c *conn) passEnd(u *upstream, err error) {
	if isReset(err) {
		c.gone.Store(true)
		setLinger(c.client)
		hangUp(c.client)
		return
	}
	if !errors.Is(err, io.EOF) {
		hangUp(c.client)
		return
	}
	// The client may still send, for as long as a closed connection would let it.
	closeWrite(c.client)
	_ = c.client.SetReadDeadline(time.Now().Add(lameTime))
}
