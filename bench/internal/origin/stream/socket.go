package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/weirproxy/weir/bench/internal/gql"
)

const (
	initWithin   = 10 * time.Second
	writeWithin  = 30 * time.Second
	maxMessage   = 1 << 20
	maxOfOneLink = 10_000 // operations open at a time
)

// Codes with which a graphql-transport-ws connection is closed.
const (
	codeInvalid   = websocket.StatusCode(4400)
	codeNoInit    = websocket.StatusCode(4401)
	codeProtocol  = websocket.StatusCode(4406)
	codeTimeout   = websocket.StatusCode(4408)
	codeDuplicate = websocket.StatusCode(4409)
	codeTwice     = websocket.StatusCode(4429)
)

// words are the names of the messages, which are all in which the two protocols differ.
type words struct{ subscribe, next, stop string }

// Socket is one WebSocket connection with its operations.
type Socket struct {
	conn     *websocket.Conn
	run      Run
	protocol string
	words    words

	mu      sync.Mutex
	open    map[string]*operation
	running sync.WaitGroup
}

// operation is one that runs; its address tells it from a later one under the same id.
type operation struct{ cancel context.CancelFunc }

type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Accept takes a connection over. An error was answered already.
func Accept(w http.ResponseWriter, r *http.Request, run Run) (*Socket, error) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Transport, Legacy}, InsecureSkipVerify: true})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(maxMessage)
	s := &Socket{conn: conn, run: run, protocol: conn.Subprotocol(), open: map[string]*operation{}}
	switch s.protocol {
	case Transport:
		s.words = words{"subscribe", "next", "complete"}
	case Legacy:
		s.words = words{"start", "data", "stop"}
	default:
		_ = conn.Close(codeProtocol, "Subprotocol not acceptable")
		return nil, fmt.Errorf("no subprotocol: offer %s or %s", Transport, Legacy)
	}
	return s, nil
}

// Protocol is the subprotocol that was agreed.
func (s *Socket) Protocol() string { return s.protocol }

// Leave ends the connection in order, with its operations.
func (s *Socket) Leave() { _ = s.conn.Close(websocket.StatusGoingAway, "the server stops") }

// closing is the reason for which this end closes the connection.
type closing struct {
	code   websocket.StatusCode
	reason string
}

func (c *closing) Error() string { return c.reason }

// Serve handles the connection until either end closes it or ctx ends, which closes it without a word.
func (s *Socket) Serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	err := s.begin(ctx)
	for err == nil {
		err = s.next(ctx)
	}
	var c *closing
	if errors.As(err, &c) {
		_ = s.conn.Close(c.code, c.reason) // the other end may be gone
	}
	cancel()
	_ = s.conn.CloseNow()
	s.running.Wait()
}

// begin waits for connection_init and acknowledges it.
func (s *Socket) begin(ctx context.Context) error {
	// A context would close the connection at once; the peer is to be told why.
	late := time.AfterFunc(initWithin, func() { _ = s.conn.Close(codeTimeout, "Connection initialisation timeout") })
	defer late.Stop()
	for {
		m, err := s.read(ctx)
		switch {
		case err != nil:
			return err
		case m.Type == "connection_init":
			return s.write(ctx, `{"type":"connection_ack"}`)
		case s.protocol == Transport && m.Type == "ping":
			if err := s.write(ctx, `{"type":"pong"}`); err != nil {
				return err
			}
		default:
			return &closing{codeNoInit, "Unauthorized"}
		}
	}
}

// next handles one message.
func (s *Socket) next(ctx context.Context) error {
	m, err := s.read(ctx)
	if err != nil {
		return err
	}
	switch {
	case m.Type == s.words.subscribe && m.ID != "" && len(m.Payload) > 0:
		return s.subscribe(ctx, m)
	case m.Type == s.words.stop:
		s.end(m.ID, nil)
		return nil
	case m.Type == "connection_init":
		return &closing{codeTwice, "Too many initialisation requests"}
	case s.protocol == Legacy && m.Type == "connection_terminate":
		return &closing{websocket.StatusNormalClosure, ""}
	case s.protocol == Transport && m.Type == "ping":
		return s.write(ctx, `{"type":"pong"}`)
	case s.protocol == Transport && m.Type == "pong":
		return nil
	}
	return &closing{codeInvalid, fmt.Sprintf("message of type %.40q is not allowed here", m.Type)}
}

func (s *Socket) read(ctx context.Context) (m message, err error) {
	_, raw, err := s.conn.Read(ctx)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, &closing{codeInvalid, "the message is no JSON object with a type"}
	}
	return m, nil
}

func (s *Socket) write(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, []byte(text))
}

// subscribe starts an operation on a goroutine of its own. link is the connection's context: a write that is cancelled would close the connection, so only the
// end of the connection cancels one.
func (s *Socket) subscribe(link context.Context, m message) error {
	ctx, cancel := context.WithCancel(link)
	o := &operation{cancel}
	s.mu.Lock()
	taken, full := s.open[m.ID] != nil, len(s.open) >= maxOfOneLink
	if !taken && !full {
		s.open[m.ID] = o
	}
	s.mu.Unlock()
	if taken || full {
		cancel()
		if full {
			return &closing{codeInvalid, fmt.Sprintf("more than %d operations on one connection", maxOfOneLink)}
		}
		return &closing{codeDuplicate, fmt.Sprintf("Subscriber for %.60s already exists", m.ID)}
	}
	s.running.Go(func() { s.operate(ctx, link, m, o) })
	return nil
}

// operate runs one operation to its end and says so.
func (s *Socket) operate(ctx, link context.Context, m message, o *operation) {
	id, _ := json.Marshal(m.ID) // a string always has a JSON form
	refused := s.run(ctx, m.Payload, func(res *gql.Response) bool {
		if ctx.Err() != nil {
			return false
		}
		b := fmt.Appendf(make([]byte, 0, 512), `{"id":%s,"type":%q,"payload":`, id, s.words.next)
		return s.write(link, string(append(res.AppendJSON(b), '}'))) == nil
	})
	stopped := ctx.Err() != nil
	s.end(m.ID, o)
	switch {
	case stopped && s.protocol == Transport: // the client asked for it and expects nothing more
	case refused == nil || stopped:
		_ = s.write(link, fmt.Sprintf(`{"id":%s,"type":"complete"}`, id)) // the client may be gone
	default:
		payload := refused.AppendErrors(nil)
		if s.protocol == Legacy { // one error, not a list
			first := gql.Response{Errors: refused.Errors[:1]}
			payload = first.AppendErrors(nil)
			payload = payload[1 : len(payload)-1]
		}
		_ = s.write(link, fmt.Sprintf(`{"id":%s,"type":"error","payload":%s}`, id, payload))
	}
}

// end stops an operation; nil stops whichever runs under the id.
func (s *Socket) end(id string, o *operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := s.open[id]
	if o == nil {
		o = running
	}
	if o != nil {
		o.cancel()
	}
	if running == o {
		delete(s.open, id)
	}
}
