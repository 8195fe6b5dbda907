package oracle

import "fmt"

// graphQL has requests at /graphql that a sidecar cannot or need not read: they pass as any other.
func graphQL() []Scenario {
	const row = "GraphQL that is relayed unread"
	post := func(headers, body string) string {
		return fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s", headers, len(body), body)
	}
	const expect = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 22\r\n\r\n"
	const expected = `{"query":"{__schema}"}`
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	const socket = "GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
	const part = "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"mutation{a}\"}\r\n--b--\r\n"
	const broken = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}zz\r\n"
	// parts is an answer whose chunks must arrive one by one.
	parts := func(name, accept, query, media string) Scenario {
		request := post("Content-Type: application/json\r\nAccept: "+accept+"\r\n", query)
		return Scenario{
			Name: name, Row: "GraphQL answers in parts",
			Client: []Step{Send(request), AwaitEnd()},
			Origin: []Step{
				Receive(request), Send("HTTP/1.1 200 OK\r\nContent-Type: " + media + "\r\nTransfer-Encoding: chunked\r\n\r\n"), Arrive(),
				Send("5\r\nfirst\r\n"), Arrive(), Send("6\r\nsecond\r\n"), Arrive(), Send("0\r\n\r\n"), Close(),
			},
		}
	}
	return []Scenario{
		parts("graphql: subscription over server-sent events", "text/event-stream", `{"query":"subscription{a}"}`, "text/event-stream"),
		parts("graphql: incremental answer", "multipart/mixed", `{"query":"{a}"}`, "multipart/mixed; boundary=\"-\""),
		exchange(row, "graphql: multipart", post("Content-Type: multipart/form-data; boundary=b\r\n", part), ok),
		exchange(row, "graphql: compressed body", post("Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "\x1f\x8b\x08\x00"), ok),
		exchange(row, "graphql: other media type", post("Content-Type: text/plain\r\n", `{"query":"{a}"}`), ok),
		exchange(row, "graphql: page", "GET /graphql HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n", ok),
		exchange(row, "graphql: preflight", "OPTIONS /graphql HTTP/1.1\r\nHost: a\r\nOrigin: b\r\nAccess-Control-Request-Method: POST\r\n\r\n", "HTTP/1.1 204 No Content\r\naccess-control-allow-origin: b\r\n\r\n"),
		exchange(row, "graphql: other path", "POST /graphql/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", ok),
		{
			Name: "graphql: expect", Row: row,
			Client: []Step{Send(expect), Receive(goOn), Send(expected), Receive(ok), CloseWrite()},
			Origin: []Step{Receive(expect), Send(goOn), Receive(expected), Send(ok)},
		},
		{
			Name: "graphql: WebSocket", Row: row,
			Client: []Step{Send(socket), Receive(switching), Send("\x81\x80abcd"), Receive("\x81\x00"), CloseWrite()},
			Origin: []Step{Receive(socket), Send(switching), Receive("\x81\x80abcd"), Send("\x81\x00")},
		},
		{
			Name: "graphql: half-close within a body", Row: row,
			Client: []Step{Send(post("Content-Type: application/json\r\n", `{"query":"{a}"}`)[:100]), CloseWrite(), AwaitEnd()},
			Origin: []Step{Receive(post("Content-Type: application/json\r\n", `{"query":"{a}"}`)[:100]), AwaitEnd(), Send(ok), Close()},
		},
		{
			Name: "graphql: broken chunk", Row: row,
			Client: []Step{Send(broken), Receive(ok), AwaitEnd()},
			Origin: []Step{Receive(broken), Send(ok), Close()},
			Midway: true,
		},
	}
}
