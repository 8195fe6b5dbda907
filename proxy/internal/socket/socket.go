package socket

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Config bounds one socket; all is needed.
type Config struct {
	Init       time.Duration // up to connection_init
	Write      time.Duration // for which a client may take no message
	Beat       time.Duration // between pings; one that is not answered within two of it ends the connection
	Operations int           // under way at a time
	MaxMessage int64         // bytes
	Surplus    []byte        // the errors, a JSON list, of an operation beyond Operations
}

// Operator carries out what a client asks.
type Operator interface {
	// Begin is told the payload of connection_init, a JSON object or nil, before anything is operated.
	Begin(payload []byte)
	// Operate carries an operation out. payload is a JSON object that it may keep. It returns when all is said, and soon after ctx has ended.
	Operate(ctx context.Context, payload []byte, o *Operation)
}

// socket is one connection.
type socket struct {
	cfg     *Config
	conn    *websocket.Conn
	ops     Operator
	count   *Counters
	running sync.WaitGroup // operations
	ready   chan struct{}  // closed with connection_init

	writing sync.Mutex // taken before mu
	out     []byte

	mu      sync.Mutex
	begun   bool
	leaving bool // nothing more is begun
	open    map[string]*Operation
	code    websocket.StatusCode // with which the socket was closed from here; 0: it was not
}

// Serve carries a socket through to its end, and returns when nothing of it is left. It takes leave in order when ending is closed: operations that are
// under way come to their end, which is up to the operator, and nothing is begun any more. When ctx ends all is cut off.
func Serve(ctx context.Context, conn *websocket.Conn, cfg *Config, ops Operator, ending <-chan struct{}, count *Counters) {
	count.opened.Add(1)
	count.open.Add(1)
	defer count.open.Add(-1)
	conn.SetReadLimit(cfg.MaxMessage)
	s := &socket{cfg: cfg, conn: conn, ops: ops, count: count, ready: make(chan struct{}), open: map[string]*Operation{}}
	within, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { s.watch(within, ending) })
	code := s.read(within)
	s.leave()
	cancel()
	_ = conn.CloseNow() // nobody waits for a client any more
	s.running.Wait()
	beside.Wait()
	s.mu.Lock()
	if s.code != 0 {
		code = s.code
	}
	s.mu.Unlock()
	count.close(code)
}

// read obeys messages up to the end of the connection, and returns the code with which the client closed it.
func (s *socket) read(ctx context.Context) websocket.StatusCode {
	for {
		// A context that ends would close the connection without a word: the watch ends it.
		typ, text, err := s.conn.Read(context.Background())
		if err != nil {
			return codeOf(err)
		}
		s.count.received.Add(1)
		m, err := parse(text)
		if typ != websocket.MessageText {
			err = errors.New("a message is no text")
		}
		if err != nil {
			s.close(closeBadMessage, err.Error())
			continue
		}
		s.obey(ctx, &m)
	}
}

func codeOf(err error) websocket.StatusCode {
	if errors.Is(err, websocket.ErrMessageTooBig) { // which the library has closed for
		return websocket.StatusMessageTooBig
	}
	if code := websocket.CloseStatus(err); code >= 0 {
		return code
	}
	return websocket.StatusAbnormalClosure
}

// obey does what a message asks.
func (s *socket) obey(ctx context.Context, m *message) {
	s.mu.Lock()
	begun, leaving := s.begun, s.leaving
	s.mu.Unlock()
	switch {
	case leaving: // what is still on its way
	case m.typ == typePing:
		_ = s.write("pong", nil, m.payload)
	case m.typ == typeInit && begun:
		s.close(closeSecondInit, "Too many initialisation requests")
	case m.typ == typeInit:
		s.ops.Begin(m.payload)
		s.mu.Lock()
		s.begun = true
		s.mu.Unlock()
		close(s.ready)
		_ = s.write("connection_ack", nil, nil)
	case m.typ == typeSubscribe && !begun:
		s.close(closeUnauthorized, "Unauthorized")
	case m.typ == typeSubscribe:
		s.begin(ctx, m)
	case m.typ == typeComplete:
		s.drop(m.id)
	}
}

// begin begins an operation.
func (s *socket) begin(ctx context.Context, m *message) {
	o := &Operation{socket: s, name: m.id}
	o.id, _ = json.Marshal(m.id) // a string
	ctx, o.cancel = context.WithCancel(ctx)
	s.mu.Lock()
	_, same := s.open[m.id]
	full, late := len(s.open) >= s.cfg.Operations, s.leaving
	if !same && !full && !late {
		s.open[m.id] = o
		s.running.Go(func() {
			defer o.end()
			s.ops.Operate(ctx, m.payload, o)
		})
	}
	s.mu.Unlock()
	switch {
	case late: // the close tells the client
		o.cancel()
	case same:
		o.cancel()
		s.close(closeSameID, "Subscriber for this id already exists")
	case full:
		o.cancel()
		s.count.surplus.Add(1)
		_ = s.write("error", o.id, s.cfg.Surplus)
	default:
		s.count.operations.Add(1)
	}
}

// drop ends an operation that the client has had enough of.
func (s *socket) drop(id string) {
	s.mu.Lock()
	o := s.open[id]
	s.mu.Unlock()
	if o != nil {
		o.end()
	}
}

// leave begins nothing any more.
func (s *socket) leave() {
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
}

// close ends the connection with a code: the first one counts.
func (s *socket) close(code websocket.StatusCode, reason string) {
	s.mu.Lock()
	s.leaving = true
	first := s.code == 0
	if first {
		s.code = code
	}
	s.mu.Unlock()
	if first {
		_ = s.conn.Close(code, reason)
	}
}

// watch ends the socket: without connection_init, when the client does not answer pings, and when it is time to leave.
func (s *socket) watch(ctx context.Context, ending <-chan struct{}) {
	late := time.NewTimer(s.cfg.Init)
	defer late.Stop()
	beat := time.NewTicker(s.cfg.Beat)
	defer beat.Stop()
	for ready := s.ready; ; {
		select {
		case <-ready:
			late.Stop()
			ready = nil
		case <-late.C:
			s.close(closeInitTimeout, "Connection initialisation timeout")
			return
		case <-beat.C:
			if !s.ping(ctx) {
				return
			}
		case <-ending:
			s.leave()
			s.running.Wait()
			s.close(websocket.StatusGoingAway, "Going away")
			return
		case <-ctx.Done():
			_ = s.conn.CloseNow()
			return
		}
	}
}

// ping reports whether the client is there.
func (s *socket) ping(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*s.cfg.Beat)
	defer cancel()
	err := s.conn.Ping(ctx)
	if err == nil {
		return true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		s.count.silence.Add(1)
	}
	_ = s.conn.CloseNow()
	return false
}

// write sends a message, within its deadline.
func (s *socket) write(typ string, id, payload []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.send(typ, id, payload)
}

// keptOut is how much memory for messages a socket keeps.
const keptOut = 16 << 10

// send is write with the lock held.
func (s *socket) send(typ string, id, payload []byte) error {
	s.out = appendMessage(s.out[:0], typ, id, payload)
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Write)
	defer cancel()
	err := s.conn.Write(ctx, websocket.MessageText, s.out)
	if cap(s.out) > keptOut {
		s.out = nil
	}
	if err == nil {
		s.count.sent.Add(1)
	} else if errors.Is(err, context.DeadlineExceeded) {
		s.count.slow.Add(1)
	}
	return err
}
