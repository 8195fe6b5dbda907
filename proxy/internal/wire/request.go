package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/valyala/fasthttp"
)

// Verdict says what a head is.
type Verdict uint8

// Verdicts.
const (
	OK         Verdict = iota
	Incomplete         // more bytes are needed
	Refuse             // fasthttp's parser refuses it: 400
	Ambiguous          // parsers differ about such a head: splice its connection, or refuse it in strict mode
	TooLarge           // longer than the limit
)

// Framing says how a message's body ends.
type Framing uint8

// Framings.
const (
	NoBody     Framing = iota
	Length             // ContentLength bytes
	Chunked            // by chunks
	UntilClose         // by the end of the connection
	Tunnel             // no message: the connection switched protocols
)

// Method is a request method.
type Method uint8

// Methods.
const (
	MethodOther Method = iota
	MethodGet
	MethodHead
	MethodPost
	MethodPut
	MethodPatch
	MethodDelete
	MethodOptions
	MethodConnect
	MethodTrace
)

func methodOf(b []byte) Method {
	switch string(b) {
	case "GET":
		return MethodGet
	case "HEAD":
		return MethodHead
	case "POST":
		return MethodPost
	case "PUT":
		return MethodPut
	case "PATCH":
		return MethodPatch
	case "DELETE":
		return MethodDelete
	case "OPTIONS":
		return MethodOptions
	case "CONNECT":
		return MethodConnect
	case "TRACE":
		return MethodTrace
	}
	return MethodOther
}

// RequestHead is the head of a request. The zero value is ready for Parse.
type RequestHead struct {
	fields
	Size          int // bytes of the head, the empty line included
	Method        Method
	Minor         int // of HTTP/1.x
	Framing       Framing
	ContentLength int64
	Close         bool // Connection: close
	KeepAlive     bool // Connection: keep-alive
	Expect        bool // Expect: 100-continue
	Upgrade       bool // asks to switch protocols
	Repeated      bool // the same bytes as the head before

	methodEnd, target, targetEnd, query int
	last                                []byte // the bytes of the last head that was OK
}

// Parse reads the head at the start of buf. Fields are valid when the verdict is OK, and until the next Parse as long as buf is.
func (h *RequestHead) Parse(buf []byte, maxHead int) Verdict {
	if n := len(h.last); n > 0 && len(buf) >= n && bytes.Equal(buf[:n], h.last) {
		h.buf, h.Repeated = buf[:n:n], true
		return OK
	}
	h.Repeated = false
	if len(buf) > 0 && (buf[0] == '\r' || buf[0] == '\n') {
		return Ambiguous
	}
	size, odd := headEnd(buf)
	switch {
	case size > maxHead || size == 0 && len(buf) > maxHead:
		return TooLarge
	case size == 0:
		return Incomplete
	}
	h.last = h.last[:0]
	h.reset(buf[:size:size])
	if odd || !h.line() || !h.headers() || !h.frame() {
		return consult(h.buf)
	}
	h.last = append(h.last, h.buf...)
	return OK
}

func (h *RequestHead) reset(head []byte) {
	list, last := h.list[:0], h.last
	*h = RequestHead{fields: fields{buf: head, list: list}, Size: len(head), last: last}
}

// line reads the request line; false when it does not follow the grammar to the letter.
func (h *RequestHead) line() bool {
	b := h.buf
	i := 0
	for ; i < len(b) && isToken[b[i]]; i++ {
		if 'a' <= b[i] && b[i] <= 'z' {
			return false
		}
	}
	if i == 0 || b[i] != ' ' {
		return false
	}
	h.methodEnd = i
	h.Method = methodOf(b[:i])
	i++
	h.target = i
	for ; isTarget(b[i]); i++ {
		if b[i] == '?' && h.query == 0 {
			h.query = i + 1
		}
	}
	h.targetEnd = i
	const version = " HTTP/1.x\r\n"
	if i == h.target || len(b)-i < len(version) || string(b[i:i+8]) != version[:8] || b[i+9] != '\r' {
		return false
	}
	switch b[i+8] {
	case '0':
	case '1':
		h.Minor = 1
	default:
		return false
	}
	return true
}

// headers reads the header lines; the head is known to end with an empty line and all lines with CRLF.
func (f *fields) headers() bool {
	b := f.buf
	i := bytes.IndexByte(b, '\n') + 1
	for b[i] != '\r' {
		start := i
		for isToken[b[i]] {
			i++
		}
		if i == start || b[i] != ':' {
			return false
		}
		nameEnd := i
		i++
		value := i
		for isValue(b[i]) {
			i++
		}
		if b[i] != '\r' || b[i+1] != '\n' {
			return false
		}
		s, e := trim(b, value, i)
		f.list = append(f.list, field{int32(start), int32(nameEnd), int32(s), int32(e)})
		i += 2
	}
	return b[i+1] == '\n'
}

// frame reads what decides about framing and the connection; false when parsers may differ about it.
func (h *RequestHead) frame() bool {
	hosts, lengths, codings := 0, 0, 0
	for i := range h.list {
		f := &h.list[i]
		name, value := h.buf[f.name:f.nameEnd], h.buf[f.value:f.valueEnd]
		switch {
		case equalFold(name, "host"):
			hosts++
			if !isOrdinaryHost(value) {
				return false
			}
		case equalFold(name, "content-length"):
			var ok bool
			lengths++
			if h.ContentLength, ok = number(value); !ok {
				return false
			}
		case equalFold(name, "transfer-encoding"):
			codings++
			if !equalFold(value, "chunked") {
				return false
			}
		case equalFold(name, "connection"):
			h.Close = h.Close || hasToken(value, "close")
			h.KeepAlive = h.KeepAlive || hasToken(value, "keep-alive")
			h.Upgrade = h.Upgrade || hasToken(value, "upgrade")
		case equalFold(name, "expect"):
			h.Expect = true
		}
	}
	h.Upgrade = h.Upgrade && h.Header("upgrade") != nil
	if hosts > 1 || hosts == 0 && h.Minor == 1 || lengths+codings > 1 || codings > 0 && h.Minor == 0 {
		return false
	}
	switch {
	case codings > 0:
		h.Framing = Chunked
	case h.ContentLength > 0:
		h.Framing = Length
	}
	return true
}

func isOrdinaryHost(b []byte) bool {
	for _, c := range b {
		if !isHost[c] {
			return false
		}
	}
	return len(b) > 0
}

// consult asks fasthttp's parser about a head that is out of the ordinary.
func consult(head []byte) Verdict {
	var h fasthttp.RequestHeader
	err := h.Read(bufio.NewReaderSize(bytes.NewReader(head), len(head)+1))
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Ambiguous
	}
	var small *fasthttp.ErrSmallBuffer
	if errors.As(err, &small) {
		return Ambiguous
	}
	return Refuse
}

// MethodBytes returns the method as received.
func (h *RequestHead) MethodBytes() []byte { return h.buf[:h.methodEnd] }

// Target returns the request target as received.
func (h *RequestHead) Target() []byte { return h.buf[h.target:h.targetEnd] }

// Path returns the path of the target, still in percent escapes; that of an absolute form begins behind the authority.
func (h *RequestHead) Path() []byte {
	end := h.targetEnd
	if h.query > 0 {
		end = h.query - 1
	}
	p := h.buf[h.target:end]
	if len(p) > 0 && p[0] != '/' {
		if i := bytes.Index(p, []byte("://")); i > 0 {
			if j := bytes.IndexByte(p[i+3:], '/'); j >= 0 {
				return p[i+3+j:]
			}
		}
	}
	return p
}

// Query returns what follows the first question mark of the target.
func (h *RequestHead) Query() []byte {
	if h.query == 0 {
		return nil
	}
	return h.buf[h.query:h.targetEnd]
}
