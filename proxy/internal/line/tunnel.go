package line

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/frames"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

const (
	maxPending = 256              // mutations of one tunnel whose answers are awaited
	blindTime  = 10 * time.Second // for which each part of answers that cannot be read counts as the answer to a mutation
)

// Tunnel follows the GraphQL operations inside a WebSocket connection, so that mutations invalidate what they change. It speaks graphql-transport-ws
// (github.com/enisdenjo/graphql-ws, PROTOCOL.md) and the older graphql-ws of subscriptions-transport-ws. It only reads: Up is shown the bytes of the client
// and Down those of the origin, each before they are passed on. Each direction belongs to one goroutine.
type Tunnel struct {
	l        *Line
	up, down *frames.Reader

	mu      sync.Mutex // guards what follows
	pending []mutation
	tags    planner.Tags
	lost    [2]bool // directions that were counted as such
	skipped [2]int64
}

// mutation is one that was sent and is not complete.
type mutation struct {
	id       string // as it stands in the JSON
	plan     *planner.Plan
	since    time.Time
	answered bool
}

// Tunnel returns what follows an upgraded connection, nil when it carries no GraphQL. r is the head of the origin's answer.
func (l *Line) Tunnel(r *wire.ResponseHead) *Tunnel {
	if l.cfg.Cache == nil || !bytes.EqualFold(r.Header("upgrade"), []byte("websocket")) {
		return nil
	}
	switch string(r.Header("sec-websocket-protocol")) {
	case "graphql-transport-ws", "graphql-ws":
	default:
		return nil
	}
	client, server, ok := frames.Negotiated(string(r.Header("sec-websocket-extensions")))
	if !ok || r.Count("sec-websocket-extensions") > 1 {
		l.stats.blind[ReasonTunnel].Add(1)
		return nil
	}
	limit := l.cfg.Policy().MaxBody
	return &Tunnel{l: l, up: frames.NewReader(client, limit), down: frames.NewReader(server, limit)}
}

// message is the envelope of both protocols.
type message struct {
	ID      json.RawMessage `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// Up is shown bytes of the client. Mutations in them are known before the origin can answer.
func (t *Tunnel) Up(ctx context.Context, b []byte) {
	t.up.Feed(b, func(text []byte) {
		var m message
		if json.Unmarshal(text, &m) != nil {
			return // the origin ends such a connection
		}
		switch m.Type {
		case "subscribe", "start":
			t.begin(&m)
		case "complete", "stop": // the client no longer waits, the origin may be at work
			t.settle(ctx, m.ID, false)
		}
	})
	t.note(0, t.up)
}

// begin looks at an operation that the client starts.
func (t *Tunnel) begin(m *message) {
	var r planner.Request
	if planner.ParseRequest(m.Payload, &r) != nil {
		return // the origin refuses it
	}
	now := time.Now()
	plan := t.l.planOf(&r, now)
	if plan == nil {
		t.l.stats.blind[ReasonTunnel].Add(1)
		return
	}
	if plan.Kind() != planner.KindMutation {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) == maxPending {
		t.l.stats.blind[ReasonTunnel].Add(1)
		return
	}
	t.pending = append(t.pending, mutation{id: string(m.ID), plan: plan, since: now})
}

// planOf is the plan of a request outside of an exchange, nil when there is none.
func (l *Line) planOf(r *planner.Request, now time.Time) *planner.Plan {
	plans := l.cfg.Policy().Plans
	switch {
	case len(r.Query) > 0:
		if p := plans.Lookup(r); p != nil {
			return p
		}
		if p, err := plans.Plan(r, now.UnixNano()); err == nil {
			return p
		}
	case len(r.APQHash) > 0 && r.APQVersion == 1:
		return plans.LookupHash(r.APQHash, r.OperationName)
	}
	return nil
}

// Down is shown bytes of the origin before the client gets them: what answered mutations changed is invalidated first.
func (t *Tunnel) Down(ctx context.Context, b []byte) {
	t.down.Feed(b, func(text []byte) {
		if !t.awaits() {
			return
		}
		var m message
		if json.Unmarshal(text, &m) != nil {
			return
		}
		switch m.Type {
		case "next", "data":
			t.answer(ctx, &m)
		case "error", "complete":
			t.settle(ctx, m.ID, true)
		}
	})
	skipped, lost := t.note(1, t.down), t.down.Reason() != frames.Following
	if skipped || lost {
		t.unread(ctx, lost)
	}
}

func (t *Tunnel) awaits() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pending) > 0
}

// answer reads a result.
func (t *Tunnel) answer(ctx context.Context, m *message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.pending {
		if p := &t.pending[i]; p.id == string(m.ID) {
			p.answered = true
			t.tags.Reset()
			facts := p.plan.InspectMutation(m.Payload, &t.tags)
			t.invalidate(ctx)
			if facts.Unnamed {
				t.l.unnamed(ctx, t.l.cfg.Policy(), time.Now().UnixNano())
			}
		}
	}
}

// settle ends a mutation. One that had no result may have changed everything it could.
func (t *Tunnel) settle(ctx context.Context, id json.RawMessage, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.pending[:0]
	for _, p := range t.pending {
		if p.id != string(id) {
			kept = append(kept, p)
			continue
		}
		if !p.answered {
			t.invalidateTypes(ctx, p.plan)
		}
		if !over {
			kept = append(kept, p)
		}
	}
	clear(t.pending[len(kept):])
	t.pending = kept
}

// unread is for what of the origin cannot be read, a message that is too long or, when the direction is lost, each part of it: it may answer the
// mutations that wait.
func (t *Tunnel) unread(ctx context.Context, lost bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.pending[:0]
	for _, p := range t.pending {
		t.invalidateTypes(ctx, p.plan)
		if !lost || time.Since(p.since) < blindTime {
			kept = append(kept, p)
		}
	}
	clear(t.pending[len(kept):])
	t.pending = kept
}

// Close ends the tunnel: mutations without a result may have been done all the same.
func (t *Tunnel) Close(ctx context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.pending {
		if !p.answered {
			t.l.stats.unread.Add(1)
			t.invalidateTypes(ctx, p.plan)
		}
	}
	t.pending = nil
}

// invalidateTypes forgets everything of the types that the mutation selects. The lock is held.
func (t *Tunnel) invalidateTypes(ctx context.Context, p *planner.Plan) {
	t.tags.Reset()
	p.AppendTypeTags(&t.tags)
	t.invalidate(ctx)
	if p.Unnamed() {
		t.l.unnamed(ctx, t.l.cfg.Policy(), time.Now().UnixNano())
	}
}

// invalidate tells the cache. The lock is held.
func (t *Tunnel) invalidate(ctx context.Context) {
	if t.tags.Len() == 0 {
		return
	}
	t.l.logged(t.l.cfg.Cache.InvalidateTags(ctx, &t.tags, time.Now().UnixNano())) // frames have no place to say more
}

// note counts what a direction could not read: messages above the limit, and once that it is not followed any more.
func (t *Tunnel) note(direction int, r *frames.Reader) (skipped bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := r.Skipped(); n > t.skipped[direction] {
		skipped = true
		t.l.stats.blind[ReasonTunnel].Add(uint64(n - t.skipped[direction]))
		t.skipped[direction] = n
	}
	if r.Reason() != frames.Following && !t.lost[direction] {
		t.lost[direction] = true
		t.l.stats.blind[ReasonTunnel].Add(1)
	}
	return skipped
}
