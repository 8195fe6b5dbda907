package wire

import "bytes"

// RequestHead is the head of a request. The zero value is ready for Parse.
type RequestHead struct {
	fields
	Size          int // bytes of the head, the empty line included
	Method        Method
	Minor         int // of HTTP/1.x
	Framing       Framing
	ContentLength int64
	Close         bool   // Connection: close
	KeepAlive     bool   // Connection: keep-alive
	Expect        bool   // the client may wait for 100 Continue
	Upgrade       bool   // asks to switch protocols: there is an Upgrade header
	Repeated      bool   // the same bytes as the head before
	Steered       bool   // something may make the origin take another host, target or method: a header (IsSteering), or an absolute target
	Credentials   bool   // a header beside Authorization and Cookie tells who the client is (IsCredential)
	Code          string // what is wrong with a head that is not OK; a Code constant

	closing                             bool // Close as parsed: the owner of the head may set Close
	methodEnd, target, targetEnd, query int
	doubts                              doubt
}

// doubt is what keeps a head from being ordinary.
type doubt uint8

const (
	doubtOdd doubt = 1 << iota // parsers differ: never OK
	doubtAsk                   // OK when fasthttp accepts it
)

// Parse reads the head at the start of buf. Fields are valid when the verdict is OK, Code is when it is Refuse, Ambiguous or TooLarge.
// A head of more than maxHead bytes is TooLarge.
func (h *RequestHead) Parse(buf []byte, maxHead int) Verdict {
	if h.same(buf) && len(h.buf) <= maxHead {
		h.Repeated, h.Close = true, h.closing
		return OK
	}
	h.reset()
	if end := bytes.Index(buf[:min(len(buf), maxHead)], emptyLine); end >= 0 {
		// Most heads are in order; about others this end may be wrong, and one is read anew below.
		if h.read(buf[:end+4]); h.doubts == 0 {
			h.closing = h.Close
			return OK
		}
		h.reset()
	}
	return h.parseOdd(buf, maxHead)
}

// read reads a head.
func (h *RequestHead) read(head []byte) {
	h.keep(head)
	h.Size = len(head)
	h.line()
	if h.doubts&doubtOdd == 0 {
		h.headers()
	}
	if h.doubts&doubtOdd == 0 {
		h.frame()
	}
}

// parseOdd is Parse for a head that is not all there or not in order.
func (h *RequestHead) parseOdd(buf []byte, maxHead int) Verdict {
	if len(buf) > 0 && (buf[0] == '\r' || buf[0] == '\n') {
		h.Code = CodeLeadingLine
		return Ambiguous
	}
	size, bare := headEnd(buf)
	switch {
	case size > maxHead || size == 0 && len(buf) > maxHead:
		h.Code = CodeTooLarge
		return h.early(buf[:min(len(buf), maxHead)], TooLarge)
	case size == 0:
		return h.early(buf, Incomplete)
	}
	h.read(buf[:size])
	if bare {
		h.odd(CodeLineEnd)
	}
	if h.doubts == 0 {
		h.closing = h.Close
		return OK
	}
	return h.judge()
}

// reset clears all but the memory.
func (h *RequestHead) reset() {
	h.forget()
	f := h.fields
	*h = RequestHead{fields: f}
}

// odd notes something that parsers differ about. The first such thing names the code.
func (h *RequestHead) odd(code string) {
	if h.doubts&doubtOdd == 0 {
		h.Code = code
	}
	h.doubts |= doubtOdd
}

// ask notes something that is fine when fasthttp accepts it.
func (h *RequestHead) ask(code string) {
	h.doubts |= doubtAsk
	if h.Code == "" {
		h.Code = code
	}
}

// judge asks fasthttp about a head that is not ordinary.
func (h *RequestHead) judge() Verdict {
	switch {
	case refused(h.buf):
		h.forget()
		return Refuse
	case h.doubts&doubtOdd == 0:
		h.Code, h.closing = "", h.Close
		return OK
	}
	h.forget()
	return Ambiguous
}

// early looks at the request line of a head whose end is not there: a client that sends one fasthttp refuses may never send more. Such a
// head is refused whatever follows.
func (h *RequestHead) early(buf []byte, otherwise Verdict) Verdict {
	end := bytes.IndexByte(buf, '\n')
	if end < 0 {
		return otherwise
	}
	code := h.Code
	h.keep(buf[:end+1])
	h.buf = append(h.buf, "Host: a\r\n\r\n"...)
	h.line()
	bad := h.doubts != 0 && refused(h.buf)
	if !bad {
		h.Code = code
	}
	h.forget()
	if bad {
		return Refuse
	}
	return otherwise
}

// line reads the request line.
func (h *RequestHead) line() {
	b := h.buf
	i := 0
	lower := false
	for ; isToken[b[i]]; i++ {
		lower = lower || 'a' <= b[i] && b[i] <= 'z'
	}
	if i == 0 || b[i] != ' ' {
		h.odd(CodeRequestLine)
		return
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
	switch rest := b[i:]; {
	case len(rest) < len(version) || string(rest[:8]) != version[:8] || rest[8] != '0' && rest[8] != '1':
		h.odd(CodeVersion)
		return
	case rest[9] != '\r' || rest[10] != '\n':
		h.odd(CodeLineEnd)
		return
	}
	h.Minor = int(b[i+8] - '0')
	if !h.ordinaryTarget() {
		h.odd(CodeTarget)
	}
	if lower {
		h.odd(CodeMethod)
	}
}

// ordinaryTarget knows the four forms of RFC 9112, section 3.2; absolute forms are fasthttp's to judge.
func (h *RequestHead) ordinaryTarget() bool {
	t := h.buf[h.target:h.targetEnd]
	switch {
	case len(t) == 0:
		return false
	case t[0] == '/':
		if len(t) > 1 && t[1] == '/' { // some read an authority there
			h.ask(CodeTarget)
		}
		return true
	case len(t) == 1 && t[0] == '*':
		return h.Method == MethodOptions
	case h.Method == MethodConnect:
		h.ask(CodeTarget)
		return isOrdinaryHost(t) // the authority form
	case bytes.Contains(t, []byte("://")):
		h.ask(CodeTarget)
		h.Steered = true
		return true
	}
	return false
}

// headers reads the header lines. The head is known to end with an empty line.
func (h *RequestHead) headers() {
	b := h.buf
	i := bytes.IndexByte(b, '\n') + 1
	for {
		start := i
		for isToken[b[i]] {
			i++
		}
		if i == start || b[i] != ':' {
			h.stopped(i, start)
			return
		}
		nameEnd := i
		i++
		end := i + bytes.IndexByte(b[i:], '\n')
		if b[end-1] != '\r' {
			h.odd(CodeLineEnd)
			return
		}
		s, e := trim(b, i, end-1)
		if !areValues(b[s:e]) {
			h.odd(CodeValue)
			return
		}
		h.add(start, nameEnd, s, e)
		i = end + 1
	}
}

// stopped looks at a line that does not begin with a name: the empty line at the end is as it should be.
func (h *RequestHead) stopped(i, start int) {
	switch b := h.buf; {
	case i == start && b[i] == '\r' && i+2 == len(b):
	case i == start && (b[i] == ' ' || b[i] == '\t'):
		h.odd(CodeFold)
	case i == start && b[i] == '\n':
		h.odd(CodeLineEnd)
	default:
		h.odd(CodeName)
	}
}

// frame reads what decides about framing and the connection.
func (h *RequestHead) frame() {
	hosts, lengths, codings := 0, 0, 0
	for i := range h.list {
		f := &h.list[i]
		name, value := h.buf[f.name:f.nameEnd], h.buf[f.value:f.valueEnd]
		if first := name[0] | 0x20; first == 'x' || first == 'f' {
			h.Steered = h.Steered || IsSteering(name)
		}
		h.Credentials = h.Credentials || IsCredential(name)
		switch len(name) {
		case len("host"):
			if equalFold(name, "host") {
				hosts++
				h.host(value)
			}
		case len("expect"):
			h.Expect = h.Expect || equalFold(name, "expect")
		case len("upgrade"): // and trailer
			h.Upgrade = h.Upgrade || equalFold(name, "upgrade")
			if equalFold(name, "trailer") {
				h.ask(CodeTrailer)
			}
		case len("connection"):
			if equalFold(name, "connection") {
				h.connection(value)
			}
		case len("content-length"):
			if equalFold(name, "content-length") {
				lengths++
				var ok bool
				if h.ContentLength, ok = number(value); !ok {
					h.odd(CodeContentLength)
				}
			}
		case len("transfer-encoding"):
			if equalFold(name, "transfer-encoding") {
				codings++
				if string(value) != "chunked" {
					h.odd(CodeCoding)
				}
			}
		}
	}
	switch {
	case hosts > 1 || hosts == 0 && h.Minor == 1:
		h.odd(CodeHost)
	case lengths > 0 && codings > 0:
		h.odd(CodeBothLengths)
	case lengths > 1 || lengths > 0 && h.Method == MethodConnect:
		h.odd(CodeContentLength)
	case codings > 1 || codings > 0 && (h.Minor == 0 || h.Method == MethodConnect):
		h.odd(CodeCoding)
	case (codings > 0 || h.ContentLength > 0) && (h.Method == MethodGet || h.Method == MethodHead || h.Method == MethodTrace):
		// Some servers leave the body where it is and read it as the next request (RFC 9110, section 9.3.1): then answers and requests
		// no longer match, and a cache must not learn from them.
		h.odd(CodeGetBody)
	case codings > 0:
		h.Framing = Chunked
	case h.ContentLength > 0:
		h.Framing = Length
	}
}

func (h *RequestHead) host(value []byte) {
	switch {
	case len(value) == 0 && h.Minor == 1:
		h.odd(CodeHost)
	case !isOrdinaryHost(value):
		h.ask(CodeHost)
	}
}

// connection reads one Connection header. A list that names a header which decides about framing invites the next hop to drop it.
func (h *RequestHead) connection(list []byte) {
	for len(list) > 0 {
		var token []byte
		token, list = nextToken(list)
		switch len(token) {
		case len("close"):
			h.Close = h.Close || equalFold(token, "close")
		case len("keep-alive"):
			h.KeepAlive = h.KeepAlive || equalFold(token, "keep-alive")
		case len("host"), len("content-length"), len("transfer-encoding"):
			if equalFold(token, "host") || equalFold(token, "content-length") || equalFold(token, "transfer-encoding") {
				h.odd(CodeConnection)
			}
		}
	}
}

// MethodBytes returns the method as received.
func (h *RequestHead) MethodBytes() []byte { return h.buf[:h.methodEnd:h.methodEnd] }

// Target returns the request target as received.
func (h *RequestHead) Target() []byte { return h.buf[h.target:h.targetEnd:h.targetEnd] }

// Path returns the path of the target, still in percent escapes; that of an absolute form begins behind the authority.
func (h *RequestHead) Path() []byte {
	end := h.pathEnd()
	p := h.buf[h.target:end:end]
	if len(p) > 0 && p[0] != '/' {
		if i := bytes.Index(p, []byte("://")); i > 0 {
			if j := bytes.IndexByte(p[i+3:], '/'); j >= 0 {
				return p[i+3+j:]
			}
		}
	}
	return p
}

// Authority returns scheme and authority of a target in absolute form, empty for others.
func (h *RequestHead) Authority() []byte {
	t := h.Target()
	if len(t) == 0 || t[0] == '/' {
		return nil
	}
	return t[:len(t)-len(h.Path())-(h.targetEnd-h.pathEnd())]
}

func (h *RequestHead) pathEnd() int {
	if h.query > 0 {
		return h.query - 1
	}
	return h.targetEnd
}

// Query returns what follows the first question mark of the target.
func (h *RequestHead) Query() []byte {
	if h.query == 0 {
		return nil
	}
	return h.buf[h.query:h.targetEnd:h.targetEnd]
}
