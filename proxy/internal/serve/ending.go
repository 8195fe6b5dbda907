package serve

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/weirproxy/weir/proxy/internal/codes"
)

// How a client connection comes to its end, and its upstream connection with it.

// ended handles the end of the client's bytes: what is buffered still goes to the upstream, then the end itself, and the answers that
// are due still come back. It always returns false.
func (c *conn) ended(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		switch phase(c.expired.Load()) {
		case phaseHead:
			return c.fail(codes.HeadTimeout)
		case phaseBody:
			return c.fail(codes.BodyTimeout)
		}
		c.await((*turns).busy) // idle, draining, or the upstream has ended
		return false
	}
	if !errors.Is(err, io.EOF) {
		c.gone.Store(true)
		c.awaitFill()
		c.reset()
		return false
	}
	if c.in.size() > 0 { // an unfinished message: the origin shall see what was sent, and its end
		if u, err := c.enqueue(c.turn(turnTunnel, nil)); err == nil {
			_, _ = u.conn.Write(c.in.bytes())
			c.in.reset()
		}
	}
	c.halfClose()
	return false
}

// halfClose passes the client's end of sending on and waits for the upstream's end. The answer of a request that fills the cache is
// awaited first: an origin may give up when it sees the end. Each of the two waits is as long as an idle connection may be.
func (c *conn) halfClose() {
	c.awaitFill()
	c.leaving.Store(true)
	c.mu.Lock()
	u := c.up
	c.mu.Unlock()
	if u == nil {
		return
	}
	closeWrite(u.conn)
	if idle := c.s.cfg.Policy().Deadlines.Idle; idle > 0 {
		_ = u.conn.SetReadDeadline(time.Now().Add(idle))
	}
	<-u.done
}

// await returns when the queue is no longer as asked, or nobody is there to shorten it. The wait for an answer that never comes ends with
// the connections.
func (c *conn) await(is func(*turns) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for is(&c.queue) && c.up != nil && !c.up.over {
		c.changed.Wait()
	}
}

// awaitFill waits for the answers that fill the cache, which the client does not wait for any more, or not by itself: no longer than a connection
// may be idle, for nobody else would ever end it.
func (c *conn) awaitFill() {
	limit := c.s.cfg.Policy().Deadlines.Idle
	if limit <= 0 {
		c.await((*turns).leads)
		return
	}
	over := false // by the lock that await holds
	timer := time.AfterFunc(limit, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		over = true
		c.changed.Broadcast()
	})
	defer timer.Stop()
	c.await(func(q *turns) bool { return !over && q.leads() })
}

// drain closes an idle connection and lets others finish; the server's lock is held.
func (c *conn) drain() {
	if phase(c.phase.Load()) == phaseIdle {
		c.expire(phaseIdle)
	}
}

// abort ends both connections at once.
func (c *conn) abort() {
	c.gone.Store(true)
	hangUp(c.client)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.up != nil {
		hangUp(c.up.conn)
	}
}

// reset ends both connections the way a peer that gave up would.
func (c *conn) reset() {
	setLinger(c.client)
	c.mu.Lock()
	if c.up != nil {
		setLinger(c.up.conn)
	}
	c.mu.Unlock()
	c.abort()
}

// finish waits for the response pump and settles what is still due.
func (c *conn) finish() {
	c.endCopy()
	c.abortUpstream()
	c.client.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.queue.empty() {
		if t := c.queue.pop(); t.x != nil {
			c.settle(t)
		}
	}
}

// abortUpstream closes the upstream connection and waits until its pump has ended.
func (c *conn) abortUpstream() {
	c.mu.Lock()
	u := c.up
	c.mu.Unlock()
	if u != nil {
		u.conn.Close()
		<-u.done
	}
}

// settle is for a turn whose answer will not come.
func (c *conn) settle(t *turn) {
	t.ticket.Dropped()
	t.x.BytesIn = t.sent.Load()
	for i := range t.x.Items {
		t.x.Items[i].Code, t.x.Items[i].Errors = codes.UpstreamClosed, 1
	}
	c.giveUp(t.x)
	c.emit(t.x)
	if t.upgraded != nil {
		close(t.upgraded)
	}
}

// recover keeps a panic inside its connection.
func (c *conn) recover(where string) {
	if e := recover(); e != nil {
		c.s.panicked(where, e)
		c.abort()
	}
}

func closeWrite(c net.Conn) {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
		return
	}
	c.Close()
}

// hangUp closes a connection that somebody may be in the middle of reading by a feed. Close marks it and wakes him at once, and then waits
// until he has let go of it: he may be waiting for whoever hangs up, or for a lock that is held here, so nobody waits for that.
func hangUp(c net.Conn) { go c.Close() }

// setLinger makes Close send a reset.
func setLinger(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
