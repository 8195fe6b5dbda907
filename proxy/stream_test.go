package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// An answer to a client that takes event streams only is one: by HTTP/1.1 in chunks, and the connection goes on; by HTTP/1.0 up to its end.
func TestAnEventStreamWithOneAnswer(t *testing.T) {
	r := fetching(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":{"n":1}}`) }, nil)
	const body, want = `{"query":"{ n }"}`, "event: next\ndata: {\"data\":{\"n\":1}}\n\nevent: complete\ndata:\n\n"
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for i, version := range []string{"1.1", "1.1", "1.0"} {
		fmt.Fprintf(conn, "POST /graphql HTTP/%s\r\nHost: a\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: %d\r\n\r\n%s", version, len(body), body)
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		chunked := len(answer.TransferEncoding) == 1
		if err != nil || string(text) != want || chunked != (version == "1.1") || answer.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
			t.Errorf("%d: %q %v %v %v", i, text, err, answer.TransferEncoding, answer.Header)
		}
	}
	if answer := r.post("Accept", "application/json, text/event-stream"); !strings.HasPrefix(answer, `{"data"`) {
		t.Error(answer)
	}
}
