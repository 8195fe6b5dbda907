package oracle

import "slices"

// Scenarios returns all scenarios: one or more for each row of the lists of what proxies are known to break.
func Scenarios() []Scenario {
	return slices.Concat(heads(), bodies(), endings(), failures(), interims(), tunnels(), streams(), large(), graphQL(), refused(), ambiguous(), otherProtocols())
}

const (
	get        = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	ok         = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	nextGet    = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
	nextOK     = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"
	firstRow   = "a request and an answer"
	switching  = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
	earlyHints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
)

// exchange is a request and its answer, then a second exchange on the same connection, which shows that it was kept and is in step.
func exchange(row, name, request, answer string) Scenario {
	return Scenario{
		Name: name, Row: row,
		Client: []Step{Send(request), Receive(answer), Send(nextGet), Receive(nextOK), CloseWrite()},
		Origin: []Step{Receive(request), Send(answer), Receive(nextGet), Send(nextOK)},
	}
}

// closing is a request and an answer behind which the origin closes.
func closing(row, name, request, answer string) Scenario {
	return Scenario{
		Name: name, Row: row,
		Client: []Step{Send(request), AwaitEnd()},
		Origin: []Step{Receive(request), Send(answer), Close()},
	}
}

// heads has what parsers and writers like to change in heads.
func heads() []Scenario {
	const names, target, contentType = "2.2 header case and order", "2.2 target", "2.2 content-type"
	return []Scenario{
		exchange("plain", firstRow, get, ok),
		exchange(names, "header case and order of a request",
			"GET / HTTP/1.1\r\nx-LOWER: 1\r\nuser-agent: z\r\nHOST: a\r\naCCept: */*\r\nX-Lower: 2\r\ncookie: a=b\r\nCookie: c=d\r\n\r\n", ok),
		exchange(names, "header case and order of an answer", get,
			"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nX-B: 2\r\nSet-Cookie: b=2\r\ncontent-length: 2\r\nserver: s\r\nX-A: 1\r\ndate: x\r\n\r\nok"),
		exchange(names, "blanks around values", "GET / HTTP/1.1\r\nHost:a\r\nX:  1 \r\nY:\t2\r\nZ:\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length:2\r\nX:   y  \r\n\r\nok"),
		exchange(names, "duplicated headers", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 1\r\nX: 1\r\n\r\n",
			"HTTP/1.1 200 OK\r\nVia: 1\r\nVia: 1\r\nContent-Length: 2\r\n\r\nok"),
		exchange(names, "hop-by-hop headers", "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE, X-Hop\r\nX-Hop: 1\r\nProxy-Connection: keep-alive\r\n\r\n",
			"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 2\r\nContent-Length: 2\r\n\r\nok"),
		exchange(names, "bytes above ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\nX: \xe9\r\n\r\n", "HTTP/1.1 200 OK\r\nX: \xe9\r\nContent-Length: 2\r\n\r\nok"),
		exchange("2.2 date", "answer without a date", get, ok),
		exchange("2.2 date", "lower-case date", get, "HTTP/1.1 200 OK\r\ndate: Mon, 01 Jan 2001 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok"),
		exchange(contentType, "answer without content-type", get, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>"),
		exchange(contentType, "request without content-type", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", ok),
		exchange("2.5 invented content-type (12339)", "304 without content-type", get, "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"),
		exchange("2.5 CRLF in a value (13624)", "escaped line end in a value", "GET /?a=%0d%0aX:1 HTTP/1.1\r\nHost: a\r\nX: %0d%0aY: 1\r\n\r\n",
			"HTTP/1.1 302 Found\r\nLocation: /?%0d%0aX: 1\r\nContent-Length: 0\r\n\r\n"),
		exchange("2.5 CRLF in a value (13624)", "bare CR in a value of an answer", get, "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok"),
		exchange("2.5 CRLF in a value (13624)", "folded value of an answer", get, "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"),
		exchange(target, "slashes, dots and escapes", "GET //a//b/../c%2Fd?x=%zz&&y HTTP/1.1\r\nHost: a\r\n\r\n", ok),
		exchange(target, "fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", ok),
		exchange(target, "absolute form", "GET http://other.example:81/a?b HTTP/1.1\r\nHost: other.example:81\r\n\r\n", ok),
		exchange(target, "options asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ok),
		exchange(target, "own method", "PURGE /a HTTP/1.1\r\nHost: a\r\n\r\n", ok),
		exchange("2.2 empty reason phrase", "empty reason phrase", get, "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"),
		exchange("2.2 empty reason phrase", "missing reason phrase", get, "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"),
		exchange("2.2 empty reason phrase", "own reason and status", get, "HTTP/1.1 299 Fine, thanks\r\nContent-Length: 2\r\n\r\nok"),
		{
			Name: "pipelining", Row: "2.2 pipelining",
			Client: []Step{Send(get + nextGet + get), Receive(ok + nextOK + ok), CloseWrite()},
			Origin: []Step{Receive(get + nextGet + get), Send(ok), Arrive(), Send(nextOK + ok)},
		},
		{
			Name: "pipelining behind a body", Row: "2.2 pipelining",
			Client: []Step{Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + nextGet), Receive(ok + nextOK), CloseWrite()},
			Origin: []Step{Receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + nextGet), Send(ok + nextOK)},
		},
	}
}

// bodies has framing.
func bodies() []Scenario {
	const chunks = "2.2 chunking"
	const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	const post = "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	const head = "HEAD /files/1 HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\n\r\n"
	const old = "2.2 origin speaks HTTP/1.0"
	return []Scenario{
		exchange(chunks, "chunking of an answer is kept", get, chunkedHead+"1\r\na\r\n0002\r\nbc\r\n0a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n"),
		exchange(chunks, "chunking of a request is kept", post+"1\r\na\r\n02\r\nbc\r\n00\r\n\r\n", ok),
		exchange(chunks, "chunk extensions", post+"1;a=b\r\na\r\n0;last=\"1;2\"\r\n\r\n", chunkedHead+"2;x\r\nok\r\n0;y\r\n\r\n"),
		exchange("2.2 trailers", "trailers of an answer", get,
			"HTTP/1.1 200 OK\r\nTrailer: X-Sum, grpc-status\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-SUM: 1\r\ngrpc-status: 0\r\n\r\n"),
		exchange("2.2 trailers", "trailers of a request that were not announced", post+"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", ok),
		exchange("2.5 chunk-size text in a body (11507)", "chunks that hold what looks like chunks", get,
			chunkedHead+"a\r\n5\r\nabc\r\n0\r\n\r\n1\r\n0\r\n0\r\n\r\n"),
		exchange("2.5 chunk-size text in a body (11507)", "an encoded body in chunks", get,
			"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\x1f\x8b\x08\x00\r\n0\r\n\r\n"),
		closing("2.2 response transfer-encoding gzip, chunked", "gzip, chunked", get,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\n\x1f\x8b\x08\x00\r\n0\r\n\r\n"),
		exchange("2.2 response transfer-encoding gzip, chunked", "gzip, chunked on a connection that goes on", get,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\n\x1f\x8b\x08\x00\r\n0\r\n\r\n"),
		exchange("2.5 TUS/HEAD (11664)", "head with a length", head, "HTTP/1.1 200 OK\r\nUpload-Offset: 70\r\nContent-Length: 100\r\n\r\n"),
		exchange("2.5 TUS/HEAD (11664)", "head without a length", head, "HTTP/1.1 200 OK\r\nUpload-Offset: 70\r\nCache-Control: no-store\r\n\r\n"),
		exchange("2.5 TUS/HEAD (11664)", "head with chunks", head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
		exchange("204/304", "204", get, "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"),
		exchange("204/304", "304 with a length", get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"),
		closing("2.5 page without content-length (11437)", "body that ends with the connection", get, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html></html>"),
		closing("2.5 page without content-length (11437)", "empty body that ends with the connection", get, "HTTP/1.1 200 OK\r\n\r\n"),
		closing(old, "HTTP/1.0 and a body that ends with the connection", get, "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nhello"),
		closing(old, "HTTP/1.0 with a length", get, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
		closing(old, "HTTP/1.0 on both sides", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nhello"),
		exchange(old, "HTTP/1.0 that keeps the connection", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
			"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello"),
		closing(old, "HTTP/1.1 for a client of HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nhello"),
	}
}
