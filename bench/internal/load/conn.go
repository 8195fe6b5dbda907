package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Answer is one response. Body belongs to the connection and is valid until its next call.
type Answer struct {
	Status      int
	CacheStatus string
	WeirError   string
	WeirCost    string
	Body        []byte
	Sent, Done  time.Time
}

// Cache is what the answer's Cache-Status says.
func (a *Answer) Cache() Cache { return ParseCacheStatus([]byte(a.CacheStatus)) }

// OK reports whether it is a GraphQL answer without errors.
func (a *Answer) OK() bool { return verdict(a.Status, a.Body) == "" }

// verdict is what an answer is worth: "" or a kind of failure.
func verdict(status int, body []byte) string {
	switch {
	case status != fasthttp.StatusOK:
		return FailStatus
	case bytes.Contains(body, []byte(`"errors":[`)) || !bytes.Contains(body, []byte(`"data":`)):
		return FailErrors
	}
	return ""
}

// Conn is one keep-alive connection, opened when needed. It is used by one goroutine; only Abort may be called by others.
type Conn struct {
	target Target
	conn   net.Conn // replaced under mu
	in     *bufio.Reader
	out    []byte
	res    fasthttp.Response
	answer Answer
	dialer net.Dialer

	mu      sync.Mutex
	aborted bool

	// Headers are sent with each request, each ending with CRLF.
	Headers string
}

// NewConn makes a connection to t; it connects with the first request.
func NewConn(t Target) *Conn { return &Conn{target: t} }

// Close closes the connection; the next request opens a new one.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.Close() // nothing waits on it
		c.conn = nil
	}
}

// Abort ends the request under way and all later ones with a timeout.
func (c *Conn) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.aborted = true
	if c.conn != nil {
		_ = c.conn.SetDeadline(time.Unix(1, 0)) // a closed connection ends by itself
	}
}

// arm takes conn (nil: the present one) into use until the deadline.
func (c *Conn) arm(conn net.Conn, deadline time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn != nil {
		c.conn = conn
	}
	if c.aborted {
		return os.ErrDeadlineExceeded
	}
	return c.conn.SetDeadline(deadline)
}

// failed is a request without an answer, by kind of failure.
type failed struct {
	kind string
	err  error
}

func (f *failed) Error() string { return f.kind + ": " + f.err.Error() }
func (f *failed) Unwrap() error { return f.err }

// Post sends one body and reads the answer, within timeout and ctx. A connection that the server closed while idle is opened again once.
func (c *Conn) Post(ctx context.Context, body []byte, timeout time.Duration) (*Answer, error) {
	c.out = append(c.out[:0], "POST "...)
	c.out = append(append(c.out, c.target.Path...), " HTTP/1.1\r\nHost: "...)
	c.out = append(append(c.out, c.target.Host...), "\r\nContent-Type: application/json\r\nAccept: application/json\r\n"...)
	c.out = append(append(c.out, c.Headers...), "Content-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), body...)
	return c.exchange(ctx, timeout)
}

func (c *Conn) exchange(ctx context.Context, timeout time.Duration) (*Answer, error) {
	reused := c.conn != nil
	sent := time.Now()
	deadline := sent.Add(timeout)
	a, err := c.once(ctx, sent, deadline)
	if err != nil && reused && ctx.Err() == nil && !errors.Is(err, os.ErrDeadlineExceeded) && c.answer.Status == 0 {
		a, err = c.once(ctx, sent, deadline)
	}
	return a, err
}

func (c *Conn) once(ctx context.Context, sent, deadline time.Time) (*Answer, error) {
	c.answer = Answer{Sent: sent}
	var opened net.Conn
	if c.conn == nil {
		c.dialer.Deadline = deadline
		conn, err := c.dialer.DialContext(ctx, c.target.Network, c.target.Address)
		if err != nil {
			return nil, &failed{FailConnect, err}
		}
		opened = conn
		if c.in == nil {
			c.in = bufio.NewReaderSize(nil, 16<<10)
		}
		c.in.Reset(conn)
	}
	if err := c.roundTrip(opened, deadline); err != nil {
		c.Close()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, &failed{FailTimeout, err}
		}
		return nil, &failed{FailIO, err}
	}
	c.answer.Done = time.Now()
	c.answer.Status = c.res.StatusCode()
	c.answer.CacheStatus = string(c.res.Header.Peek("Cache-Status"))
	c.answer.WeirError = string(c.res.Header.Peek("Weir-Error"))
	c.answer.WeirCost = string(c.res.Header.Peek("Weir-Cost"))
	c.answer.Body = c.res.Body()
	if c.res.ConnectionClose() {
		c.Close()
	}
	return &c.answer, nil
}

func (c *Conn) roundTrip(opened net.Conn, deadline time.Time) error {
	if err := c.arm(opened, deadline); err != nil {
		return err
	}
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	return c.res.Read(c.in)
}
