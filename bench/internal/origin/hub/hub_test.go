package hub

import (
	"context"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEventsByTopicInOrder(t *testing.T) {
	var h Hub
	ctx, cancel := context.WithCancel(t.Context())
	one, all := h.Subscribe(ctx, "1"), h.Subscribe(ctx, "")
	for i := range 10 {
		h.Publish([]string{"1", "2"}[i%2], i)
	}
	for i := range 10 {
		if got := <-all; got != i {
			t.Errorf("%v, want %d", got, i)
		}
		if i%2 == 0 {
			if got := <-one; got != i {
				t.Errorf("%v, want %d", got, i)
			}
		}
	}
	for range waiting + 3 {
		h.Publish("2", 0)
	}
	if h.Dropped() != 3 {
		t.Errorf("%d dropped", h.Dropped())
	}
	cancel()
	if got, open := <-one; open {
		t.Errorf("%v after the end", got)
	}
	h.Publish("1", 1) // nobody is left
}
