package oracle

const (
	eventChunks = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	hung        = "2.5 hung uploads (11258)"
	up          = "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
)

// streams has what must not wait.
func streams() []Scenario {
	const sse = "2.2 server-sent events"
	const events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
	const upLength = "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
	const tooBig = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig"
	return []Scenario{
		{
			Name: "events arrive one by one", Row: sse,
			Client: []Step{Send(get), AwaitEnd()},
			Origin: []Step{Receive(get), Send(events), Arrive(), Send("data: 1\n\n"), Arrive(), Send("data: 2\n\n"), Arrive(), Close()},
		},
		{
			Name: "events in chunks arrive one by one", Row: sse,
			Client: []Step{Send(get), AwaitEnd()},
			Origin: []Step{Receive(get), Send(eventChunks), Arrive(), Send("9\r\ndata: 1\n\n\r\n"), Arrive(), Send("9\r\nda"), Arrive(), Send("ta: 2\n\n\r\n"), Arrive(), Send("0\r\n\r\n"), Close()},
		},
		{
			Name: "client leaves an event stream", Row: sse,
			Client: []Step{Send(get), Receive(events + "data: 1\n\n"), Close()},
			Origin: []Step{Receive(get), Send(events), Arrive(), Send("data: 1\n\n"), AwaitEnd()},
		},
		{
			Name: "parts of a body arrive one by one", Row: hung,
			Client: []Step{Send(upLength + "01"), Arrive(), Send("234"), Arrive(), Send("56789"), Receive(ok), CloseWrite()},
			Origin: []Step{Receive(upLength + "0123456789"), Send(ok)},
		},
		{
			Name: "chunks of a request arrive one by one", Row: hung,
			Client: []Step{Send(up), Arrive(), Send("2\r\nok\r\n"), Arrive(), Send("2\r\nok\r\n0\r\n\r\n"), Receive(ok), CloseWrite()},
			Origin: []Step{Receive(up + "2\r\nok\r\n2\r\nok\r\n0\r\n\r\n"), Send(ok)},
		},
		{
			Name: "both directions at once", Row: hung,
			Client: []Step{Send(up + "1\r\na\r\n"), Receive(eventChunks + "1\r\na\r\n"), Send("1\r\nb\r\n"), Receive("1\r\nb\r\n"), Send("0\r\n\r\n"), Receive("0\r\n\r\n"), Send(nextGet), Receive(nextOK), CloseWrite()},
			Origin: []Step{Receive(up + "1\r\na\r\n"), Send(eventChunks + "1\r\na\r\n"), Receive("1\r\nb\r\n"), Send("1\r\nb\r\n"), Receive("0\r\n\r\n"), Send("0\r\n\r\n"), Receive(nextGet), Send(nextOK)},
		},
		{
			Name: "answer before the body is there", Row: hung,
			Client: []Step{Send(upLength + "01"), Receive(ok), Send("23456789" + nextGet), Receive(nextOK), CloseWrite()},
			Origin: []Step{Receive(upLength + "01"), Send(ok), Receive("23456789" + nextGet), Send(nextOK)},
		},
		{
			Name: "answer and end before the body is there", Row: hung,
			Client: []Step{Send(upLength + "01"), Receive(tooBig), AwaitEnd()},
			Origin: []Step{Receive(upLength + "01"), Send(tooBig), Close()},
		},
	}
}

const (
	largeStream = 64 << 20
	maxGrowth   = 24 << 20
)

// large has what must not be kept.
func large() []Scenario {
	const head = "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 67108864\r\n\r\n"
	const chunks = largeStream / blockSize * (blockSize + len(chunkLine) + len("\r\n"))
	return []Scenario{
		{
			Name: "large upload with a length", Row: hung, Large: true, MaxHeap: maxGrowth,
			Client: []Step{Send(head), Generate(largeStream), Receive(ok), CloseWrite()},
			Origin: []Step{Receive(head), ReceiveN(largeStream), Send(ok)},
		},
		{
			Name: "large upload in chunks", Row: hung, Large: true, MaxHeap: maxGrowth,
			Client: []Step{Send(up), GenerateChunks(largeStream), Send("0\r\n\r\n"), Receive(ok), CloseWrite()},
			Origin: []Step{Receive(up), ReceiveN(int64(chunks) + 5), Send(ok)},
		},
		{
			Name: "large download", Row: "constant memory", Large: true, MaxHeap: maxGrowth,
			Client: []Step{Send(get), AwaitEnd()},
			Origin: []Step{Receive(get), Send("HTTP/1.1 200 OK\r\n\r\n"), Generate(largeStream), Close()},
		},
		{
			Name: "large download in chunks", Row: "constant memory", Large: true, MaxHeap: maxGrowth,
			Client: []Step{Send(get), AwaitEnd()},
			Origin: []Step{Receive(get), Send(eventChunks), GenerateChunks(largeStream), Send("0\r\n\r\n"), Close()},
		},
	}
}
