package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A mutation that is answered as an event stream (GraphQL over SSE, distinct mode) invalidates like any other, whatever of the stream is read, and its
// bytes are those of the origin.
func TestMutationsOverEventStreamsInvalidate(t *testing.T) {
	const stream = ":\n\nevent: next\ndata: {\"data\":{\"x\":{\"__typename\":\"Book\",\"id\":\"1\",\"title\":\"new\"}}}\n\nevent: complete\ndata:\n\n"
	keep := numbered("Cache-Control", "public, max-age=60")
	s := scripted(t, func(w http.ResponseWriter, r *http.Request, body string) {
		if !strings.Contains(body, "mutation") {
			keep(w, r, body)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, stream)
	})
	r := before(t, s, nil)
	r.kept("the book", call{body: operation(bookOne)})
	for _, accept := range []string{"text/event-stream", "application/json, text/event-stream"} {
		mutation := call{body: operation(`mutation { x: setBook(id: 1) { __typename id title } }`), lines: []string{"Accept", accept}}
		if g := r.fetch(mutation); g.status != http.StatusOK || g.body != stream || g.hit() {
			t.Errorf("%s: %d %q %v", accept, g.status, g.body, g.header)
		}
		was := s.asked()
		if g := r.fetch(call{body: operation(bookOne)}); g.hit() || s.asked() != was+1 {
			t.Errorf("%s: the book of before is still served: %v", accept, g.header)
		}
	}
	if n := r.metric("weir_unread_mutations_total"); n != 2 {
		t.Errorf("%v answers were counted as not read, want 2", n)
	}
}
