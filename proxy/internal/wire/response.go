package wire

import "bytes"

// ResponseHead is the head of a response. The zero value is ready for Parse.
type ResponseHead struct {
	fields
	Size          int // bytes of the head, the empty line included
	Status        int
	Minor         int // of HTTP/1.x
	Framing       Framing
	ContentLength int64
	Close         bool // the connection ends behind the message
	Interim       bool // 1xx other than 101: another head follows

	method  Method // of the request, when buf holds a head that was OK
	closing bool   // Close as parsed
}

// Parse reads the head of an answer to a request of the given method. It is lenient, for the origin is trusted: what cannot be framed
// with certainty is Ambiguous, and then all that follows is to be relayed unread. It never refuses, and a head of more than maxHead bytes
// is Ambiguous too.
func (h *ResponseHead) Parse(buf []byte, maxHead int, method Method) Verdict {
	if method == h.method && h.same(buf) && len(h.buf) <= maxHead {
		h.Close = h.closing
		return OK
	}
	h.forget()
	if !mayBeStatusLine(buf) {
		return Ambiguous
	}
	size := 4 + bytes.Index(buf[:min(len(buf), maxHead)], emptyLine)
	if size < 4 {
		if _, bare := headEnd(buf); bare || len(buf) > maxHead {
			return Ambiguous
		}
		return Incomplete
	}
	h.keep(buf[:size])
	*h = ResponseHead{fields: h.fields, Size: size, method: method}
	if !h.line() || !h.headers() || !h.frame(method) {
		h.forget()
		return Ambiguous
	}
	h.closing = h.Close
	return OK
}

const statusLine = "HTTP/1."

func mayBeStatusLine(b []byte) bool {
	n := min(len(b), len(statusLine))
	return string(b[:n]) == statusLine[:n]
}

// line reads the status line; the reason may be empty, and the space before it may be missing.
func (h *ResponseHead) line() bool {
	b := h.buf
	if len(b) < len("HTTP/1.1 200\r\n") || b[8] != ' ' || b[7] != '0' && b[7] != '1' {
		return false
	}
	h.Minor = int(b[7] - '0')
	for _, c := range b[9:12] {
		if c < '0' || c > '9' {
			return false
		}
		h.Status = h.Status*10 + int(c-'0')
	}
	return h.Status >= 100 && (b[12] == ' ' || b[12] == '\r' && b[13] == '\n')
}

// headers reads the header lines. Names and values may hold odd bytes, for framing does not depend on them, but a folded line, a blank in
// or behind a name, NUL and a bare CR are read in different ways by different clients.
func (h *ResponseHead) headers() bool {
	b := h.buf
	i := bytes.IndexByte(b, '\n') + 1
	if b[i-2] != '\r' {
		return false
	}
	for i+2 < len(b) {
		start := i
		for b[i] > ' ' && b[i] != ':' && b[i] != 0x7f {
			i++
		}
		if i == start || b[i] != ':' {
			return false
		}
		nameEnd := i
		i++
		end := i + bytes.IndexByte(b[i:], '\n')
		if b[end-1] != '\r' {
			return false
		}
		s, e := trim(b, i, end-1)
		value := b[s:e]
		if !areValues(value) && (bytes.IndexByte(value, '\r') >= 0 || bytes.IndexByte(value, 0) >= 0) {
			return false
		}
		h.add(start, nameEnd, s, e)
		i = end + 1
	}
	return true
}

// frame follows RFC 9112, section 6.3; false where clients may differ.
func (h *ResponseHead) frame(method Method) bool {
	lengths, codings, keepAlive := 0, 0, false
	chunked := false
	for i := range h.list {
		f := &h.list[i]
		name, value := h.buf[f.name:f.nameEnd], h.buf[f.value:f.valueEnd]
		switch len(name) {
		case len("connection"):
			if equalFold(name, "connection") {
				h.Close = h.Close || hasToken(value, "close")
				keepAlive = keepAlive || hasToken(value, "keep-alive")
			}
		case len("content-length"):
			if equalFold(name, "content-length") {
				lengths++
				var ok bool
				if h.ContentLength, ok = number(value); !ok {
					return false
				}
			}
		case len("transfer-encoding"):
			if equalFold(name, "transfer-encoding") {
				codings++
				chunked = equalFold(value, "chunked")
			}
		}
	}
	h.Close = h.Close || h.Minor == 0 && !keepAlive
	if lengths > 1 {
		return false
	}
	switch {
	case h.Status == 101, method == MethodConnect && h.Status/100 == 2:
		h.Framing = Tunnel
		return true
	case h.Status < 200, h.Status == 204:
		h.Interim = h.Status < 200
		return codings == 0 && h.ContentLength == 0
	case method == MethodHead, h.Status == 304:
		return true
	case codings > 0:
		h.Framing = Chunked
		return chunked && codings == 1 && lengths == 0 && h.Minor == 1
	case h.ContentLength > 0:
		h.Framing = Length
	case lengths == 0:
		h.Framing, h.Close = UntilClose, true
	}
	return true
}
