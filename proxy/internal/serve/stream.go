package serve

import (
	"context"
	"time"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/line"
)

// parts is where the body of a streamed answer goes.
type parts struct {
	c    *conn
	raw  bool // HTTP/1.0: the body ends with the connection
	out  []byte
	sent int64 // bytes
}

// Part implements line.Out.
func (p *parts) Part(b []byte) error {
	if !p.raw {
		p.out = answer.AppendPart(p.out[:0], b)
		b = p.out
	}
	return p.write(b)
}

// Ending implements line.Out.
func (p *parts) Ending() <-chan struct{} { return p.c.s.end }

func (p *parts) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	err := p.c.writeNow(b, nil)
	if err == nil {
		p.sent += int64(len(b))
	}
	return err
}

// leaving is a context as something that a leash holds.
type leaving struct{ end context.CancelFunc }

// SetDeadline implements subgraph.Interruptible.
func (l *leaving) SetDeadline(time.Time) error {
	l.end()
	return nil
}

// streamed writes an answer that comes in parts. The request pump does it, so that the client's next request waits, as it would for any other answer; who
// looks whether the client has left meanwhile is the sweep.
func (c *conn) streamed(x *line.Exchange, g gathered, now int64) bool {
	k, size := c.connection(), c.head.Size+g.size
	p := &parts{c: c, raw: k.Minor == 0}
	k.Close = k.Close || p.raw
	c.await((*turns).busy) // nothing else writes from here on
	c.borrow()
	_, failed := c.appendAnswer(x, k, now)
	if failed {
		c.giveBack()
		return c.decline(x, g, line.Refusal{Code: codes.Panic})
	}
	err := p.write(c.out)
	c.giveBack()
	c.s.stats.relayed.Add(1)
	whole := err == nil && c.tryStream(x, p)
	if whole && !p.raw {
		whole = p.write([]byte(answer.EndOfParts)) == nil
	}
	x.BytesOut = p.sent
	c.emit(x)
	c.answered(x)
	if !whole { // the client shall see that it is not
		c.reset()
		return false
	}
	c.in.discard(size)
	if k.Close = k.Close || c.s.draining.Load(); k.Close {
		c.lingerOn()
	}
	return !k.Close
}

// tryStream reports whether the body came to its end.
func (c *conn) tryStream(x *line.Exchange, p *parts) (ok bool) {
	failed := true
	defer func() { ok = !failed && !c.gone.Load() }()
	defer c.s.guard("stream", &failed)
	ctx, end := context.WithCancel(c.s.ctx)
	defer end()
	l := &leaving{end}
	if !c.leash.Hold(l) {
		return false
	}
	defer c.leash.Let(l)
	c.s.line.Stream(ctx, x, p)
	failed = false
	return true
}
