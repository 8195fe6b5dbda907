package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// protocol is the WebSocket subprotocol.
const protocol = "graphql-transport-ws"

// source is one upstream subscription.
type source struct {
	hub     *Hub
	key     string
	target  int
	payload []byte
	header  http.Header
	init    []byte // of the client; nil: none
	cancel  context.CancelFunc

	mu    sync.Mutex
	feeds map[*Feed]struct{}
}

// keyOf tells subscriptions apart; each part stands behind its length.
func keyOf(target int, payload []byte, header http.Header, init []byte) string {
	var b strings.Builder
	part := func(s string) { b.WriteString(strconv.Itoa(len(s)) + ":" + s) }
	part(strconv.Itoa(target))
	part(string(payload))
	part(string(init))
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		part(name)
		b.WriteString(strconv.Itoa(len(header[name])) + "*")
		for _, v := range header[name] {
			part(v)
		}
	}
	return b.String()
}

// drop ends one feed; s.mu is held.
func (s *source) drop(f *Feed, err error) {
	if _, open := s.feeds[f]; !open {
		return
	}
	delete(s.feeds, f)
	f.err = err
	close(f.events)
	s.hub.feeds.Add(-1)
}

// publish hands an event to all feeds and drops those that are too far behind.
func (s *source) publish(event []byte) {
	s.hub.events.Add(1)
	s.mu.Lock()
	for f := range s.feeds {
		select {
		case f.events <- event:
		default:
			s.hub.slow.Add(1)
			s.drop(f, ErrSlow)
		}
	}
	none := len(s.feeds) == 0
	s.mu.Unlock()
	if none {
		s.retire()
	}
}

// retire closes the upstream if nobody reads it any more; who subscribes later begins another.
func (s *source) retire() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.feeds) == 0 {
		s.leave()
	}
}

// leave takes the source out of the hub, whose lock is held.
func (s *source) leave() {
	if s.hub.sources[s.key] == s {
		delete(s.hub.sources, s.key)
	}
	s.cancel()
}

// end ends all feeds.
func (s *source) end(err error) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.feeds {
		s.drop(f, err)
	}
	s.leave()
}

func (s *source) run(ctx context.Context) {
	carry := s.subscribe
	if s.hub.cfg.Targets[s.target].Stream {
		carry = s.stream
	}
	err := carry(ctx)
	if errors.Is(err, ErrLost) && ctx.Err() == nil {
		s.hub.tell(s.target, err)
	}
	s.end(err)
	s.hub.open.Add(-1)
}

// lost is ErrLost with what the connection said.
func lost(cause error) error { return fmt.Errorf("%w: %w", ErrLost, cause) }

type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// subscribe carries the subscription out and returns why it ended; nil: it is complete.
func (s *source) subscribe(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, s.hub.cfg.Connect)
	defer cancel()
	conn, answer, err := websocket.Dial(within, s.hub.cfg.Targets[s.target].URL, &websocket.DialOptions{
		HTTPClient: s.hub.clients[s.target], HTTPHeader: s.header, Subprotocols: []string{protocol},
	})
	if answer != nil && answer.Body != nil {
		defer func() { _ = answer.Body.Close() }()
	}
	if err != nil {
		return lost(err)
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(s.hub.cfg.MaxEvent)
	if err := s.begin(within, conn); err != nil {
		return lost(err)
	}
	// A context that ends while the connection is read or written would close it without a word: the one who watches says goodbye.
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { s.watch(ctx, conn, ended) })
	err = s.read(conn)
	close(ended)
	watch.Wait()
	return err
}

// begin subscribes over a connection that was just made.
func (s *source) begin(ctx context.Context, conn *websocket.Conn) error {
	if conn.Subprotocol() != protocol {
		return errors.New("the subgraph does not speak " + protocol)
	}
	if err := s.write(ctx, conn, message{Type: "connection_init", Payload: s.init}); err != nil {
		return err
	}
	if err := s.acknowledged(ctx, conn); err != nil {
		return err
	}
	return s.write(ctx, conn, message{ID: "1", Type: "subscribe", Payload: s.payload})
}

func (s *source) acknowledged(ctx context.Context, conn *websocket.Conn) error {
	for {
		m, err := s.next(ctx, conn)
		switch {
		case err != nil:
			return err
		case m.Type == "connection_ack":
			return nil
		case m.Type != "ping" && m.Type != "pong":
			return errors.New("no connection_ack came, but " + strconv.Quote(m.Type))
		}
	}
}

// read publishes events up to the end.
func (s *source) read(conn *websocket.Conn) error {
	for {
		m, err := s.next(context.Background(), conn)
		switch {
		case err != nil:
			return lost(err)
		case m.Type == "next" && m.ID == "1" && len(m.Payload) > 0:
			s.publish(m.Payload)
		case m.Type == "error" && m.ID == "1":
			return &Refused{m.Payload}
		case m.Type == "complete" && m.ID == "1":
			return nil
		}
	}
}

// next reads a message; a ping is answered.
func (s *source) next(ctx context.Context, conn *websocket.Conn) (m message, err error) {
	_, text, err := conn.Read(ctx)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	if m.Type == "ping" {
		err = s.write(ctx, conn, message{Type: "pong"})
	}
	return m, err
}

func (s *source) write(ctx context.Context, conn *websocket.Conn, m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.hub.cfg.Connect)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, text)
}

// watch finds out that the subgraph is gone, and takes leave of it when nobody reads any more.
func (s *source) watch(ctx context.Context, conn *websocket.Conn, ended <-chan struct{}) {
	every := s.hub.cfg.Targets[s.target].Beat
	beat := time.NewTicker(every)
	defer beat.Stop()
	for {
		select {
		case <-ended:
			return
		case <-ctx.Done():
			_ = s.write(context.Background(), conn, message{ID: "1", Type: "complete"}) // it may be gone
			_ = conn.Close(websocket.StatusNormalClosure, "")
			return
		case <-beat.C:
			within, cancel := context.WithTimeout(ctx, every)
			err := conn.Ping(within)
			cancel()
			if err != nil && ctx.Err() == nil {
				_ = conn.CloseNow()
				return
			}
		}
	}
}
