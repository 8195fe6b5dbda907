package hub

import (
	"context"
	"sync"
)

// waiting bounds the events that wait for one subscriber.
const waiting = 4096

// Hub is a set of subscribers. The zero value is ready.
type Hub struct {
	mu      sync.Mutex
	members map[*member]bool
	dropped int64
}

type member struct {
	topic  string // "" for every topic
	events chan any
}

// Subscribe returns the events published under a topic ("" for every one) until ctx ends; then the channel is closed.
func (h *Hub) Subscribe(ctx context.Context, topic string) <-chan any {
	m := &member{topic, make(chan any, waiting)}
	h.mu.Lock()
	if h.members == nil {
		h.members = map[*member]bool{}
	}
	h.members[m] = true
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.members, m)
		close(m.events)
	})
	return m.events
}

// Publish hands an event to the subscribers of its topic. Events published one after the other arrive in this order.
func (h *Hub) Publish(topic string, event any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for m := range h.members {
		if m.topic != "" && m.topic != topic {
			continue
		}
		select {
		case m.events <- event:
		default:
			h.dropped++
		}
	}
}

// Dropped is how many events were lost to slow subscribers.
func (h *Hub) Dropped() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dropped
}
