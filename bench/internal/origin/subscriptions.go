package origin

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/weirproxy/weir/bench/internal/gql"
	"github.com/weirproxy/weir/bench/internal/origin/builtin"
	"github.com/weirproxy/weir/bench/internal/origin/stream"
)

func (s *store) sources() map[string]gql.Source {
	return map[string]gql.Source{
		"tick": builtin.Tick,
		"populationChanged": func(ctx context.Context, c *gql.Call) (<-chan any, error) {
			topic, _ := c.Args["id"].(string)
			return s.populations.Subscribe(ctx, topic), nil
		},
	}
}

func (s *store) publishPopulation(c *city) { s.populations.Publish(strconv.FormatInt(c.id, 10), c) }

// serveWebSocket serves one connection until it ends or the server stops.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	life, leaving, done, ok := s.streaming()
	if !ok {
		http.Error(w, "the origin stops", http.StatusServiceUnavailable)
		return
	}
	defer done()
	ctx := viewerOf(r)
	var protocol string
	socket, err := stream.Accept(w, r, func(link context.Context, payload json.RawMessage, emit func(*gql.Response) bool) *gql.Response {
		var e envelope
		if err := decode(payload, &e); err != nil {
			s.truth.add(&tally{label: "refused"})
			return &gql.Response{Refused: true, Errors: []gql.Error{{Message: err.Error(), Code: "BAD_REQUEST"}}}
		}
		return s.subscribe(context.WithValue(link, viewerKey{}, ctx.Value(viewerKey{})), protocol, &e, emit)
	})
	if err != nil {
		return
	}
	protocol = socket.Protocol()
	stop := context.AfterFunc(leaving, socket.Leave)
	defer stop()
	socket.Serve(life)
}

// serveEventStream serves one operation as server-sent events.
func (s *Server) serveEventStream(w http.ResponseWriter, r *http.Request, e *envelope) {
	_, leaving, done, ok := s.streaming()
	if !ok {
		http.Error(w, "the origin stops", http.StatusServiceUnavailable)
		return
	}
	defer done()
	ctx, cancel := context.WithCancel(viewerOf(r))
	defer cancel()
	stop := context.AfterFunc(leaving, cancel)
	defer stop()
	stream.ServeEvents(w, ctx, func(ctx context.Context, emit func(*gql.Response) bool) *gql.Response {
		return s.subscribe(ctx, stream.Events, e, emit)
	})
}

// subscribe runs one operation of a stream and counts it.
func (s *Server) subscribe(ctx context.Context, protocol string, e *envelope, emit func(*gql.Response) bool) *gql.Response {
	query, err := s.persist.document(e)
	if err != nil {
		s.truth.add(&tally{label: "refused"})
		return &gql.Response{Refused: true, Errors: []gql.Error{{Message: err.Error(), Code: "BAD_REQUEST"}}}
	}
	req := e.request(query)
	label := s.engine.Identify(req).Label
	x := exchange{s: s}
	var t tally
	req.Probe = x.probe(&t)
	req.Begun = func() { s.truth.opened(protocol, 1) }
	refused := s.engine.Subscribe(ctx, req, func(res *gql.Response) bool {
		s.truth.event(protocol, label, &t, len(res.Errors) > 0)
		return emit(res)
	})
	if refused == nil {
		s.truth.opened(protocol, -1)
	}
	s.truth.add(&tally{label: label, executed: refused == nil})
	return refused
}

// opened counts a subscription that begins (1) or ends (-1).
func (l *ledger) opened(protocol string, change int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Subscriptions.Open += change
	if change > 0 {
		l.t.Subscriptions.Opened[protocol]++
	}
}

// event counts one event, and what resolving it burnt.
func (l *ledger) event(protocol, label string, t *tally, failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Subscriptions.Events[protocol]++
	l.operation(label, func(o *OperationTruth) {
		if failed {
			o.Errors++
		}
		l.burnt(o, t.fields)
	})
	clear(t.fields)
}
