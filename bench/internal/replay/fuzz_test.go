package replay

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
)

// whole checks that what is sent is one request each, of the target and without credentials, and that times never decrease.
func whole(t *testing.T, rec *Recording) {
	t.Helper()
	s, times := rec.Source(false).Stream(1, 0), rec.Plan(1, 1).Times(0, 1, 1)
	last := int64(0)
	for range rec.Len() {
		due, ok := times.Next()
		if !ok || int64(due) < last {
			t.Fatalf("due after %v, the one before after %v", due, last)
		}
		last = int64(due)
		request, n := s.Next(nil, &target, 0)
		if n >= len(rec.Labels()) {
			t.Fatalf("operation %d", n)
		}
		in := bufio.NewReader(bytes.NewReader(request))
		q, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%v: %q", err, request)
		}
		var body bytes.Buffer
		if _, err := body.ReadFrom(q.Body); err != nil || in.Buffered() > 0 {
			t.Fatalf("%v, %d bytes behind the request: %q", err, in.Buffered(), request)
		}
		if q.Host != "here:1" || q.URL.Path != "/graphql" || q.Header.Get("Cookie") != "" || q.Header.Get("Authorization") != "" {
			t.Fatalf("%q", request)
		}
	}
}

func fuzz(f *testing.F, format Format) {
	f.Fuzz(func(t *testing.T, text string) {
		rec, err := Read("file", strings.NewReader(text), Options{Format: format, Untimed: true})
		if err == nil && format != Events {
			whole(t, rec)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "file:") {
			t.Fatalf("no place in %v", err)
		}
	})
}

func FuzzHAR(f *testing.F) {
	raw, err := os.ReadFile("testdata/shop.har")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(raw))
	f.Add(`{"log":{"entries":[{"request":{"method":"GET","url":"/graphql?query={a}%20"}}]}}`)
	fuzz(f, HAR)
}

func FuzzLog(f *testing.F) {
	f.Add(logText)
	f.Add(`{"query":"{a}","variables":{"a":{}},"headers":{"a":"b\r\nc"}}`)
	fuzz(f, Log)
}

func FuzzEvents(f *testing.F) {
	f.Add(`{"event_id":"a-b-7","event_type":"weir.cost.v1","timestamp":"2026-05-04T12:00:00.000001Z","operation":"A","operation_kind":"query","latency_us":5}`)
	fuzz(f, Events)
}
