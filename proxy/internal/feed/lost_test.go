package feed

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// Why a subscription was lost is told once for a while, however many were.
func TestWhyItWasLostIsTold(t *testing.T) {
	speaks := func(protocols ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: protocols})
			if err != nil {
				return
			}
			defer func() { _ = c.CloseNow() }()
			if len(protocols) > 0 {
				_, _, _ = c.Read(r.Context())
				_ = c.Write(r.Context(), websocket.MessageText, []byte(`{"type":"complete"}`))
				_, _, _ = c.Read(r.Context())
			}
		}
	}
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<p>")
	}
	for name, c := range map[string]struct {
		origin http.HandlerFunc // nil: nobody listens
		stream bool
		want   string
	}{
		"nobody listens, WebSocket":  {nil, false, "connection refused"},
		"nobody listens, stream":     {nil, true, "connection refused"},
		"no WebSocket":               {page, false, "404"},
		"another protocol":           {speaks(), false, "does not speak graphql-transport-ws"},
		"no acknowledgement":         {speaks(protocol), false, `no connection_ack came, but "complete"`},
		"a page in place of events":  {page, true, `status 404, "text/html"`},
		"a stream that is cut short": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/event-stream") }, true, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.origin)
			defer s.Close()
			if c.origin == nil {
				s.Close()
			}
			told := make(chan error, 9)
			h := New(Config{Targets: []Target{{URL: s.URL, Stream: c.stream}}, Lost: func(_ int, err error) { told <- err }})
			for _, user := range []string{"a", "b"} {
				f := subscribe(t, h, `{}`, user)
				if _, open := <-f.Events(); open || !errors.Is(f.Err(), ErrLost) {
					t.Fatalf("%v, %v", open, f.Err())
				}
			}
			h.Close()
			close(told)
			if err := <-told; err == nil || !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if err, more := <-told; more {
				t.Errorf("told again: %v", err)
			}
		})
	}
}
