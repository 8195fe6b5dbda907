package feed

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// What a subgraph says over an event stream, and how it ends.
func TestStream(t *testing.T) {
	for name, c := range map[string]struct {
		media, said string
		events      []string
		refused     string
		err         error
	}{
		"complete":   {"text/event-stream", ":\n\nevent: next\ndata: {\"data\":1}\n\nevent: next\r\ndata: {\"data\":\r\ndata: 2}\r\n\r\nevent: complete\ndata:\n\n", []string{`{"data":1}`, "{\"data\":\n2}"}, "", nil},
		"broken off": {"text/event-stream", "event: next\ndata: {\"data\":1}\n\nevent: next\ndata: {", []string{`{"data":1}`}, "", ErrLost},
		"too large":  {"text/event-stream", "event: next\ndata: \"" + string(make([]byte, 2000)) + "\"\n\n", nil, "", ErrLost},
		"refused":    {"application/json; charset=utf-8", `{"errors":[{"message":"no"}]}`, nil, `[{"message":"no"}]`, nil},
		"no stream":  {"text/html", "<p>", nil, "", ErrLost},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if body, _ := io.ReadAll(r.Body); string(body) != "{}" || r.Header.Get("Accept") != "text/event-stream" || r.Header.Get("X-User") != "u" {
					t.Errorf("%s %v", body, r.Header)
				}
				w.Header().Set("Content-Type", c.media)
				_, _ = io.WriteString(w, c.said)
			}))
			defer s.Close()
			h := New(Config{Targets: []Target{{URL: s.URL, Stream: true}}, MaxEvent: 1000})
			defer h.Close()
			f := subscribe(t, h, `{}`, "u")
			for _, want := range c.events {
				if got := <-f.Events(); string(got) != want {
					t.Errorf("%q, want %q", got, want)
				}
			}
			got, open := <-f.Events()
			var r *Refused
			if errors.As(f.Err(), &r) != (c.refused != "") || r != nil && string(r.Errors) != c.refused || r == nil && !errors.Is(f.Err(), c.err) || open {
				t.Errorf("%q %v, want %v %s", got, f.Err(), c.err, c.refused)
			}
		})
	}
}

// The stream ends with the last who reads it, also while its head is awaited.
func TestAStreamEndsWithItsReaders(t *testing.T) {
	for _, silent := range []bool{true, false} {
		asked, left := make(chan struct{}), make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, _ = io.Copy(io.Discard, r.Body); !silent {
				w.Header().Set("Content-Type", "text/event-stream")
				w.(http.Flusher).Flush()
			}
			close(asked)
			<-r.Context().Done()
			close(left)
		}))
		h := New(Config{Targets: []Target{{URL: s.URL, Stream: true}}})
		f := subscribe(t, h, `{}`, "u")
		<-asked
		f.Close()
		select {
		case <-left:
		case <-time.After(10 * time.Second):
			t.Error("the stream is still open")
		}
		h.Close()
		s.Close()
	}
}
