package serve

import (
	"context"
	"time"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Stages are the stages of one request; *line.Line is the one implementation outside of tests. Each call stands behind a guard: a panic
// costs its request the insight of that stage and nothing else.
type Stages interface {
	Begin(x *line.Exchange, h *wire.RequestHead, now int64) (line.Class, line.Reason)
	Blind(x *line.Exchange, reason line.Reason)
	Decide(ctx context.Context, x *line.Exchange, h *wire.RequestHead, body []byte, now int64) (line.Action, line.Reason)
	AppendAnswer(dst []byte, x *line.Exchange, h *wire.RequestHead, w *answer.Writer, k answer.Connection, now int64) (head, body []byte)
	Stream(ctx context.Context, x *line.Exchange, out line.Out)
	AppendRefusal(dst []byte, x *line.Exchange, h *wire.RequestHead, w *answer.Writer, k answer.Connection, now int64) []byte
	AppendLines(dst []byte, x *line.Exchange) []byte
	Watch(x *line.Exchange, r *wire.ResponseHead) line.Watch
	Unread(ctx context.Context, x *line.Exchange, now int64)
	Finish(ctx context.Context, x *line.Exchange, r *wire.ResponseHead, content []byte, now int64)
	Gone(ctx context.Context, x *line.Exchange, now int64)
	Fallback(x *line.Exchange, now int64) bool
	FallbackOnErrors(x *line.Exchange, r *wire.ResponseHead, content []byte, now int64) bool
	AbandonFill(x *line.Exchange)
	Detach(x *line.Exchange) *line.Exchange
	Emit(x *line.Exchange, now int64)
	Copy(x *line.Exchange, h *wire.RequestHead, now int64) *line.Copy
	Inject(dst []byte, x *line.Exchange, h *wire.RequestHead, received, body []byte) []byte
	FinishInjected(ctx context.Context, x *line.Exchange, r *wire.ResponseHead, content []byte, now int64) bool
	InjectFailed()
	Tunnel(r *wire.ResponseHead) *line.Tunnel
	Socket(x *line.Exchange, h *wire.RequestHead) *line.Socket
}

// goneLimit bounds how long the invalidation for a lost mutation may take.
const goneLimit = time.Second

// guard is deferred around a stage.
func (s *Server) guard(stage string, failed *bool) {
	if e := recover(); e != nil {
		s.panicked(stage, e)
		*failed = true
	}
}

func (c *conn) classify(x *line.Exchange, now int64) (class line.Class) {
	failed := false
	class, _ = c.begin(x, now, &failed)
	if failed {
		c.blind(x)
		class = line.Other
	}
	return class
}

func (c *conn) begin(x *line.Exchange, now int64, failed *bool) (line.Class, line.Reason) {
	defer c.s.guard("classify", failed)
	class, reason := c.s.line.Begin(x, &c.head, now)
	x.Peer = c.peer
	x.Leash = &c.leash
	if x.Policy.Breaker.Mode != policy.Off {
		x.Breaker = c.breaker
	}
	return class, reason
}

// blind makes the exchange of a request whose stage panicked one that is relayed unread.
func (c *conn) blind(x *line.Exchange) {
	failed := false
	defer c.s.guard("blind", &failed)
	x.GraphQL, x.Refusal, x.Breaker = false, line.Refusal{}, nil
	c.s.line.Blind(x, line.ReasonPanic)
}

func (c *conn) decide(x *line.Exchange, content []byte, now int64) line.Action {
	failed := false
	action := c.tryDecide(x, content, now, &failed)
	if failed {
		c.blind(x)
		return line.Relay
	}
	return action
}

func (c *conn) tryDecide(x *line.Exchange, content []byte, now int64, failed *bool) (action line.Action) {
	defer c.s.guard("decide", failed)
	action, _ = c.s.line.Decide(c.s.ctx, x, &c.head, content, now)
	return action
}

// appendAnswer writes the answer's head to c.out and returns the body.
func (c *conn) appendAnswer(x *line.Exchange, k answer.Connection, now int64) (body []byte, failed bool) {
	defer c.s.guard("answer", &failed)
	c.out, body = c.s.line.AppendAnswer(c.out[:0], x, &c.head, &c.writer, k, now)
	return body, false
}

// appendStale is the same for the response pump.
func (c *conn) appendStale(u *upstream, t *turn, k answer.Connection) (body []byte, failed bool) {
	defer c.s.guard("stale answer", &failed)
	u.out, body = c.s.line.AppendAnswer(u.out[:0], t.x, nil, &u.writer, k, time.Now().UnixNano())
	return body, false
}

// appendRefusal writes the refusal to c.out; one that cannot be put into words is a refusal all the same.
func (c *conn) appendRefusal(x *line.Exchange, k answer.Connection) {
	failed := false
	c.tryRefusal(x, k, &failed)
	if failed {
		f := failure(codes.Panic)
		f.Connection, f.Head = k, c.head.Method == wire.MethodHead
		c.out = c.writer.AppendFailure(c.out[:0], &f, time.Now().UnixNano())
	}
}

func (c *conn) tryRefusal(x *line.Exchange, k answer.Connection, failed *bool) {
	defer c.s.guard("refusal", failed)
	c.out = c.s.line.AppendRefusal(c.out[:0], x, &c.head, &c.writer, k, time.Now().UnixNano())
}

// appendLines returns the head in dst with the lines of ours, nil when that failed: dst may be changed then.
func (c *conn) appendLines(dst []byte, x *line.Exchange) []byte {
	failed := false
	if out := c.tryLines(dst, x, &failed); !failed {
		return out
	}
	return nil
}

func (c *conn) tryLines(dst []byte, x *line.Exchange, failed *bool) []byte {
	defer c.s.guard("lines", failed)
	return c.s.line.AppendLines(dst, x)
}

func (c *conn) watchAnswer(u *upstream, t *turn) (w line.Watch) {
	failed := false
	defer c.s.guard("watch", &failed)
	w = c.s.line.Watch(t.x, &u.head)
	if !w.Hold && !w.Unread && c.s.pressure.Load() >= pressureLean {
		w = line.Watch{}
	}
	return w
}

func (c *conn) unread(x *line.Exchange) {
	failed := false
	defer c.s.guard("unread", &failed)
	c.s.line.Unread(c.s.ctx, x, time.Now().UnixNano())
}

func (c *conn) finishAnswer(u *upstream, t *turn, content []byte, now int64) {
	if u.relay.finished {
		return
	}
	u.relay.finished = true
	failed := false
	c.tryFinish(u, t, content, now, &failed)
	if failed {
		c.abandon(t.x)
	}
}

func (c *conn) tryFinish(u *upstream, t *turn, content []byte, now int64, failed *bool) {
	defer c.s.guard("finish", failed)
	c.s.line.Finish(c.s.ctx, t.x, &u.head, content, now)
}

func (c *conn) abandon(x *line.Exchange) {
	failed := false
	defer c.s.guard("abandon", &failed)
	c.s.line.AbandonFill(x)
}

// giveUp settles a request whose answer does not come whole. It may be called more than once.
func (c *conn) giveUp(x *line.Exchange) {
	failed := false
	defer c.s.guard("gone", &failed)
	ctx, cancel := context.WithTimeout(context.Background(), goneLimit)
	defer cancel()
	c.s.line.Gone(ctx, x, time.Now().UnixNano())
}

func (c *conn) fallback(x *line.Exchange, now int64) (ok bool) {
	failed := false
	defer c.s.guard("fallback", &failed)
	if !c.s.line.Fallback(x, now) {
		return false
	}
	if x.Unasked {
		c.s.stats.staleUnasked.Add(1)
	} else {
		c.s.stats.staleOnError.Add(1)
	}
	return true
}

// erred reports whether a stale entry takes the place of an answer with errors, of which nothing was sent.
func (c *conn) erred(u *upstream, t *turn, now int64) (ok bool) {
	a := &u.relay
	if !a.watch.Whole || !a.holding || t.begun {
		return false
	}
	failed := false
	defer c.s.guard("fallback", &failed)
	if !c.s.line.FallbackOnErrors(t.x, &u.head, a.captured(), now) {
		return false
	}
	c.s.stats.staleOnError.Add(1)
	return true
}

// emit sends the events of a request that has ended now.
func (c *conn) emit(x *line.Exchange) { c.emitAt(x, time.Now().UnixNano()) }

func (c *conn) emitAt(x *line.Exchange, now int64) {
	failed := false
	defer c.s.guard("emit", &failed)
	c.s.line.Emit(x, now)
}

func (s *Server) detach(x *line.Exchange) (y *line.Exchange) {
	failed := false
	defer s.guard("detach", &failed)
	return s.line.Detach(x)
}

// copyOf returns what copies the body of a request that is relayed unread, nil when nothing does.
func (c *conn) copyOf(x *line.Exchange) (copied *line.Copy) {
	failed := false
	defer c.s.guard("copy", &failed)
	return c.s.line.Copy(x, &c.head, x.Forwarded)
}

// show shows the copy what goes to the upstream.
func (c *conn) show(b []byte) {
	failed := true
	defer func() {
		if failed {
			c.copied.Close()
			c.copied = nil
		}
	}()
	defer c.s.guard("copy", &failed)
	c.copied.Write(b)
	failed = false
}

// endCopy ends a copy whose request did not pass in whole.
func (c *conn) endCopy() {
	if c.copied != nil {
		c.copied.Close()
		c.copied = nil
	}
}
