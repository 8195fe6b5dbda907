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
}

// Parse reads the head of an answer to a request of the given method. It is lenient, for the origin is trusted: what cannot be framed
// with certainty is Ambiguous, and then all that follows is to be relayed unread. It never refuses.
func (h *ResponseHead) Parse(buf []byte, maxHead int, method Method) Verdict {
	size, _ := headEnd(buf)
	switch {
	case size > maxHead || size == 0 && len(buf) > maxHead:
		return Ambiguous
	case size == 0:
		if !mayBeStatusLine(buf) {
			return Ambiguous
		}
		return Incomplete
	}
	*h = ResponseHead{fields: fields{buf: buf[:size:size], list: h.list[:0]}, Size: size}
	if !h.line() || !h.lenient() || !h.frame(method) {
		return Ambiguous
	}
	return OK
}

const statusLine = "HTTP/1."

func mayBeStatusLine(b []byte) bool {
	n := min(len(b), len(statusLine))
	return string(b[:n]) == statusLine[:n]
}

func (h *ResponseHead) line() bool {
	b := h.buf
	if len(b) < len("HTTP/1.1 200\n") || !mayBeStatusLine(b) || b[8] != ' ' || b[7] != '0' && b[7] != '1' {
		return false
	}
	h.Minor = int(b[7] - '0')
	for _, c := range b[9:12] {
		if c < '0' || c > '9' {
			return false
		}
		h.Status = h.Status*10 + int(c-'0')
	}
	return h.Status >= 100 && (b[12] == ' ' || b[12] == '\r' || b[12] == '\n')
}

// lenient reads the header lines; line ends may lack the CR, and a line that begins with white space continues the one before, whose
// value is then taken as not known.
func (h *ResponseHead) lenient() bool {
	b := h.buf
	i := bytes.IndexByte(b, '\n') + 1
	for i < len(b) {
		end := i + bytes.IndexByte(b[i:], '\n')
		e := end
		if e > i && b[e-1] == '\r' {
			e--
		}
		if e == i {
			return true
		}
		if b[i] == ' ' || b[i] == '\t' {
			if len(h.list) == 0 {
				return false
			}
			h.list[len(h.list)-1].valueEnd = int32(e)
			i = end + 1
			continue
		}
		colon := bytes.IndexByte(b[i:e], ':')
		if colon <= 0 {
			return false
		}
		_, nameEnd := trim(b, i, i+colon)
		s, v := trim(b, i+colon+1, e)
		h.list = append(h.list, field{int32(i), int32(nameEnd), int32(s), int32(v)})
		i = end + 1
	}
	return false
}

// frame follows RFC 9112, section 6.3.
func (h *ResponseHead) frame(method Method) bool {
	lengths, codings := h.Count("content-length"), h.Count("transfer-encoding")
	connection := h.Header("connection")
	h.Close = hasToken(connection, "close") || h.Minor == 0 && !hasToken(connection, "keep-alive")
	switch {
	case h.Status == 101, method == MethodConnect && h.Status/100 == 2:
		h.Framing = Tunnel
		return true
	case h.Status < 200:
		h.Interim = true
		return true
	case method == MethodHead, h.Status == 204, h.Status == 304:
		return true
	case codings > 0:
		if lengths > 0 || codings > 1 || h.Minor == 0 {
			return false
		}
		h.Framing = UntilClose
		if equalFold(lastToken(h.Header("transfer-encoding")), "chunked") {
			h.Framing = Chunked
		}
		return true
	case lengths > 0:
		return h.length()
	}
	h.Framing = UntilClose
	return true
}

// length reads Content-Length; several must be the same.
func (h *ResponseHead) length() bool {
	seen := false
	for i := range h.list {
		f := &h.list[i]
		if !equalFold(h.buf[f.name:f.nameEnd], "content-length") {
			continue
		}
		n, ok := number(h.buf[f.value:f.valueEnd])
		if !ok || seen && n != h.ContentLength {
			return false
		}
		h.ContentLength, seen = n, true
	}
	if h.ContentLength > 0 {
		h.Framing = Length
	}
	return true
}
