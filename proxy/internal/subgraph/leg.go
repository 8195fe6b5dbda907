package subgraph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

const (
	firstRead = 4 << 10
	maxHead   = 32 << 10
)

var (
	errFraming = errors.New("the answer is not HTTP/1.1")
	errSize    = errors.New("the answer is larger than the limit")
)

// leg is one way of a request and its answer: over one connection at a time.
type leg struct {
	client   *Client
	conn     *conn
	ctx      context.Context
	deadline time.Time
	leash    *Leash
	reused   bool // the connection had rested
	request  []byte
	in       []byte // received
	content  []byte // without chunks
	head     wire.ResponseHead
	chunks   wire.Chunks
}

// write sends the request, on a fresh connection when it must not be sent twice: a connection that rested may have been closed.
func (l *leg) write(fresh bool) error {
	if !fresh {
		if l.conn = l.client.take(time.Now()); l.conn != nil {
			l.reused = true
			if err := l.put(); err == nil || l.leash.isLeft() {
				return err
			}
		}
	}
	l.reused = false
	ctx, end := l.leash.bound(l.ctx, l.deadline)
	defer end()
	var err error
	if l.conn, err = l.client.dial(ctx, l.client.address); err != nil {
		return err
	}
	return l.put()
}

// put writes to the connection, and drops one that cannot be written to.
func (l *leg) put() error {
	_ = l.conn.SetDeadline(l.deadline)
	err := errLeft
	if l.leash.Hold(l.conn) {
		_, err = l.conn.Write(l.request)
	}
	if err != nil {
		l.drop()
		return failure(codes.SubgraphClosed, err)
	}
	return nil
}

func (l *leg) drop() {
	l.leash.Let(l.conn)
	_ = l.conn.Close()
	l.conn = nil
}

// closedAtRest tells whether an attempt failed because the connection had been closed before the request came: it was not seen.
func (l *leg) closedAtRest(err error) bool {
	return err != nil && l.reused && len(l.in) == 0 && !isTimeout(err)
}

// attempt sends the request over a fresh connection and reads its answer.
func (l *leg) attempt() ([]byte, error) {
	if err := l.write(true); err != nil {
		return nil, err
	}
	return l.receive()
}

func isTimeout(err error) bool { return codeOf(err) == codes.SubgraphTimeout }

// clear makes room for an answer.
func (l *leg) clear() {
	if cap(l.in) > KeptAnswer || cap(l.in) == 0 {
		l.in = make([]byte, 0, firstRead)
	}
	if cap(l.content) > KeptAnswer {
		l.content = nil
	}
	l.in, l.content = l.in[:0], l.content[:0]
}

// settle keeps the connection after an answer that was read in whole, and drops it after anything else.
func (l *leg) settle(err error) {
	if err != nil || l.head.Close {
		l.drop()
		return
	}
	l.leash.Let(l.conn)
	l.client.give(l.conn)
	l.conn = nil
}

func (l *leg) receive() ([]byte, error) {
	l.clear()
	content, err := l.read()
	l.settle(err)
	return content, err
}

func (l *leg) read() ([]byte, error) {
	start, err := l.readHead()
	if err != nil {
		return nil, err
	}
	limit := l.client.cfg.MaxAnswer
	if l.head.Framing == wire.Length && l.head.ContentLength > int64(limit) {
		return nil, failure(codes.SubgraphAnswer, errSize)
	}
	if coding := l.head.Header("content-encoding"); len(coding) > 0 && !bytes.EqualFold(coding, []byte("identity")) {
		return nil, failure(codes.SubgraphAnswer, fmt.Errorf("the answer has the content coding %q", coding))
	}
	switch l.head.Framing {
	case wire.Length:
		return l.readLength(start, int(l.head.ContentLength))
	case wire.Chunked:
		return l.readChunks(start)
	case wire.UntilClose:
		return l.readAll(start, limit)
	case wire.Tunnel:
		return nil, failure(codes.SubgraphAnswer, errFraming)
	}
	l.head.Close = l.head.Close || len(l.in) > start
	return nil, nil
}

// readHead reads up to the end of the final head.
func (l *leg) readHead() (start int, err error) {
	for {
		switch l.head.Parse(l.in[start:], maxHead, wire.MethodPost) {
		case wire.OK:
			start += l.head.Size
			if !l.head.Interim {
				return start, nil
			}
			if start > maxHead {
				return 0, failure(codes.SubgraphAnswer, errFraming)
			}
		case wire.Incomplete:
			if err := l.more(); err != nil {
				return 0, failure(codes.SubgraphClosed, unexpected(err))
			}
		default:
			return 0, failure(codes.SubgraphAnswer, errFraming)
		}
	}
}

// more reads once.
func (l *leg) more() error {
	if len(l.in) == cap(l.in) {
		l.in = append(l.in, 0)[:len(l.in)]
	}
	n, err := l.conn.Read(l.in[len(l.in):cap(l.in)])
	l.in = l.in[:len(l.in)+n]
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

func (l *leg) readLength(start, n int) ([]byte, error) {
	if need := start + n; cap(l.in) < need {
		l.in = append(make([]byte, 0, need), l.in...)
	}
	for len(l.in) < start+n {
		if err := l.more(); err != nil {
			return nil, failure(codes.SubgraphClosed, unexpected(err))
		}
	}
	l.head.Close = l.head.Close || len(l.in) > start+n // nothing was asked for that
	return l.in[start : start+n], nil
}

func (l *leg) readChunks(start int) ([]byte, error) {
	l.chunks.Reset()
	for {
		content, n, done, err := l.chunks.Decode(l.content, l.in[start:])
		l.content = content
		switch start += n; {
		case err != nil:
			return nil, failure(codes.SubgraphAnswer, err)
		case len(l.content) > l.client.cfg.MaxAnswer:
			return nil, failure(codes.SubgraphAnswer, errSize)
		case done:
			l.head.Close = l.head.Close || len(l.in) > start
			return l.content, nil
		}
		l.in, start = l.in[:0], 0
		if err := l.more(); err != nil {
			return nil, failure(codes.SubgraphClosed, unexpected(err))
		}
	}
}

func (l *leg) readAll(start, limit int) ([]byte, error) {
	for {
		if len(l.in)-start > limit {
			return nil, failure(codes.SubgraphAnswer, errSize)
		}
		if err := l.more(); errors.Is(err, io.EOF) {
			return l.in[start:], nil
		} else if err != nil {
			return nil, failure(codes.SubgraphClosed, err)
		}
	}
}
