package serve

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// refresh is a request to send again in the background, to renew an entry that has just been served.
type refresh struct {
	x           *line.Exchange // owned
	method      wire.Method
	destination string
	message     []byte
	injected    bool // the message asks for keys that the answer must not have
}

// refreshLimit bounds one background fetch.
const refreshLimit = 30 * time.Second

// startRefresh hands the exchange, which leads fills, and a copy of its request to the background. It is dropped when too many wait.
func (c *conn) startRefresh(x *line.Exchange, size int) {
	if x.Breaker.Blocks(time.Now().UnixNano()) {
		c.s.stats.refreshesHeld.Add(1)
		c.abandon(x)
		return
	}
	message := c.injected(x, gathered{state: whole, content: c.in.bytes()[c.head.Size:size]})
	injected := message != nil
	if !injected {
		message = append([]byte(nil), c.in.bytes()[:size]...)
		if c.head.Method == wire.MethodGet {
			message = conditional(message, c.head.Size, x.Validator())
		}
	}
	detached := c.s.detach(x)
	if detached == nil {
		c.abandon(x)
		return
	}
	r := &refresh{x: detached, method: c.head.Method, destination: c.destination, message: message, injected: injected}
	select {
	case c.s.refreshes <- r:
	default:
		c.s.stats.refreshesDropped.Add(1)
		c.s.line.AbandonFill(r.x)
	}
}

// refresher sends requests one after the other.
func (s *Server) refresher() {
	u := &upstream{b: make([]byte, relayInput)}
	for {
		select {
		case r := <-s.refreshes:
			s.stats.refreshes.Add(1)
			if err := s.refresh(u, r); err != nil {
				s.stats.refreshesFailed.Add(1)
			}
		case <-s.ctx.Done():
			for {
				select {
				case r := <-s.refreshes:
					s.line.AbandonFill(r.x)
				default:
					return
				}
			}
		}
	}
}

func (s *Server) refresh(u *upstream, r *refresh) (err error) {
	defer func() {
		if e := recover(); e != nil {
			s.panicked("refresh", e)
			err = errors.New("panic")
		}
		s.line.AbandonFill(r.x)
	}()
	ctx, cancel := context.WithTimeout(s.ctx, refreshLimit)
	defer cancel()
	now := time.Now().UnixNano()
	ticket, may := r.x.Breaker.Admit(now, &r.x.Policy.Breaker.Rules)
	if !may {
		s.stats.refreshesHeld.Add(1)
		return nil
	}
	r.x.Forwarded, r.x.Fetches = now, 1
	content, err := s.ask(ctx, u, r)
	s.toldOf(&ticket, u, r, err)
	if err != nil {
		if u.used && errors.Is(err, errNoContent) { // nor will the next one be
			s.line.Finish(ctx, r.x, &u.head, nil, time.Now().UnixNano())
		}
		return err
	}
	r.x.BytesIn, r.x.BytesOut = int64(len(r.message)), u.relay.total
	if r.injected {
		s.line.FinishInjected(ctx, r.x, &u.head, content, time.Now().UnixNano())
	} else {
		s.line.Finish(ctx, r.x, &u.head, content, time.Now().UnixNano())
	}
	s.line.Emit(r.x, time.Now().UnixNano())
	if u.head.Status >= http.StatusInternalServerError {
		return errUpstream
	}
	return nil
}

// ask sends a request over a connection that no client uses and returns the content of the answer. One that rested may have ended just now: then
// the request, a query, is sent once more.
func (s *Server) ask(ctx context.Context, u *upstream, r *refresh) ([]byte, error) {
	if conn := s.spares.take(r.destination, time.Now()); conn != nil {
		content, err := s.askOver(ctx, conn, u, r)
		if err == nil || u.w > 0 || u.used || ctx.Err() != nil {
			return content, err
		}
	}
	u.used = false
	conn, err := s.cfg.Dial(ctx, r.destination)
	if err != nil {
		return nil, err
	}
	return s.askOver(ctx, conn, u, r)
}

// askOver owns conn. After an error, u.w tells whether anything of an answer came.
func (s *Server) askOver(ctx context.Context, conn net.Conn, u *upstream, r *refresh) ([]byte, error) {
	u.conn, u.used, u.r, u.w = conn, false, 0, 0
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	_, err := conn.Write(r.message)
	var content []byte
	if err == nil {
		content, err = u.fetch(s, r)
	}
	if stop() && err == nil && u.rests() {
		s.spares.give(r.destination, conn, time.Now())
	} else {
		conn.Close()
	}
	return content, err
}

// rests reports whether the connection, whose answer was read, can carry another one. A refusal may be of the connection.
func (u *upstream) rests() bool {
	return !u.head.Close && u.r == u.w && u.head.Status < http.StatusBadRequest
}

var (
	errNoContent = errors.New("the answer cannot be kept")
	errUpstream  = errors.New("the upstream failed")
)

// fetch reads one answer to its end.
func (u *upstream) fetch(s *Server, r *refresh) ([]byte, error) {
	for {
		if err := u.read(0); err != nil {
			return nil, err
		}
		v := u.head.Parse(u.bytes(), s.cfg.MaxHead, r.method)
		if v == wire.Incomplete {
			continue
		}
		if v != wire.OK || u.head.Framing == wire.Tunnel {
			return nil, errNoContent
		}
		if !u.head.Interim {
			break
		}
		u.w = copy(u.b, u.b[u.r+u.head.Size:u.w])
		u.r = 0
		if u.w > 0 {
			return nil, errNoContent // an interim answer and more in one read: leave it to the next request
		}
	}
	u.used = true
	a := &u.relay
	*a = relaying{content: a.content[:0], headEnd: u.head.Size, watch: s.line.Watch(r.x, &u.head)}
	u.r = a.headEnd
	u.chunks.Reset()
	rest := u.head.ContentLength
	for {
		n, done, err := u.take(&rest)
		if err != nil {
			return nil, err
		}
		u.r += n
		a.total += int64(n)
		if len(a.content) > a.watch.Capture {
			return nil, errNoContent
		}
		if done {
			return a.captured(), nil
		}
		if err := u.read(a.headEnd); err != nil {
			if errors.Is(err, io.EOF) && u.head.Framing == wire.UntilClose {
				return a.captured(), nil
			}
			return nil, err
		}
	}
}
