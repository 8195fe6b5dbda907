package line

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/codes"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/socket"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// Upgrades reports whether a request that nobody stands behind asks for a WebSocket that is answered here, and why not if it may not have one.
func Upgrades(x *Exchange, h *wire.RequestHead) (may codes.Code, ok bool) {
	p := x.Policy
	if p.Executor == nil || !p.Sockets.On || h.Method != wire.MethodGet || !atGraphQL(p, h.Path()) || !names(h.Header("upgrade"), []byte("websocket")) {
		return codes.None, false
	}
	switch {
	case !names(h.Header("sec-websocket-protocol"), []byte(socket.Protocol)):
		return codes.SocketProtocol, true
	case !sameSite(&p.Sockets, h):
		return codes.SocketOrigin, true
	}
	return codes.None, true
}

// sameSite reports whether a handshake has no credentials that the browser of another site's page has added: no preflight asks for a WebSocket first.
func sameSite(s *policy.Sockets, h *wire.RequestHead) bool {
	origin := h.Header("origin")
	if len(origin) == 0 || h.Count("cookie") == 0 && h.Count("authorization") == 0 {
		return true
	}
	u, err := url.Parse(string(origin))
	if err != nil || u.Host == "" || h.Count("origin") > 1 {
		return false
	}
	host := strings.ToLower(u.Host)
	return bytes.EqualFold(h.Header("host"), []byte(host)) || slices.ContainsFunc(s.Origins, func(pattern string) bool {
		ok, _ := path.Match(pattern, host)
		return ok
	})
}

// Socket is what the operations of a WebSocket connection have in common. Each is carried out as a request of its own, with the headers of the
// handshake.
type Socket struct {
	l     *Line
	peer  netip.Addr
	first []byte // line
	lines []byte // of headers
	head  []byte // of each operation
	init  []byte // payload of connection_init, where a subgraph may get it
}

// handshaking are headers of the handshake that say nothing of operations; wire's framing and those of a hop are among them.
var handshaking = [...]string{
	"connection", "upgrade", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "content-length", "content-type", "content-encoding", "expect",
	"accept", "accept-encoding", "if-none-match", "if-modified-since", "range", "if-range",
}

// Socket begins with the head of a handshake.
func (l *Line) Socket(x *Exchange, h *wire.RequestHead) *Socket {
	s := &Socket{l: l, peer: x.Peer}
	s.first = append(append([]byte("POST "), h.Path()...), " HTTP/1.1\r\n"...)
	h.VisitHeaders(func(name, value []byte) bool {
		if !isHandshaking(name) && !names(h.Header("connection"), name) {
			s.lines = appendHeader(s.lines, name, value)
		}
		return true
	})
	s.seal()
	return s
}

func isHandshaking(name []byte) bool {
	const prefix = "sec-websocket-"
	if len(name) >= len(prefix) && is(name[:len(prefix)], prefix) {
		return true
	}
	return slices.ContainsFunc(handshaking[:], func(n string) bool { return is(name, n) })
}

func appendHeader(dst, name, value []byte) []byte {
	return append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
}

// seal makes the head of operations: each is asked for as JSON, a subscription by events, and so is what is deferred where policy says in which form.
func (s *Socket) seal() {
	s.head = append(append(s.head[:0], s.first...), s.lines...)
	s.head = append(s.head, "content-type: application/json\r\naccept: application/json, text/event-stream"...)
	if form := s.l.cfg.Policy().Sockets.Defer; form != "" {
		s.head = append(append(s.head, ';'), form...)
	}
	s.head = append(s.head, "\r\n\r\n"...)
}

// Begin takes headers from the payload of connection_init, at its top or under headers, in place of the handshake's: those that policy names, but never
// one by which a proxy in front vouches for somebody, for it does not see this one. The whole of it is kept where a subgraph gets it.
func (s *Socket) Begin(payload []byte) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) != nil {
		return
	}
	var under map[string]json.RawMessage
	if json.Unmarshal(fields["headers"], &under) != nil {
		under = nil
	}
	p := s.l.cfg.Policy()
	if p.Sockets.Forward {
		var compact bytes.Buffer
		_ = json.Compact(&compact, payload) // which was read above
		s.init = compact.Bytes()
	}
	for _, name := range p.Sockets.Headers {
		if p.Scope.Vouched(name) {
			continue
		}
		value, ok := headerIn(under, name)
		if !ok {
			value, ok = headerIn(fields, name)
		}
		if ok {
			s.set(name, value)
		}
	}
}

// maxSocketHead bounds the head of operations.
const maxSocketHead = 64 << 10

// headerIn finds a header among fields; one that comes twice, in different letters, is none.
func headerIn(fields map[string]json.RawMessage, name string) (value string, ok bool) {
	for key, raw := range fields {
		if !strings.EqualFold(key, name) {
			continue
		}
		if ok || json.Unmarshal(raw, &value) != nil || strings.ContainsAny(value, "\r\n\x00") {
			return "", false
		}
		ok = string(raw) != "null"
	}
	return value, ok
}

// set puts a header in place of the handshake's. One that no request could have changes nothing.
func (s *Socket) set(name, value string) {
	before := s.lines
	s.lines = nil
	for line := range bytes.SplitAfterSeq(before, []byte("\r\n")) {
		if n, _, _ := bytes.Cut(line, []byte(":")); len(line) > 0 && !is(n, name) {
			s.lines = append(s.lines, line...)
		}
	}
	s.lines = appendHeader(s.lines, []byte(name), []byte(strings.TrimSpace(value)))
	s.seal()
	var h wire.RequestHead
	if h.Parse(s.head, maxSocketHead) != wire.OK {
		s.lines = before
		s.seal()
	}
}

// Messages are where the answers to an operation go. An error says that the client wants no more.
type Messages interface {
	Next(body []byte) error
	Error(errors []byte) error // a JSON list; it ends the operation
	Complete() error           // likewise
}

// Operate carries out one operation of the socket as x. It returns at its end, or soon after that of ctx; when the sidecar drains, subscriptions end
// without a word: the close of the connection says why. The caller emits x.
func (s *Socket) Operate(ctx context.Context, x *Exchange, payload []byte, out Messages, draining <-chan struct{}, now int64) {
	var h wire.RequestHead
	if h.Parse(bytes.Clone(s.head), len(s.head)) != wire.OK {
		_ = out.Error(errorsOf(told(codes.BadFraming)))
		return
	}
	ownSpan(&h)
	l, m := s.l, &messages{Messages: out, x: x}
	leash := new(subgraph.Leash)
	defer context.AfterFunc(ctx, leash.Leave)()
	class, _ := l.Begin(x, &h, now)
	x.Peer, x.Leash, x.BytesIn, x.initial = s.peer, leash, int64(len(payload)), s.init
	action := Relay
	if x.Refusal.Code == codes.None && class == Post {
		action, _ = l.Decide(ctx, x, &h, payload, now)
	}
	switch action {
	case Answer:
		var w answer.Writer
		_, body := l.AppendAnswer(nil, x, &h, &w, answer.Connection{Minor: 1}, now)
		m.only(body)
	case Stream:
		x.Status = 200
		switch x.streaming {
		case streamEvents:
			l.follow(ctx, x, m, draining)
		case streamParts:
			l.inParts(ctx, x, m.part)
		default: // a subscription to nothing that its client may have
			m.only(x.executed)
		}
	default:
		if action == Relay && x.Refusal.Code == codes.None {
			x.Refusal = x.Orphan()
			l.refuse(x)
		}
		m.refuse()
	}
}

// ownSpan gives an operation a span id of its own in the trace of its connection, by which its fetches are told from those of the others.
func ownSpan(h *wire.RequestHead) {
	const begin, end = len("00-") + 32 + len("-"), len("00-") + 32 + len("-") + 16
	parent := h.Header("traceparent")
	if traceID(parent) == [16]byte{} || len(parent) < end {
		return
	}
	var span [8]byte
	binary.BigEndian.PutUint64(span[:], rand.Uint64()|1) // none is all zeros
	hex.Encode(parent[begin:end], span[:])
}

// messages are the answers to an operation, as events and otherwise.
type messages struct {
	Messages
	x *Exchange
}

func (m *messages) next(body []byte) error {
	m.x.BytesOut += int64(len(body))
	return m.Next(body)
}

func (m *messages) beat() error { return nil } // the socket has its own

func (m *messages) end(why codes.Code) {
	switch why {
	case codes.None:
		_ = m.Complete()
	case codes.Draining: // clients connect again by themselves, unless they have been told of an error
	default:
		_ = m.Error(errorsOf(told(why)))
	}
}

// only sends the one answer of an operation.
func (m *messages) only(body []byte) {
	m.x.Status = 200
	if m.next(body) == nil {
		_ = m.Complete()
	}
}

// part sends a part of an answer.
func (m *messages) part(payload []byte, last bool) bool {
	if m.next(payload) != nil {
		return false
	}
	if last {
		_ = m.Complete()
	}
	return true
}

func (m *messages) refuse() {
	r := &m.x.Refusal
	m.x.Status = m.x.RefusalStatus()
	body := told(r.Code)
	if len(r.Errors) > 0 {
		body = answer.AppendErrors(nil, r.Errors)
	}
	m.x.BytesOut = int64(len(body))
	_ = m.Error(errorsOf(body))
}

// errorsOf cuts the list out of an answer that has nothing but errors.
func errorsOf(body []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimPrefix(body, []byte(`{"errors":`)), []byte("}"))
}

// SurplusErrors are those of an operation beyond how many a socket may have.
func SurplusErrors() []byte { return errorsOf(told(codes.SocketOperations)) }

// PanicErrors are those of an operation that met a defect.
func PanicErrors() []byte { return errorsOf(told(codes.Panic)) }
