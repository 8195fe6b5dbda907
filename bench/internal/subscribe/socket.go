package subscribe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/coder/websocket"
)

// words are the message types in which the two WebSocket protocols differ.
type words struct{ start, stop, event string }

const operationID = "1"

// socketOpener prepares streams over WebSocket.
func (r *run) socketOpener(c *http.Client) (func(context.Context) (stream, error), error) {
	w := words{"subscribe", "complete", "next"}
	if r.Protocol == LegacyWS {
		w = words{"start", "stop", "data"}
	}
	request, err := r.payload()
	if err != nil {
		return nil, err
	}
	initial := []byte(`{"type":"connection_init"}`)
	if r.Init != nil {
		initial = fmt.Appendf(nil, `{"type":"connection_init","payload":%s}`, r.Init)
	}
	start := fmt.Appendf(nil, `{"id":"`+operationID+`","type":%q,"payload":%s}`, w.start, request)
	stop := fmt.Appendf(nil, `{"id":"`+operationID+`","type":%q}`, w.stop)
	address := base(r.Target)
	return func(ctx context.Context) (stream, error) {
		setup, cancel := context.WithTimeout(ctx, r.Setup)
		defer cancel()
		s := &socket{words: w, stop: stop}
		header, host := r.header()
		conn, res, err := websocket.Dial(s.trace(setup), address, &websocket.DialOptions{ //nolint:bodyclose // the library leaves nothing to close
			HTTPClient: c, HTTPHeader: header, Host: host, Subprotocols: []string{r.Protocol},
		})
		switch {
		case err == nil:
		case res != nil && res.StatusCode != http.StatusSwitchingProtocols:
			excerpt, _ := io.ReadAll(res.Body) // at most 1 KiB, and only for the message
			return nil, failed(fmt.Sprintf("status %d", res.StatusCode), "the handshake was refused: %.200q", excerpt)
		case res != nil:
			return nil, failed(failProtocol, "%w", err)
		default:
			return nil, r.dialFailure(setup, err)
		}
		s.conn = conn
		conn.SetReadLimit(maxMessage)
		if got := conn.Subprotocol(); got != r.Protocol {
			_ = conn.CloseNow() // of no use
			return nil, failed(failProtocol, "asked for %s, the server chose %q", r.Protocol, got)
		}
		if err := r.begin(setup, s, initial, start); err != nil {
			_ = conn.CloseNow() // the first error counts
			return nil, err
		}
		return s, nil
	}, nil
}

// socket is a subscription over a WebSocket of its own.
type socket struct {
	words
	conn *websocket.Conn
	raw  net.Conn
	stop []byte
	in   bytes.Buffer
}

// trace learns the connection below the WebSocket, to bound its end.
func (s *socket) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { s.raw = i.Conn }})
}

// begin introduces the client, waits for the acknowledgement and subscribes.
func (r *run) begin(ctx context.Context, s *socket, initial, start []byte) error {
	if err := s.conn.Write(ctx, websocket.MessageText, initial); err != nil {
		return r.dialFailure(ctx, err)
	}
	for acknowledged := false; !acknowledged; {
		m, err := s.receive(ctx)
		if err != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return failed(failTimeout, "no connection_ack within %v", r.Setup)
			}
			return err
		}
		switch m.Type {
		case "connection_ack":
			acknowledged = true
		case "ping":
			if err := s.pong(m.Payload); err != nil {
				return err
			}
		case "pong", "ka":
		case "connection_error":
			return failed(failErrors, "connection_error: %.200s", m.Payload)
		default:
			return failed(failProtocol, "%q before connection_ack", m.Type)
		}
	}
	if err := s.conn.Write(ctx, websocket.MessageText, start); err != nil {
		return r.dialFailure(ctx, err)
	}
	return nil
}

// message is what both protocols send.
type message struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// receive reads one message. Its payload is valid until the next call.
func (s *socket) receive(ctx context.Context) (m message, err error) {
	kind, from, err := s.conn.Reader(ctx)
	if err == nil {
		s.in.Reset()
		_, err = s.in.ReadFrom(from)
	}
	if err != nil {
		if code := websocket.CloseStatus(err); code >= 0 {
			return m, failed(fmt.Sprintf("closed %d", code), "%w", err)
		}
		return m, failed(failIO, "%w", err)
	}
	raw := s.in.Bytes()
	if kind != websocket.MessageText || !json.Valid(raw) {
		return m, failed(failProtocol, "a message that is no JSON text: %.200q", raw)
	}
	m = message{text(member(raw, "id")), text(member(raw, "type")), member(raw, "payload")}
	if m.Type == "" {
		return m, failed(failProtocol, "a message without a type: %.200s", raw)
	}
	return m, nil
}

func (s *socket) pong(payload []byte) error {
	answer := []byte(`{"type":"pong"}`)
	if payload != nil {
		answer = fmt.Appendf(nil, `{"type":"pong","payload":%s}`, payload)
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, answer); err != nil {
		return failed(failIO, "pong: %w", err)
	}
	return nil
}

func (s *socket) next() ([]byte, error) {
	for {
		m, err := s.receive(context.Background())
		if err != nil {
			return nil, err
		}
		switch m.Type {
		case s.event:
			if m.ID != operationID {
				return nil, failed(failProtocol, "an event of operation %q, which was not asked for", m.ID)
			}
			return m.Payload, nil
		case "error":
			return nil, failed(failErrors, "%.200s", m.Payload)
		case "complete":
			return nil, failed(failCompleted, "the server completed the subscription")
		case "ping":
			if err := s.pong(m.Payload); err != nil {
				return nil, err
			}
		case "pong", "ka":
		default:
			return nil, failed(failProtocol, "an unexpected %q", m.Type)
		}
	}
}

func (s *socket) end() {
	if s.raw != nil {
		_ = s.raw.SetDeadline(time.Now().Add(goodbye)) // closed already: then the handshake fails at once
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if s.conn.Write(ctx, websocket.MessageText, s.stop) == nil {
		_ = s.conn.Close(websocket.StatusNormalClosure, "") // the stream is over whatever the peer says
	}
	_ = s.conn.CloseNow()
}
