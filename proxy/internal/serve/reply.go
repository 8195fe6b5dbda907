package serve

import (
	"io"
	"net"
	"time"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/line"
)

const (
	// joined is up to how many bytes an answer's body is copied behind its head, so that one write sends both; a longer one goes out
	// by a vector.
	joined = 4 << 10
	// linger bounds how long, and lingerBytes how much, a client may go on sending after its last answer: closing with bytes unread
	// would reset the connection and could destroy that answer on its way.
	linger      = time.Second
	lingerBytes = 1 << 20
)

// connection says what an answer to the current request does to the connection.
func (c *conn) connection() answer.Connection {
	h := &c.head
	return answer.Connection{
		Minor: h.Minor, KeepAlive: h.KeepAlive,
		Close: h.Close || (h.Minor == 0 && !h.KeepAlive) || c.s.draining.Load(),
	}
}

// hit answers the request from the cache.
func (c *conn) hit(x *line.Exchange, g gathered, now int64) bool {
	k, size := c.connection(), c.head.Size+g.size
	c.borrow()
	body, failed := c.appendAnswer(x, k, now)
	if failed {
		c.giveBack()
		c.blind(x)
		return c.relay(x, g)
	}
	x.BytesOut = int64(len(c.out) + len(body))
	if x.Injected || x.Executed {
		c.s.stats.relayed.Add(1)
	} else {
		c.s.stats.hits.Add(1)
	}
	sent := c.write(c.out, body, k.Close)
	c.giveBack()
	c.emit(x)
	if x.Refresh {
		c.startRefresh(x, size)
	}
	c.answered(x)
	c.in.discard(size)
	if sent && k.Close {
		c.lingerOn()
	}
	return sent && !k.Close
}

// refuse answers the request of size bytes with a refusal.
func (c *conn) refuse(x *line.Exchange, size int) bool {
	k := c.connection()
	c.borrow()
	c.appendRefusal(x, k)
	x.BytesOut = int64(len(c.out))
	c.s.stats.refused.Add(1)
	sent := c.write(c.out, nil, k.Close)
	c.giveBack()
	c.emit(x)
	c.answered(x)
	c.in.discard(size)
	if sent && k.Close {
		c.lingerOn()
	}
	return sent && !k.Close
}

// refuseAndClose refuses a request whose body has not been read.
func (c *conn) refuseAndClose(x *line.Exchange) bool {
	c.head.Close = true
	c.refuse(x, c.head.Size)
	return false
}

// fail ends the connection with an answer of our own to what cannot be read as a request. It always returns false.
func (c *conn) fail(code codes.Code) bool {
	c.s.stats.refused.Add(1)
	f := failure(code)
	f.Connection = answer.Connection{Minor: 1, Close: true}
	c.out = c.writer.AppendFailure(c.out[:0], &f, time.Now().UnixNano())
	if c.write(c.out, nil, true) {
		c.lingerOn()
	}
	return false
}

func failure(code codes.Code) answer.Failure {
	return answer.Failure{
		Status: code.Status(), Code: code.String(), Media: "text/plain; charset=utf-8",
		Body: []byte(code.Message() + "\n" + code.Cure() + "\n"),
	}
}

// write sends an answer of our own, now or behind the answers that are due before it. It reports whether the connection lives on, or for
// the last answer whether it was sent.
func (c *conn) write(head, body []byte, last bool) bool {
	c.mu.Lock()
	if c.opaque {
		c.mu.Unlock()
		return false
	}
	if c.queue.empty() {
		c.local = true
		err := c.writeNow(head, body)
		c.mu.Unlock()
		return err == nil
	}
	t := c.queue.take()
	t.kind, t.last = turnLocal, last
	t.message = append(append(t.message[:0], head...), body...)
	c.queue.push(t)
	u := c.up
	c.mu.Unlock()
	if last && u != nil { // it goes out when the answers before it have
		<-u.done
		return !c.gone.Load()
	}
	return true
}

// writeNow writes to the client. One pump at a time does.
func (c *conn) writeNow(head, body []byte) error {
	if c.gone.Load() {
		return net.ErrClosed
	}
	c.writing.Store(c.s.now())
	var err error
	switch {
	case len(body) == 0:
		_, err = c.down.Write(head)
	case len(body) <= joined:
		c.out = append(head, body...)
		_, err = c.down.Write(c.out)
	default:
		c.vector = [2][]byte{head, body}
		c.buffers = c.vector[:]
		_, err = c.buffers.WriteTo(c.client)
		c.vector = [2][]byte{}
	}
	c.writing.Store(0)
	if err != nil {
		c.gone.Store(true)
	}
	return err
}

// lingerOn reads what the client still sends, for a short time.
func (c *conn) lingerOn() {
	if c.lingers = c.fed; c.lingers {
		return
	}
	closeWrite(c.client)
	_ = c.client.SetReadDeadline(time.Now().Add(linger))
	_, _ = io.CopyN(io.Discard, c.client, lingerBytes)
}

// whyNot tells why no connection is taken now.
func (s *Server) whyNot() codes.Code {
	switch {
	case s.draining.Load():
		return codes.Draining
	case s.pressure.Load() >= pressureRefuse:
		return codes.Overload
	}
	return codes.TooManyConnections
}

// turnAway answers a connection that is not taken.
func (s *Server) turnAway(client net.Conn, why codes.Code) {
	f := failure(why)
	f.Connection = answer.Connection{Minor: 1, Close: true}
	f.RetryAfter = 1
	var w answer.Writer
	_ = client.SetWriteDeadline(time.Now().Add(linger))
	_, _ = client.Write(w.AppendFailure(nil, &f, time.Now().UnixNano()))
	client.Close()
}

func (s *Server) panicked(where string, e any) {
	s.stats.panics.Add(1)
	s.logger.Error("a defect was caught; the request went on without insight", "where", where, "panic", e)
}
