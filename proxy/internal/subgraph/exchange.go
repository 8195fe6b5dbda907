package subgraph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

const (
	firstRead = 4 << 10
	maxHead   = 32 << 10
	// KeptAnswer is up to how many bytes a Call keeps of its memory.
	KeptAnswer = 256 << 10
)

var (
	errFraming = errors.New("the answer is not HTTP/1.1")
	errSize    = errors.New("the answer is larger than the limit")
	errBusy    = errors.New("too many calls are under way")
)

// exchange is a request and its answer, of one call or of several that share it.
type exchange struct {
	client   *Client
	conn     *conn
	ctx      context.Context
	deadline time.Time
	once     bool // never sent twice
	reused   bool
	failed   error // of the first attempt, which receive makes again
	rules    *breaker.Rules
	ticket   breaker.Ticket
	leash    *Leash
	request  []byte
	in       []byte // received
	content  []byte // without chunks
	head     wire.ResponseHead
	chunks   wire.Chunks

	shared
}

// prepare writes the request.
func (x *exchange) prepare(ctx context.Context, c *Client, a *Ask, l *Leash) {
	x.client, x.conn, x.ctx, x.leash, x.deadline, x.once, x.reused = c, nil, ctx, l, a.Deadline, a.Once, false
	x.began = a.Now
	x.request = appendLength(append(x.request[:0], c.head...), len(a.Body))
	x.lines = len(x.request)
	x.request = append(append(x.request, a.Lines...), "\r\n"...)
	x.body = len(x.request)
	x.request = append(x.request, a.Body...)
}

// send may wait for a free place or a connection, up to the deadline. After an error there is nothing to receive.
func (x *exchange) send(a *Ask) error {
	if err := x.admit(a); err != nil {
		return err
	}
	if err := x.enter(); err != nil {
		x.tell(0, err)
		return err
	}
	x.client.begin(len(x.request) - x.body)
	if x.failed = x.write(a.Once); x.failed != nil && (a.Once || x.client.cfg.Retries.Max == 0) {
		x.leave()
		x.tell(0, x.failed)
		return x.failed
	}
	return nil
}

// finish reads the answer, and asks again where retries allow it.
func (x *exchange) finish() (content []byte, err error) {
	defer x.leave()
	if err = x.failed; err == nil {
		if now := time.Now(); !now.Before(x.deadline) {
			_ = x.conn.SetDeadline(now.Add(late))
		}
		content, err = x.receive()
		if err != nil && x.reused && len(x.in) == 0 && !x.once && !isTimeout(err) { // it was closed while it rested
			content, err = x.attempt()
		}
	}
	for n := 0; x.again(n, err); n++ {
		content, err = x.attempt()
	}
	if err != nil {
		x.head.Status = 0
	}
	x.client.counts.received.Add(uint64(len(content)))
	x.tell(x.head.Status, err)
	return content, err
}

func (x *exchange) enter() error {
	select {
	case x.client.calls <- struct{}{}:
		return nil
	default:
	}
	ctx, end := x.leash.bound(x.ctx, x.deadline)
	defer end()
	select {
	case x.client.calls <- struct{}{}:
		return nil
	case <-ctx.Done():
		return failure(codes.SubgraphTimeout, errBusy)
	}
}

func (x *exchange) leave() { <-x.client.calls }

// write sends the request, on a fresh connection when it must not be sent twice: a connection that rested may have been closed.
func (x *exchange) write(fresh bool) error {
	if !fresh {
		if x.conn = x.client.take(time.Now()); x.conn != nil {
			x.reused = true
			if err := x.put(); err == nil || x.leash.isLeft() {
				return err
			}
		}
	}
	x.reused = false
	ctx, end := x.leash.bound(x.ctx, x.deadline)
	defer end()
	var err error
	if x.conn, err = x.client.dial(ctx); err != nil {
		return err
	}
	return x.put()
}

// put writes to the connection, and drops one that cannot be written to.
func (x *exchange) put() error {
	_ = x.conn.SetDeadline(x.deadline)
	err := errLeft
	if x.leash.Hold(x.conn) {
		_, err = x.conn.Write(x.request)
	}
	if err != nil {
		x.drop()
		return failure(codes.SubgraphClosed, err)
	}
	return nil
}

func (x *exchange) drop() {
	x.leash.Let(x.conn)
	_ = x.conn.Close()
	x.conn = nil
}

// late is how long a call takes for an answer when the deadline has passed before it is received: what has come in time is there.
const late = 5 * time.Millisecond

// attempt sends the request over a fresh connection and reads its answer.
func (x *exchange) attempt() ([]byte, error) {
	if err := x.write(true); err != nil {
		return nil, err
	}
	return x.receive()
}

func isTimeout(err error) bool { return codeOf(err) == codes.SubgraphTimeout }

func (x *exchange) receive() ([]byte, error) {
	if cap(x.in) > KeptAnswer || cap(x.in) == 0 {
		x.in = make([]byte, 0, firstRead)
	}
	if cap(x.content) > KeptAnswer {
		x.content = nil
	}
	x.in, x.content = x.in[:0], x.content[:0]
	content, err := x.read()
	if err != nil {
		x.drop()
		return nil, err
	}
	if x.head.Close {
		x.drop()
		return content, nil
	}
	x.leash.Let(x.conn)
	x.client.give(x.conn)
	x.conn = nil
	return content, nil
}

func (x *exchange) read() ([]byte, error) {
	start, err := x.readHead()
	if err != nil {
		return nil, err
	}
	limit := x.client.cfg.MaxAnswer
	if x.head.Framing == wire.Length && x.head.ContentLength > int64(limit) {
		return nil, failure(codes.SubgraphAnswer, errSize)
	}
	if coding := x.head.Header("content-encoding"); len(coding) > 0 && !bytes.EqualFold(coding, []byte("identity")) {
		return nil, failure(codes.SubgraphAnswer, fmt.Errorf("the answer has the content coding %q", coding))
	}
	switch x.head.Framing {
	case wire.Length:
		return x.readLength(start, int(x.head.ContentLength))
	case wire.Chunked:
		return x.readChunks(start)
	case wire.UntilClose:
		return x.readAll(start, limit)
	case wire.Tunnel:
		return nil, failure(codes.SubgraphAnswer, errFraming)
	}
	x.head.Close = x.head.Close || len(x.in) > start
	return nil, nil
}

// readHead reads up to the end of the final head.
func (x *exchange) readHead() (start int, err error) {
	for {
		switch x.head.Parse(x.in[start:], maxHead, wire.MethodPost) {
		case wire.OK:
			start += x.head.Size
			if !x.head.Interim {
				return start, nil
			}
			if start > maxHead {
				return 0, failure(codes.SubgraphAnswer, errFraming)
			}
		case wire.Incomplete:
			if err := x.more(); err != nil {
				return 0, failure(codes.SubgraphClosed, unexpected(err))
			}
		default:
			return 0, failure(codes.SubgraphAnswer, errFraming)
		}
	}
}

// more reads once.
func (x *exchange) more() error {
	if len(x.in) == cap(x.in) {
		x.in = append(x.in, 0)[:len(x.in)]
	}
	n, err := x.conn.Read(x.in[len(x.in):cap(x.in)])
	x.in = x.in[:len(x.in)+n]
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (x *exchange) readLength(start, n int) ([]byte, error) {
	if need := start + n; cap(x.in) < need {
		x.in = append(make([]byte, 0, need), x.in...)
	}
	for len(x.in) < start+n {
		if err := x.more(); err != nil {
			return nil, failure(codes.SubgraphClosed, unexpected(err))
		}
	}
	x.head.Close = x.head.Close || len(x.in) > start+n // nothing was asked for that
	return x.in[start : start+n], nil
}

func (x *exchange) readChunks(start int) ([]byte, error) {
	x.chunks.Reset()
	for {
		content, n, done, err := x.chunks.Decode(x.content, x.in[start:])
		x.content = content
		switch start += n; {
		case err != nil:
			return nil, failure(codes.SubgraphAnswer, err)
		case len(x.content) > x.client.cfg.MaxAnswer:
			return nil, failure(codes.SubgraphAnswer, errSize)
		case done:
			x.head.Close = x.head.Close || len(x.in) > start
			return x.content, nil
		}
		x.in, start = x.in[:0], 0
		if err := x.more(); err != nil {
			return nil, failure(codes.SubgraphClosed, unexpected(err))
		}
	}
}

func (x *exchange) readAll(start, limit int) ([]byte, error) {
	for {
		if len(x.in)-start > limit {
			return nil, failure(codes.SubgraphAnswer, errSize)
		}
		if err := x.more(); errors.Is(err, io.EOF) {
			return x.in[start:], nil
		} else if err != nil {
			return nil, failure(codes.SubgraphClosed, err)
		}
	}
}
