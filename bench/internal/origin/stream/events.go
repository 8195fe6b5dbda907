package stream

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/gql"
)

// keepAlive is how often a comment goes out, so that nobody between takes a quiet stream for a dead one.
const keepAlive = 12 * time.Second

// ServeEvents answers one operation as an event stream: a next event for each result and one complete. run has its request already.
func ServeEvents(w http.ResponseWriter, ctx context.Context, run func(ctx context.Context, emit func(*gql.Response) bool) *gql.Response) {
	ctx, cancel := context.WithCancel(ctx)
	control := http.NewResponseController(w)
	var mu sync.Mutex
	write := func(b []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		_, err := w.Write(b)
		return err == nil && control.Flush() == nil
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	if !write([]byte(":\n\n")) { // the client knows at once that it was accepted
		return
	}
	beside.Go(func() { beat(ctx, write) })
	emit := func(res *gql.Response) bool {
		b := append(make([]byte, 0, 512), "event: next\ndata: "...)
		return write(append(res.AppendJSON(b), "\n\n"...))
	}
	if refused := run(ctx, emit); refused != nil && !emit(refused) || ctx.Err() != nil {
		return
	}
	write([]byte("event: complete\ndata:\n\n"))
}

func beat(ctx context.Context, write func([]byte) bool) {
	t := time.NewTicker(keepAlive)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if !write([]byte(":\n\n")) {
				return
			}
		}
	}
}
