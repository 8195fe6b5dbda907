package oracle

// interims has 1xx answers and Expect.
func interims() []Scenario {
	const row = "2.2 expect: 100-continue"
	const head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	const refusal = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	const unauthorised = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
	return []Scenario{
		{
			Name: "origin says 100", Row: row,
			Client: []Step{Send(head), Receive(goOn), Send("body"), Receive(ok), CloseWrite()},
			Origin: []Step{Receive(head), Send(goOn), Receive("body"), Send(ok)},
		},
		{
			Name: "origin says 417 before the body", Row: row,
			Client: []Step{Send(head), Receive(refusal), AwaitEnd()},
			Origin: []Step{Receive(head), Send(refusal), Close()},
		},
		{
			Name: "origin says 401 before the body", Row: row,
			Client: []Step{Send(head), Receive(unauthorised), Send("body" + nextGet), Receive(nextOK), CloseWrite()},
			Origin: []Step{Receive(head), Send(unauthorised), Receive("body" + nextGet), Send(nextOK)},
		},
		{
			Name: "client does not wait for 100", Row: row,
			Client: []Step{Send(head + "body"), Receive(goOn + ok), CloseWrite()},
			Origin: []Step{Receive(head + "body"), Send(goOn + ok)},
		},
		{
			Name: "origin never says 100", Row: row,
			Client: []Step{Send(head), Arrive(), Send("body"), Receive(ok), CloseWrite()},
			Origin: []Step{Receive(head + "body"), Send(ok)},
		},
		{
			Name: "100 with headers of its own and an own reason", Row: row,
			Client: []Step{Send(head), Receive("HTTP/1.1 100 Go\r\nx-a: 1\r\n\r\n"), Send("body"), Receive(ok), CloseWrite()},
			Origin: []Step{Receive(head), Send("HTTP/1.1 100 Go\r\nx-a: 1\r\n\r\n"), Receive("body"), Send(ok)},
		},
		{
			Name: "103 before the answer", Row: "2.2 103 early hints",
			Client: []Step{Send(get), Receive(earlyHints), Receive(ok), CloseWrite()},
			Origin: []Step{Receive(get), Send(earlyHints), Arrive(), Send(ok)},
		},
		exchange("2.2 103 early hints", "102 and two 103 at once with the answer", get,
			"HTTP/1.1 102 Processing\r\n\r\n"+earlyHints+earlyHints+ok),
		exchange("2.2 103 early hints", "103 before an answer to head", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
			earlyHints+"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
	}
}

// tunnels has protocols that begin as HTTP/1.
func tunnels() []Scenario {
	const row = "2.2 101 / WebSocket"
	const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
	const frame, answer = "\x81\x85\x01\x02\x03\x04iggho", "\x81\x05hello"
	const connect, connected = "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", "HTTP/1.1 200 \r\n\r\n"
	const h2c = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
	return []Scenario{
		{
			Name: "WebSocket", Row: row,
			Client: []Step{Send(upgrade), Receive(switching), Send(frame), Receive(answer), Send(frame), Receive(answer), CloseWrite()},
			Origin: []Step{Receive(upgrade), Send(switching), Receive(frame), Send(answer), Receive(frame), Send(answer)},
		},
		{
			Name: "WebSocket whose origin speaks first and ends", Row: row,
			Client: []Step{Send(upgrade), Receive(switching + answer), Send(frame), AwaitEnd()},
			Origin: []Step{Receive(upgrade), Send(switching + answer), Receive(frame), Send("\x88\x00"), Close()},
		},
		{
			Name: "header case of a WebSocket", Row: "2.5 WebSocket headers (11240, 11301)",
			Client: []Step{Send("GET /ws HTTP/1.1\r\nhost: a\r\nupgrade: WebSocket\r\nconnection: upgrade\r\nSec-Websocket-key: x\r\n\r\n"), Receive("HTTP/1.1 101 \r\nSec-WebSocket-Accept: y\r\nupgrade: WebSocket\r\nconnection: upgrade\r\n\r\n"), Send(frame), Receive(answer), CloseWrite()},
			Origin: []Step{Receive("GET /ws HTTP/1.1\r\nhost: a\r\nupgrade: WebSocket\r\nconnection: upgrade\r\nSec-Websocket-key: x\r\n\r\n"), Send("HTTP/1.1 101 \r\nSec-WebSocket-Accept: y\r\nupgrade: WebSocket\r\nconnection: upgrade\r\n\r\n"), Receive(frame), Send(answer)},
		},
		exchange(row, "refused upgrade", upgrade, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno"),
		{
			Name: "upgrade to h2c", Row: row,
			Client: []Step{Send(h2c), Receive("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Receive("\x00\x00\x00\x04\x00\x00\x00\x00\x00"), CloseWrite()},
			Origin: []Step{Receive(h2c), Send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), Receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Send("\x00\x00\x00\x04\x00\x00\x00\x00\x00")},
		},
		{
			Name: "connect", Row: "2.2 empty reason phrase; connect",
			Client: []Step{Send(connect), Receive(connected), Send("\x16\x03\x01"), Receive("\x16\x03\x03"), CloseWrite()},
			Origin: []Step{Receive(connect), Send(connected), Receive("\x16\x03\x01"), Send("\x16\x03\x03")},
		},
		exchange("2.2 empty reason phrase; connect", "refused connect", connect, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
	}
}
