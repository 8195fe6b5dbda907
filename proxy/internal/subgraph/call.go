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

// Ask is what a Call sends and how.
type Ask struct {
	Body     []byte
	Lines    []byte    // of the head, beside those that every request has, each with its CRLF
	Now      time.Time // when it is sent
	Deadline time.Time
	Once     bool // never sent twice: a mutation
	// Rules are those of the client's breaker; nil: it is not asked. Refuse: nothing is sent while it is open.
	Rules  *breaker.Rules
	Refuse bool
	Leash  *Leash // nil: the call goes on whether its client is there or not
}

// Call is one request and its answer. The zero value is ready.
type Call struct {
	client   *Client
	conn     *conn
	ctx      context.Context
	deadline time.Time
	once     bool // never sent twice
	reused   bool
	failed   error // of the first attempt, which Receive makes again
	rules    *breaker.Rules
	ticket   breaker.Ticket
	leash    *Leash
	request  []byte
	in       []byte // received
	content  []byte // without chunks
	head     wire.ResponseHead
	chunks   wire.Chunks
}

// Send writes a request. It may wait for a free place or a connection, up to the deadline. After an error there is nothing to receive.
func (k *Call) Send(ctx context.Context, c *Client, a Ask) error {
	k.client, k.conn, k.ctx, k.leash, k.deadline, k.once, k.reused = c, nil, ctx, a.Leash, a.Deadline, a.Once, false
	if err := k.admit(&a); err != nil {
		return err
	}
	if err := k.enter(); err != nil {
		k.tell(0, err)
		return err
	}
	c.begin()
	k.request = appendLength(append(k.request[:0], c.head...), len(a.Body))
	k.request = append(append(append(k.request, a.Lines...), "\r\n"...), a.Body...)
	if k.failed = k.write(a.Once); k.failed != nil && (a.Once || c.cfg.Retries.Max == 0) {
		k.leave()
		k.tell(0, k.failed)
		return k.failed
	}
	return nil
}

func (k *Call) enter() error {
	select {
	case k.client.calls <- struct{}{}:
		return nil
	default:
	}
	ctx, end := k.leash.bound(k.ctx, k.deadline)
	defer end()
	select {
	case k.client.calls <- struct{}{}:
		return nil
	case <-ctx.Done():
		return failure(codes.SubgraphTimeout, errBusy)
	}
}

func (k *Call) leave() { <-k.client.calls }

// write sends the request, on a fresh connection when it must not be sent twice: a connection that rested may have been closed.
func (k *Call) write(fresh bool) error {
	if !fresh {
		if k.conn = k.client.take(time.Now()); k.conn != nil {
			k.reused = true
			if err := k.put(); err == nil || k.leash.isLeft() {
				return err
			}
		}
	}
	k.reused = false
	ctx, end := k.leash.bound(k.ctx, k.deadline)
	defer end()
	var err error
	if k.conn, err = k.client.dial(ctx); err != nil {
		return err
	}
	return k.put()
}

// put writes to the connection, and drops one that cannot be written to.
func (k *Call) put() error {
	_ = k.conn.SetDeadline(k.deadline)
	err := errLeft
	if k.leash.hold(k.conn) {
		_, err = k.conn.Write(k.request)
	}
	if err != nil {
		k.drop()
		return failure(codes.SubgraphClosed, err)
	}
	return nil
}

func (k *Call) drop() {
	k.leash.let(k.conn)
	_ = k.conn.Close()
	k.conn = nil
}

// late is how long Receive takes for an answer when the deadline has passed before it is called: what has come in time is there.
const late = 5 * time.Millisecond

// Head is that of the answer, valid until the next Send.
func (k *Call) Head() *wire.ResponseHead { return &k.head }

// Receive reads the answer, and asks again where retries allow it. The content is valid until the next Send.
func (k *Call) Receive() (status int, content []byte, err error) {
	defer k.leave()
	if err = k.failed; err == nil {
		if now := time.Now(); !now.Before(k.deadline) {
			_ = k.conn.SetDeadline(now.Add(late))
		}
		content, err = k.receive()
		if err != nil && k.reused && len(k.in) == 0 && !k.once && !isTimeout(err) { // it was closed while it rested
			content, err = k.attempt()
		}
	}
	for n := 0; k.again(n, err); n++ {
		content, err = k.attempt()
	}
	if err != nil {
		k.head.Status = 0
	}
	k.tell(k.head.Status, err)
	return k.head.Status, content, err
}

// attempt sends the request over a fresh connection and reads its answer.
func (k *Call) attempt() ([]byte, error) {
	if err := k.write(true); err != nil {
		return nil, err
	}
	return k.receive()
}

func isTimeout(err error) bool { return codeOf(err) == codes.SubgraphTimeout }

func (k *Call) receive() ([]byte, error) {
	if cap(k.in) > KeptAnswer || cap(k.in) == 0 {
		k.in = make([]byte, 0, firstRead)
	}
	if cap(k.content) > KeptAnswer {
		k.content = nil
	}
	k.in, k.content = k.in[:0], k.content[:0]
	content, err := k.read()
	if err != nil {
		k.drop()
		return nil, err
	}
	if k.head.Close {
		k.drop()
		return content, nil
	}
	k.leash.let(k.conn)
	k.client.give(k.conn)
	k.conn = nil
	return content, nil
}

func (k *Call) read() ([]byte, error) {
	start, err := k.readHead()
	if err != nil {
		return nil, err
	}
	limit := k.client.cfg.MaxAnswer
	if k.head.Framing == wire.Length && k.head.ContentLength > int64(limit) {
		return nil, failure(codes.SubgraphAnswer, errSize)
	}
	if coding := k.head.Header("content-encoding"); len(coding) > 0 && !bytes.EqualFold(coding, []byte("identity")) {
		return nil, failure(codes.SubgraphAnswer, fmt.Errorf("the answer has the content coding %q", coding))
	}
	switch k.head.Framing {
	case wire.Length:
		return k.readLength(start, int(k.head.ContentLength))
	case wire.Chunked:
		return k.readChunks(start)
	case wire.UntilClose:
		return k.readAll(start, limit)
	case wire.Tunnel:
		return nil, failure(codes.SubgraphAnswer, errFraming)
	}
	k.head.Close = k.head.Close || len(k.in) > start
	return nil, nil
}

// readHead reads up to the end of the final head.
func (k *Call) readHead() (start int, err error) {
	for {
		switch k.head.Parse(k.in[start:], maxHead, wire.MethodPost) {
		case wire.OK:
			start += k.head.Size
			if !k.head.Interim {
				return start, nil
			}
			if start > maxHead {
				return 0, failure(codes.SubgraphAnswer, errFraming)
			}
		case wire.Incomplete:
			if err := k.more(); err != nil {
				return 0, failure(codes.SubgraphClosed, unexpected(err))
			}
		default:
			return 0, failure(codes.SubgraphAnswer, errFraming)
		}
	}
}

// more reads once.
func (k *Call) more() error {
	if len(k.in) == cap(k.in) {
		k.in = append(k.in, 0)[:len(k.in)]
	}
	n, err := k.conn.Read(k.in[len(k.in):cap(k.in)])
	k.in = k.in[:len(k.in)+n]
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

func (k *Call) readLength(start, n int) ([]byte, error) {
	if need := start + n; cap(k.in) < need {
		k.in = append(make([]byte, 0, need), k.in...)
	}
	for len(k.in) < start+n {
		if err := k.more(); err != nil {
			return nil, failure(codes.SubgraphClosed, unexpected(err))
		}
	}
	k.head.Close = k.head.Close || len(k.in) > start+n // nothing was asked for that
	return k.in[start : start+n], nil
}

func (k *Call) readChunks(start int) ([]byte, error) {
	k.chunks.Reset()
	for {
		content, n, done, err := k.chunks.Decode(k.content, k.in[start:])
		k.content = content
		switch start += n; {
		case err != nil:
			return nil, failure(codes.SubgraphAnswer, err)
		case len(k.content) > k.client.cfg.MaxAnswer:
			return nil, failure(codes.SubgraphAnswer, errSize)
		case done:
			k.head.Close = k.head.Close || len(k.in) > start
			return k.content, nil
		}
		k.in, start = k.in[:0], 0
		if err := k.more(); err != nil {
			return nil, failure(codes.SubgraphClosed, unexpected(err))
		}
	}
}

func (k *Call) readAll(start, limit int) ([]byte, error) {
	for {
		if len(k.in)-start > limit {
			return nil, failure(codes.SubgraphAnswer, errSize)
		}
		if err := k.more(); errors.Is(err, io.EOF) {
			return k.in[start:], nil
		} else if err != nil {
			return nil, failure(codes.SubgraphClosed, err)
		}
	}
}
