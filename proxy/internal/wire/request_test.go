package wire

import (
	"strings"
	"testing"
)

const maxHead = 64 << 10

// requestCases has one row for each kind of input of the list of what fasthttp's parser lets in, and for each part of the gate.
var requestCases = []struct {
	name, head string
	verdict    Verdict
	code       string
}{
	{"plain get", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", OK, ""},
	{"post with a length", "POST /graphql HTTP/1.1\r\nHost: a.b:80\r\nContent-Length: 12\r\n\r\n", OK, ""},
	{"post with chunks", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", OK, ""},
	{"length zero", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", OK, ""},
	{"HTTP/1.0 without host", "GET / HTTP/1.0\r\n\r\n", OK, ""},
	{"options asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", OK, ""},
	{"absolute form", "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", OK, ""},
	{"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", OK, ""},
	{"unknown method", "PURGE / HTTP/1.1\r\nHost: a\r\n\r\n", OK, ""},
	{"double slashes and dots", "GET //a//b/../c%2Fd#f HTTP/1.1\r\nHost: a\r\n\r\n", OK, ""},
	{"IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", OK, ""},
	{"announced trailer", "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n", OK, ""},
	{"empty value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n", OK, ""},
	{"obs-text and tab in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xe9\tb\r\n\r\n", OK, ""},
	{"blanks around a value", "GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n", OK, ""},

	{"duplicate content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Refuse, CodeContentLength},
	{"conflicting content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Refuse, CodeContentLength},
	{"signed content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", Refuse, CodeContentLength},
	{"negative content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", Refuse, CodeContentLength},
	{"hex content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", Refuse, CodeContentLength},
	{"list content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", Refuse, CodeContentLength},
	{"empty content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", Refuse, CodeContentLength},
	{"content-length out of range", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", Refuse, CodeContentLength},
	{"unknown transfer-encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", Refuse, CodeCoding},
	{"list transfer-encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Refuse, CodeCoding},
	{"doubled transfer-encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", Refuse, CodeCoding},
	{"transfer-encoding on 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Refuse, CodeCoding},
	{"space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", Refuse, CodeName},
	{"tab before colon", "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", Refuse, CodeName},
	{"space before colon of a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\n", Refuse, CodeName},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", Refuse, CodeValue},
	{"NUL in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\x00: a\r\n\r\n", Refuse, CodeName},
	{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", Refuse, CodeVersion},
	{"bare CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", Refuse, CodeValue},
	{"CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", Refuse, CodeValue},
	{"missing host", "GET / HTTP/1.1\r\nX: a\r\n\r\n", Refuse, CodeHost},
	{"no headers at all", "GET / HTTP/1.1\r\n\r\n", Refuse, CodeHost},
	{"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", Refuse, CodeHost},
	{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Refuse, CodeHost},
	{"bad host", "GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n", Refuse, CodeHost},
	{"bad port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", Refuse, CodeHost},
	{"empty name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", Refuse, CodeName},
	{"no colon", "GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", Refuse, CodeName},
	{"space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", Refuse, CodeVersion},
	{"HTTP/0.9", "GET /\r\n\r\n", Refuse, CodeVersion},
	{"two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Refuse, CodeVersion},
	{"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", Refuse, CodeRequestLine},
	{"method with a bracket", "G[T / HTTP/1.1\r\nHost: a\r\n\r\n", Refuse, CodeRequestLine},
	{"asterisk for get", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", Refuse, CodeTarget},
	{"target without a slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", Refuse, CodeTarget},
	{"target with a bad scheme", "GET 1http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Refuse, CodeTarget},
	{"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", Refuse, CodeVersion},
	{"first header begins with a space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", Refuse, CodeFold},
	{"forbidden trailer", "POST / HTTP/1.1\r\nHost: a\r\nTrailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n", Refuse, CodeTrailer},

	{"length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Ambiguous, CodeBothLengths},
	{"chunks and length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", Ambiguous, CodeBothLengths},
	{"identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", Ambiguous, CodeCoding},
	{"identity and length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: identity\r\n\r\n", Ambiguous, CodeCoding},
	{"upper-case chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", Ambiguous, CodeCoding},
	{"obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", Ambiguous, CodeFold},
	{"obs-fold of a coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n", Ambiguous, CodeFold},
	{"obs-fold that splits a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n 2\r\n\r\n", Refuse, CodeFold},
	{"bare LF between header lines", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", Ambiguous, CodeLineEnd},
	{"bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", Ambiguous, CodeLineEnd},
	{"LF only", "GET / HTTP/1.1\nHost: a\n\n", Ambiguous, CodeLineEnd},
	{"LF before the empty line", "GET / HTTP/1.1\r\nHost: a\n\r\n", Ambiguous, CodeLineEnd},
	{"LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", Ambiguous, CodeLineEnd},
	{"lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", Ambiguous, CodeMethod},
	{"mixed-case method", "Post / HTTP/1.1\r\nHost: a\r\n\r\n", Ambiguous, CodeMethod},
	{"version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", Ambiguous, CodeVersion},
	{"version 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", Ambiguous, CodeVersion},
	{"leading CRLF", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Ambiguous, CodeLeadingLine},
	{"leading LF", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Ambiguous, CodeLeadingLine},
	{"space inside a name", "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", Ambiguous, CodeName},
	{"leading zero in a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 010\r\n\r\n", Ambiguous, CodeContentLength},
	{"connection names a framing header", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close, Content-Length\r\nContent-Length: 1\r\n\r\n", Ambiguous, CodeConnection},
	{"get with a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", Ambiguous, CodeGetBody},
	{"head with chunks", "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Ambiguous, CodeGetBody},
	{"get with length zero", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", OK, ""},
	{"connect with a length", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", Ambiguous, CodeContentLength},
	{"connect with chunks", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Ambiguous, CodeCoding},
	{"lower-case method with two lengths", "post / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Refuse, CodeMethod},

	{"request line only", "GET / HTTP/1.1\r\n", Incomplete, ""},
	{"no empty line", "GET / HTTP/1.1\r\nHost: a\r\n", Incomplete, ""},
	{"too large", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", maxHead) + "\r\n\r\n", TooLarge, CodeTooLarge},
	{"too large without an end", "GET /" + strings.Repeat("a", maxHead), TooLarge, CodeTooLarge},
}

func TestRequestVerdicts(t *testing.T) {
	for _, c := range requestCases {
		t.Run(c.name, func(t *testing.T) {
			var h RequestHead
			for range 2 { // the second time it may be recognised
				if v := h.Parse([]byte(c.head), maxHead); v != c.verdict || h.Code != c.code {
					t.Fatalf("verdict %d code %q, want %d %q", v, h.Code, c.verdict, c.code)
				}
			}
			if c.verdict == OK && h.Size != len(c.head) {
				t.Fatalf("size %d, want %d", h.Size, len(c.head))
			}
		})
	}
}

// TestRequestPrefixes: about each prefix the verdict is Incomplete or the verdict about the whole; and a body behind the head changes nothing.
func TestRequestPrefixes(t *testing.T) {
	for _, c := range requestCases {
		if len(c.head) > 1000 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			var h RequestHead
			for n := range len(c.head) {
				if v := h.Parse([]byte(c.head[:n]), maxHead); v != Incomplete && v != c.verdict {
					t.Fatalf("verdict %d about the first %d bytes, %d about all", v, n, c.verdict)
				}
			}
			for _, tail := range []string{"x", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"} {
				if c.verdict == Incomplete {
					break
				}
				if v := h.Parse([]byte(c.head+tail), maxHead); v != c.verdict {
					t.Fatalf("verdict %d with %q behind it, want %d", v, tail, c.verdict)
				}
			}
		})
	}
}

func TestRequestFields(t *testing.T) {
	head := "POST /graphql?a=1?b HTTP/1.1\r\nHost: a\r\nACCEPT: x\r\naccept: y\r\nContent-Length: 7\r\n" +
		"Connection: Keep-Alive, Upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n\r\n"
	var h RequestHead
	buf := []byte(head + "body")
	if v := h.Parse(buf, maxHead); v != OK {
		t.Fatal(v)
	}
	clear(buf) // the head has its own copy
	lines := ""
	for i := range h.Len() {
		name, line := h.Line(i)
		if !strings.HasPrefix(string(line), string(name)+":") {
			t.Errorf("line %d is %q and its name %q", i, line, name)
		}
		lines += string(line) + "\r\n"
	}
	for _, c := range []struct{ name, got, want string }{
		{"method", string(h.MethodBytes()), "POST"},
		{"target", string(h.Target()), "/graphql?a=1?b"},
		{"path", string(h.Path()), "/graphql"},
		{"query", string(h.Query()), "a=1?b"},
		{"raw", string(h.Raw()), head},
		{"first accept", string(h.Header("accept")), "x"},
		{"lines", lines, head[strings.Index(head, "Host") : len(head)-2]},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", c.name, c.got, c.want)
		}
	}
	if h.Method != MethodPost || h.Minor != 1 || h.Framing != Length || h.ContentLength != 7 || h.Close || !h.KeepAlive || !h.Upgrade || !h.Expect {
		t.Errorf("%+v", h)
	}
	if h.Count("accept") != 2 || h.Count("cookie") != 0 || h.Header("cookie") != nil {
		t.Error("counts")
	}
	names := ""
	h.VisitHeaders(func(name, _ []byte) bool { names += string(name) + " "; return len(names) < 12 })
	if names != "Host ACCEPT " {
		t.Errorf("visited %q", names)
	}
	for target, path := range map[string]string{"http://h/p?q": "/p", "http://h": "http://h", "/p": "/p", "/": "/"} {
		if h.Parse([]byte("GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n"), maxHead) != OK || string(h.Path()) != path {
			t.Errorf("path of %s is %q", target, h.Path())
		}
		if rest, found := strings.CutPrefix(target, string(h.Authority())); !found || !strings.HasPrefix(rest, path) || h.Steered == (target[0] == '/') {
			t.Errorf("authority of %s is %q, steered %v", target, h.Authority(), h.Steered)
		}
	}
	for line, want := range map[string]bool{"X-Forwarded-Host: a": true, "forwarded: host=a": true, "X-HTTP-METHOD-OVERRIDE: GET": true, "X-Forwarded-For: a": false, "X-Hosts: a": false, "F: a": false} {
		if h.Parse([]byte("GET / HTTP/1.1\r\nHost: h\r\n"+line+"\r\n\r\n"), maxHead) != OK || h.Steered != want {
			t.Errorf("%s: steered %v", line, h.Steered)
		}
	}
}

func TestRequestRepeated(t *testing.T) {
	var h RequestHead
	one := []byte("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
	other := []byte("GET /b HTTP/1.1\r\nHost: a\r\n\r\n")
	h.Parse(one, maxHead)
	if h.Repeated {
		t.Fatal("the first head is not a repetition")
	}
	h.Close = true // as an owner may
	if v := h.Parse(append(one[:len(one):len(one)], other...), maxHead); v != OK || !h.Repeated || h.Close || h.Size != len(one) {
		t.Fatalf("verdict %d, %+v", v, h)
	}
	if v := h.Parse(one, len(one)-1); v != TooLarge {
		t.Fatalf("verdict %d, want TooLarge", v)
	}
	h.Parse(one, maxHead)
	if v := h.Parse(other, maxHead); v != OK || h.Repeated || string(h.Path()) != "/b" {
		t.Fatalf("verdict %d, %+v", v, h)
	}
	if v := h.Parse([]byte("GET  / HTTP/1.1\r\n\r\n"), maxHead); v != Refuse {
		t.Fatal(v)
	}
	if h.Parse(other, maxHead); h.Repeated {
		t.Fatal("a refused head came between")
	}
}

func TestRequestMemory(t *testing.T) {
	var h RequestHead
	if v := h.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\n"+strings.Repeat("a:\r\n", 15000)+"\r\n"), maxHead); v != OK {
		t.Fatal(v)
	}
	h.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), maxHead)
	if cap(h.buf) > maxKept || cap(h.list) > maxKeptFields {
		t.Fatalf("keeps %d bytes and %d fields", cap(h.buf), cap(h.list))
	}
}
