package answer

import "strconv"

// Streamed describes the head of an answer whose body comes in parts.
type Streamed struct {
	Connection
	Media string
}

// AppendStreamed appends the head. The body of HTTP/1.1 is AppendPart's, up to EndOfParts; that of HTTP/1.0 ends with the connection.
func (w *Writer) AppendStreamed(dst []byte, s *Streamed, now int64) []byte {
	dst = append(append(append(dst, "HTTP/1.1 200 OK\r\nContent-Type: "...), s.Media...), "\r\n"...)
	if s.Minor > 0 {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	// Whoever stands between shall pass each part on as it comes.
	dst = append(dst, "Cache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\n"...)
	return w.finish(dst, s.Connection, now)
}

// EndOfParts ends a body of HTTP/1.1.
const EndOfParts = "0\r\n\r\n"

// AppendPart appends a part of the body as one chunk (RFC 9112, section 7.1). An empty part is none.
func AppendPart(dst, part []byte) []byte {
	if len(part) == 0 {
		return dst
	}
	dst = append(strconv.AppendUint(dst, uint64(len(part)), 16), "\r\n"...)
	return append(append(dst, part...), "\r\n"...)
}

// MediaEvents is the type of an event stream.
const MediaEvents = "text/event-stream; charset=utf-8"

// Complete is the event that ends a stream of GraphQL over SSE (github.com/enisdenjo/graphql-sse, PROTOCOL.md, distinct connections mode).
const Complete = "event: complete\ndata:\n\n"

// AppendNext appends an answer as an event of that protocol. Line ends in it, which are between the tokens of JSON, begin another line of data.
func AppendNext(dst, body []byte) []byte {
	dst = append(dst, "event: next\ndata: "...)
	for _, b := range body {
		if b == '\n' || b == '\r' {
			dst = append(dst, "\ndata: "...)
			continue
		}
		dst = append(dst, b)
	}
	return append(dst, "\n\n"...)
}
