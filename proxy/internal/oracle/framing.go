package oracle

import (
	"net/http"
	"strings"
)

var (
	badFraming   = Refusal{Status: http.StatusBadRequest, Code: "http.bad_framing"}
	headTooLarge = Refusal{Status: http.StatusRequestHeaderFieldsTooLarge, Code: "http.head_too_large"}
)

// refused has what fasthttp's parser refuses, one row for each kind.
func refused() []Scenario {
	var out []Scenario
	for _, c := range []struct{ name, request string }{
		{"duplicate content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"},
		{"signed content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na"},
		{"hex content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na"},
		{"list content-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na"},
		{"unknown transfer-encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: cow\r\n\r\na"},
		{"doubled transfer-encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"transfer-encoding on 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"space before colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\na"},
		{"tab before colon", "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"},
		{"NUL", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n"},
		{"bare CR", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n"},
		{"missing host", "GET / HTTP/1.1\r\nX: a\r\n\r\n"},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
		{"bad host", "GET / HTTP/1.1\r\nHost: a:b:c\r\n\r\n"},
		{"empty name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"},
		{"no colon", "GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n"},
		{"space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"HTTP/0.9", "GET /\r\n"},
	} {
		out = append(out, Scenario{
			Name: "refused: " + c.name, Row: "2.3 refused with 400: " + c.name, Refuse: badFraming,
			Client: []Step{Send(c.request), AwaitEnd()},
		})
	}
	return append(out, Scenario{
		Name: "refused: head too large", Row: "2.3 headers larger than the read buffer", Refuse: headTooLarge, Large: true,
		Client: []Step{Send("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 300<<10)), AwaitEnd()},
	})
}

// ambiguous has what fasthttp's parser accepts, or waits for, and other parsers read in another way. The origin closes behind its answer.
func ambiguous() []Scenario {
	var out []Scenario
	for _, c := range []struct{ name, request string }{
		{"length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"chunks and length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
		{"identity and length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na"},
		{"obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"},
		{"bare LF between header lines", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"},
		{"lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
		{"version 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
		{"leading CRLF", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"LF-only line ends", "GET / HTTP/1.1\nHost: a\n\n"},
	} {
		s := exchange("2.3 accepted: "+c.name, "ambiguous: "+c.name, c.request, ok)
		s.Ambiguous = true
		out = append(out, s)
	}
	for _, c := range []struct{ name, request string }{
		{"get with a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"},
		{
			"get of an operation with a body that looks like a request",
			"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
		},
	} {
		s := exchange("3.1 framing disagreement", "ambiguous: "+c.name, c.request, ok)
		s.Ambiguous = true
		out = append(out, s)
	}
	const post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	return append(out,
		Scenario{
			Name: "broken chunk of a request", Row: "2.3 1.74 only: a broken chunk",
			Client: []Step{Send(post + "1\r\nab\r\n" + nextGet), Receive(ok), AwaitEnd()},
			Origin: []Step{Receive(post + "1\r\nab\r\n" + nextGet), Send(ok), Close()},
		},
		Scenario{
			Name: "CRLF behind a body", Row: "2.3 accepted: leading CRLF", Midway: true,
			Client: []Step{Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}\r\n"), Receive(ok), Send(nextGet), Receive(nextOK), CloseWrite()},
			Origin: []Step{Receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}\r\n"), Send(ok), Receive(nextGet), Send(nextOK)},
		})
}

// otherProtocols has what is not HTTP/1.
func otherProtocols() []Scenario {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	const hello = "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"
	talk := func(name, first, answer string) Scenario {
		return Scenario{
			Name: name, Row: "spliced: " + name,
			Client: []Step{Send(first), Receive(answer), Send("more"), Receive("more"), CloseWrite()},
			Origin: []Step{Receive(first), Send(answer), Receive("more"), Send("more")},
		}
	}
	return []Scenario{
		talk("HTTP/2 with prior knowledge", preface, "\x00\x00\x00\x04\x01\x00\x00\x00\x00"),
		talk("TLS", hello, "\x15\x03\x01\x00\x02\x02\x28"),
		talk("binary garbage", "\x00\xff\x00\xff\x01", "\xfe"),
		talk("lines of text", "EHLO example.org\r\n", "250 fine\r\n"),
		talk("memcached", "get key\r\n", "END\r\n"),
		talk("RESP", "*1\r\n$4\r\nPING\r\n", "+PONG\r\n"),
		{
			Name: "server speaks first", Row: "spliced: server-first",
			Client: []Step{Receive("220 ready\r\n"), Send("EHLO a\r\n"), Receive("250 fine\r\n"), CloseWrite()},
			Origin: []Step{Send("220 ready\r\n"), Receive("EHLO a\r\n"), Send("250 fine\r\n")},
		},
		{
			Name: "server speaks first and ends", Row: "spliced: server-first",
			Client: []Step{AwaitEnd()},
			Origin: []Step{Send("554 no\r\n"), Close()},
		},
		{
			Name: "answer that is not HTTP", Row: "garbage",
			Client: []Step{Send(get), AwaitEnd()},
			Origin: []Step{Receive(get), Send("ICY 200 OK\r\n\r\nmusic"), Close()},
		},
	}
}
