package serve

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/socket"
)

// webSocket makes the connection a WebSocket of ours, up to its end, unless code says why not. It always returns false.
func (c *conn) webSocket(x *line.Exchange, g gathered, code codes.Code) bool {
	if code != codes.None {
		c.decline(x, g, line.Refusal{Code: code})
		return false
	}
	c.await((*turns).busy) // nothing else writes from here on
	ops := &operator{s: c.s, socket: c.s.line.Socket(x, &c.head)}
	cfg := socketConfig(x.Policy)
	size := c.head.Size
	h := &handshake{c: c, header: http.Header{}, left: c.in.bytes()[size:]}
	ws, err := websocket.Accept(h, h.request(), &websocket.AcceptOptions{
		Subprotocols: []string{socket.Protocol}, InsecureSkipVerify: true, // line.Upgrades has looked at the origin
	})
	switch {
	case err != nil && h.switched: // the client is gone
		c.answered(x)
		return false
	case err != nil:
		c.decline(x, g, line.Refusal{Code: codes.SocketHandshake})
		return false
	}
	c.answered(x) // operations have exchanges of their own
	c.in.discard(c.in.size())
	socket.Serve(c.s.ctx, ws, &cfg, ops, c.s.end, &c.s.stats.sockets)
	return false
}

func socketConfig(p *policy.Policy) socket.Config {
	c := socket.Config{
		Init: p.Sockets.Init, Write: p.Deadlines.Write, Beat: p.Subscriptions.Beat, Operations: p.Sockets.Operations, MaxMessage: int64(p.MaxBody),
		Surplus: line.SurplusErrors(),
	}
	if c.Write <= 0 { // no bound
		c.Write = 24 * time.Hour
	}
	return c
}

// operator carries out the operations of one socket.
type operator struct {
	s      *Server
	socket *line.Socket
}

// Begin implements socket.Operator.
func (o *operator) Begin(payload []byte) {
	failed := false
	defer o.s.guard("connection_init", &failed)
	o.socket.Begin(payload)
}

// Operate implements socket.Operator.
func (o *operator) Operate(ctx context.Context, payload []byte, out *socket.Operation) {
	x := o.s.exchanges.Get().(*line.Exchange)
	failed := o.try(ctx, x, payload, out)
	if failed {
		_ = out.Error(line.PanicErrors())
	}
	if o.emit(x, &failed); !failed {
		o.s.exchanges.Put(x)
	}
}

func (o *operator) try(ctx context.Context, x *line.Exchange, payload []byte, out *socket.Operation) (failed bool) {
	defer o.s.guard("operation", &failed)
	o.socket.Operate(ctx, x, payload, out, o.s.end, time.Now().UnixNano())
	return false
}

func (o *operator) emit(x *line.Exchange, failed *bool) {
	defer o.s.guard("emit", failed)
	o.s.line.Emit(x, time.Now().UnixNano())
}

// handshake gives a connection to the library that speaks WebSockets, which knows them by net/http.
type handshake struct {
	c        *conn
	header   http.Header // of the answer
	left     []byte      // what was read behind the request
	switched bool
}

// request is the handshake's, as far as it is one.
func (h *handshake) request() *http.Request {
	r := &http.Request{Method: http.MethodGet, ProtoMajor: 1, ProtoMinor: h.c.head.Minor, Header: http.Header{}, Host: string(h.c.head.Header("host"))}
	h.c.head.VisitHeaders(func(name, value []byte) bool {
		r.Header.Add(string(name), string(value))
		return true
	})
	return r
}

// Header implements http.ResponseWriter.
func (h *handshake) Header() http.Header { return h.header }

// Write implements http.ResponseWriter: refusals are put into words elsewhere.
func (h *handshake) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (h *handshake) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		return
	}
	h.switched = true
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = h.header.Write(&head) // a buffer takes all
	head.WriteString("\r\n")
	_ = h.c.writeNow(head.Bytes(), nil) // Hijack tells
}

// Hijack implements http.Hijacker.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if h.c.gone.Load() {
		return nil, nil, net.ErrClosed
	}
	in := bufio.NewReaderSize(bytes.NewReader(h.left), max(smallInput, len(h.left)))
	_, _ = in.Peek(len(h.left)) // the library takes over what is buffered
	return h.c.client, bufio.NewReadWriter(in, bufio.NewWriterSize(h.c.client, smallInput)), nil
}
