package origin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

func serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	interval, count := milliseconds(r, "interval_ms", 20), number(r, "count", 5)
	for i := range count {
		if i > 0 && !pause(r.Context(), interval) {
			return
		}
		fmt.Fprintf(w, "id: %d\ndata: {\"tick\":%d}\n\n", i, i)
		if control.Flush() != nil {
			return
		}
	}
}

func serveUpload(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"bytes\":%d}\n", n)
}

func serveChunked(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Trailer", "Origin-Chunks")
	control := http.NewResponseController(w)
	interval, count := milliseconds(r, "interval_ms", 0), number(r, "count", 5)
	for i := range count {
		if i > 0 && !pause(r.Context(), interval) {
			return
		}
		fmt.Fprintf(w, "chunk %d\n", i)
		if control.Flush() != nil {
			return
		}
	}
	w.Header().Set("Origin-Chunks", fmt.Sprint(count))
}

// pause waits; false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 || n > 1_000_000 {
		return otherwise
	}
	return n
}

func milliseconds(r *http.Request, name string, otherwise int) time.Duration {
	return time.Duration(number(r, name, otherwise)) * time.Millisecond
}
