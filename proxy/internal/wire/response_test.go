package wire

import (
	"strings"
	"testing"
)

var responseCases = []struct {
	name, head string
	method     Method
	verdict    Verdict
	framing    Framing
	interim    bool
	close      bool
}{
	{"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", MethodGet, OK, Length, false, false},
	{"length zero", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", MethodGet, OK, NoBody, false, false},
	{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", MethodGet, OK, Chunked, false, false},
	{"upper-case chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", MethodGet, OK, Chunked, false, false},
	{"until close", "HTTP/1.1 200 OK\r\n\r\n", MethodGet, OK, UntilClose, false, true},
	{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", MethodGet, OK, Length, false, true},
	{"HTTP/1.0 kept alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n", MethodGet, OK, Length, false, false},
	{"HTTP/1.0 until close", "HTTP/1.0 200 OK\r\n\r\n", MethodGet, OK, UntilClose, false, true},
	{"close", "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 3\r\n\r\n", MethodGet, OK, Length, false, true},
	{"empty reason", "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", MethodGet, OK, Length, false, false},
	{"no reason", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", MethodGet, OK, Length, false, false},
	{"head", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", MethodHead, OK, NoBody, false, false},
	{"head with chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", MethodHead, OK, NoBody, false, false},
	{"204", "HTTP/1.1 204 No Content\r\n\r\n", MethodGet, OK, NoBody, false, false},
	{"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", MethodGet, OK, NoBody, false, false},
	{"100", "HTTP/1.1 100 Continue\r\n\r\n", MethodPost, OK, NoBody, true, false},
	{"103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", MethodGet, OK, NoBody, true, false},
	{"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", MethodGet, OK, Tunnel, false, false},
	{"connect accepted", "HTTP/1.1 200 \r\n\r\n", MethodConnect, OK, Tunnel, false, false},
	{"connect refused", "HTTP/1.1 403 \r\nContent-Length: 2\r\n\r\n", MethodConnect, OK, Length, false, false},
	{"status 999", "HTTP/1.1 999 Denied\r\nContent-Length: 2\r\n\r\n", MethodGet, OK, Length, false, false},
	{"odd name and value", "HTTP/1.1 200 OK\r\nX(y): \x01\r\nContent-Length: 2\r\n\r\n", MethodGet, OK, Length, false, false},

	{"gzip, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"chunks on 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"204 with chunks", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"fold", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"bare LF", "HTTP/1.1 200 OK\nContent-Length: 3\n\n", MethodGet, Ambiguous, 0, false, false},
	{"bare CR", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"NUL", "HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"space before colon", "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"no colon", "HTTP/1.1 200 OK\r\nnothing\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"ICY", "ICY 200 OK\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"no head at all", "<html>", MethodGet, Ambiguous, 0, false, false},
	{"short status", "HTTP/1.1 20 OK\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"status below 100", "HTTP/1.1 099 OK\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"leading CRLF", "\r\nHTTP/1.1 200 OK\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"too large", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", maxHead) + "\r\n\r\n", MethodGet, Ambiguous, 0, false, false},
	{"not all there", "HTTP/1.1 200 OK\r\nX: a\r\n", MethodGet, Incomplete, 0, false, false},
	{"its beginning", "HTT", MethodGet, Incomplete, 0, false, false},
}

func TestResponseVerdicts(t *testing.T) {
	for _, c := range responseCases {
		t.Run(c.name, func(t *testing.T) {
			var h ResponseHead
			for range 2 {
				v := h.Parse([]byte(c.head + "xyz")[:len(c.head)], maxHead, c.method)
				if v != c.verdict {
					t.Fatalf("verdict %d, want %d", v, c.verdict)
				}
				if v == OK && (h.Framing != c.framing || h.Interim != c.interim || h.Close != c.close || h.Size != len(c.head)) {
					t.Fatalf("%+v", h)
				}
			}
			if len(c.head) > 1000 {
				return
			}
			for n := range len(c.head) {
				if v := h.Parse([]byte(c.head[:n]), maxHead, c.method); v != Incomplete && v != c.verdict {
					t.Fatalf("verdict %d about the first %d bytes, %d about all", v, n, c.verdict)
				}
			}
		})
	}
}

// TestResponseRepeated: the same bytes mean something else for another method.
func TestResponseRepeated(t *testing.T) {
	var h ResponseHead
	b := []byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
	for _, c := range []struct {
		method  Method
		framing Framing
	}{{MethodGet, Length}, {MethodGet, Length}, {MethodHead, NoBody}, {MethodGet, Length}} {
		if v := h.Parse(b, maxHead, c.method); v != OK || h.Framing != c.framing || h.ContentLength != 3 {
			t.Fatalf("%d: %+v", v, h)
		}
	}
	clear(b)
	if string(h.Header("content-length")) != "3" || h.Count("content-length") != 1 {
		t.Fatal("the head has its own copy")
	}
}
