package oracle

const cutAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst half"

// endings has closes and failures.
func endings() []Scenario {
	const retry = "2.2 retry"
	post := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
	silent := func(name, request string) Scenario {
		return Scenario{
			Name: name, Row: retry,
			Client: []Step{Send(request), AwaitEnd()},
			Origin: []Step{Receive(request), Close()},
		}
	}
	return []Scenario{
		closing("Connection: close", "connection close in the answer", get, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
		closing("Connection: close", "connection close in the request", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", ok),
		silent("retry: get", get),
		silent("retry: put", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"),
		silent("retry: post", post),
		{
			Name: "origin closes an idle connection", Row: "2.2 stale keep-alive",
			Client: []Step{Send(post), Receive(ok), AwaitEnd()},
			Origin: []Step{Receive(post), Send(ok), Arrive(), Close()},
		},
		{
			Name: "origin closes between two answers", Row: "2.2 stale keep-alive",
			Client: []Step{Send(post), Receive(ok), Send(post), AwaitEnd()},
			Origin: []Step{Receive(post), Send(ok), Receive(post), Close()},
		},
		{
			Name: "client goes away before the answer", Row: "2.2 client goes away",
			Client: []Step{Send(get), Arrive(), Close()},
			Origin: []Step{Receive(get), AwaitEnd()},
		},
		{
			Name: "client resets before the answer", Row: "2.2 client goes away",
			Client: []Step{Send(get), Arrive(), Reset()},
			Origin: []Step{Receive(get), AwaitEnd()},
		},
		{
			Name: "client resets within an answer", Row: "2.2 client goes away",
			Client: []Step{Send(get), Receive(cutAnswer), Reset()},
			Origin: []Step{Receive(get), Send(cutAnswer), AwaitEnd()},
		},
		{
			Name: "half-close behind a request", Row: "half-close",
			Client: []Step{Send(get), CloseWrite(), AwaitEnd()},
			Origin: []Step{Receive(get), AwaitEnd(), Send(ok), Close()},
		},
		{
			Name: "half-close within a body", Row: "half-close",
			Client: []Step{Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"), CloseWrite(), AwaitEnd()},
			Origin: []Step{Receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"), AwaitEnd(), Send(ok), Close()},
		},
		{
			Name: "half-close within a head", Row: "half-close",
			Client: []Step{Send("GET / HTTP/1.1\r\nHost: a\r\n"), CloseWrite(), AwaitEnd()},
			Origin: []Step{Receive("GET / HTTP/1.1\r\nHost: a\r\n"), AwaitEnd(), Send(ok), Close()},
		},
		{
			Name: "half-close behind pipelined requests", Row: "half-close",
			Client: []Step{Send(get + nextGet), CloseWrite(), AwaitEnd()},
			Origin: []Step{Receive(get + nextGet), AwaitEnd(), Send(ok), Arrive(), Send(nextOK), Close()},
		},
	}
}

// failures has answers that break off.
func failures() []Scenario {
	const row = "2.5 text behind a failure within a body (13568)"
	return []Scenario{
		closing(row, "answer cut within a length", get, cutAnswer),
		closing(row, "answer cut within a chunk", get,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nfirst half"),
		closing(row, "answer cut before the last chunk", get,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
		closing(row, "answer cut within its head", get, "HTTP/1.1 200 OK\r\nContent-Le"),
		closing(row, "answer with a broken chunk", get,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n"),
		{
			Name: "origin resets within an answer", Row: "origin reset midway",
			Client: []Step{Send(get), AwaitEnd()},
			Origin: []Step{Receive(get), Send(cutAnswer), Arrive(), Reset()},
		},
		{
			Name: "origin resets before an answer", Row: "origin reset midway",
			Client: []Step{Send(get), AwaitEnd()},
			Origin: []Step{Receive(get), Reset()},
		},
		exchange("answer longer than its request", "unasked bytes behind an answer", get, ok+"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
	}
}
