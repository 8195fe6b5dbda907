package load

import (
	"bytes"
	"errors"
)

const maxAnswerBytes = 256 << 20

var errBadResponse = errors.New("the answer is no HTTP/1 response")

// framing of a body (RFC 9112 §6.3).
type framing uint8

const (
	byLength framing = iota
	byChunks
	byClose
)

// response reads one response from what arrived so far. It is fed the same growing buffer again and again and remembers where it was.
type response struct {
	start   int // of the head: behind the interim ones
	head    int // end of the head; 0: not complete yet
	scanned int // bytes looked at in vain for the end of the head
	status  int
	framing framing
	length  int // of the body, by length
	close   bool

	cacheStatus, contentType span
	chunks                   chunks
}

// span is a part of the buffer, as offsets: the buffer may move.
type span struct{ from, to int }

func (s span) of(b []byte) []byte {
	if s.from == s.to {
		return nil
	}
	return b[s.from:s.to]
}

func (r *response) reset() { *r = response{chunks: chunks{data: r.chunks.data[:0]}} }

var headEnd = []byte("\r\n\r\n")

// feed looks at everything received so far. done: the response is complete and took n bytes. ended: the peer has closed, nothing follows.
func (r *response) feed(b []byte, ended bool) (n int, done bool, err error) {
	for r.head == 0 {
		from := max(r.start, r.scanned-len(headEnd)+1)
		i := bytes.Index(b[from:], headEnd)
		if i < 0 {
			r.scanned = len(b)
			return 0, false, nil
		}
		end := from + i + len(headEnd)
		if err := r.parseHead(b[:end]); err != nil {
			return 0, false, err
		}
		if r.status >= 200 {
			r.head = end
		} else { // interim: the real head follows
			r.start, r.scanned = end, end
		}
	}
	switch r.framing {
	case byLength:
		n = r.head + r.length
		return n, len(b) >= n, nil
	case byChunks:
		used, done, err := r.chunks.feed(b[r.head:])
		return r.head + used, done, err
	}
	return len(b), ended, nil
}

// body is the decoded body of a complete response that took n bytes of b.
func (r *response) body(b []byte, n int) []byte {
	if r.framing == byChunks {
		return r.chunks.data
	}
	return b[r.head:n]
}

// parseHead reads the status line and the fields that matter here; b ends with the empty line.
func (r *response) parseHead(b []byte) error {
	const least = len("HTTP/1.1 200\r\n")
	line := b[r.start:]
	if len(line) < least || string(line[:7]) != "HTTP/1." || line[8] != ' ' {
		return errBadResponse
	}
	r.status = 0
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return errBadResponse
		}
		r.status = r.status*10 + int(c-'0')
	}
	if r.status < 100 {
		return errBadResponse
	}
	r.close = line[7] == '0'
	r.framing, r.length = byClose, -1
	r.cacheStatus, r.contentType = span{}, span{}
	at := r.start + bytes.IndexByte(line, '\n') + 1
	for at < len(b)-2 {
		end := at + bytes.IndexByte(b[at:], '\n')
		if err := r.field(b, at, end); err != nil {
			return err
		}
		at = end + 1
	}
	switch {
	case r.status < 200 || r.status == 204 || r.status == 304:
		r.framing, r.length = byLength, 0
	case r.framing == byClose && r.length >= 0:
		r.framing = byLength
	}
	r.close = r.close || r.framing == byClose
	return nil
}

// field reads one line; from is its first byte and end that of its line feed.
func (r *response) field(b []byte, from, end int) error {
	colon := bytes.IndexByte(b[from:end], ':')
	if colon < 0 {
		return errBadResponse
	}
	name := b[from : from+colon]
	switch len(name) {
	case len("Connection"), len("Cache-Status"), len("Content-Length"), len("Transfer-Encoding"): // 10, 12, 14, 17
	default:
		return nil
	}
	v := trimmed(b, from+colon+1, end)
	value := b[v.from:v.to]
	switch {
	case isName(name, "content-length"):
		n := 0
		for _, c := range value {
			if c < '0' || c > '9' || n > maxAnswerBytes {
				return errBadResponse
			}
			n = n*10 + int(c-'0')
		}
		if len(value) == 0 || n > maxAnswerBytes || r.length >= 0 && r.length != n {
			return errBadResponse
		}
		r.length = n
	case isName(name, "transfer-encoding"):
		if !isName(value, "chunked") {
			return errBadResponse
		}
		r.framing = byChunks
	case isName(name, "connection"):
		r.close = r.close && !isName(value, "keep-alive") || isName(value, "close")
	case isName(name, "cache-status"):
		r.cacheStatus = v
	case isName(name, "content-type"):
		r.contentType = v
	}
	return nil
}

// trimmed is a part of b without the white space around it.
func trimmed(b []byte, from, to int) span {
	for from < to && (b[from] == ' ' || b[from] == '\t') {
		from++
	}
	for to > from && (b[to-1] == ' ' || b[to-1] == '\t' || b[to-1] == '\r') {
		to--
	}
	return span{from, to}
}

// isName compares without regard to case; name is in lower case.
func isName(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// chunks decodes a chunked body (RFC 9112 §7.1). Extensions and trailers are skipped.
type chunks struct {
	data []byte
	at   int // bytes of the encoded body that were read
	left int // data bytes of the present chunk still to come
	part chunkPart
}

type chunkPart uint8

const (
	chunkSize chunkPart = iota
	chunkData
	chunkEnd // the CRLF after the data
	chunkTrailer
)

func (c *chunks) feed(b []byte) (n int, done bool, err error) {
	for {
		rest := b[c.at:]
		if c.part == chunkData {
			take := min(c.left, len(rest))
			c.data = append(c.data, rest[:take]...)
			c.at += take
			if c.left -= take; c.left > 0 {
				return c.at, false, nil
			}
			c.part = chunkEnd
			continue
		}
		line := bytes.IndexByte(rest, '\n')
		if line < 0 {
			return c.at, false, nil
		}
		c.at += line + 1
		text := bytes.TrimSuffix(rest[:line], []byte{'\r'})
		switch c.part {
		case chunkSize:
			if c.left, err = parseChunkSize(text); err != nil {
				return c.at, false, err
			}
			if len(c.data)+c.left > maxAnswerBytes {
				return c.at, false, errBadResponse
			}
			c.part = chunkData
			if c.left == 0 {
				c.part = chunkTrailer
			}
		case chunkEnd:
			if len(text) != 0 {
				return c.at, false, errBadResponse
			}
			c.part = chunkSize
		default:
			if len(text) == 0 {
				return c.at, true, nil
			}
		}
	}
}

func parseChunkSize(text []byte) (int, error) {
	if i := bytes.IndexByte(text, ';'); i >= 0 {
		text = text[:i]
	}
	text = bytes.TrimRight(text, " \t")
	const most = 7 // hex digits: 256 MiB
	if len(text) == 0 || len(text) > most {
		return 0, errBadResponse
	}
	n := 0
	for _, c := range text {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			return 0, errBadResponse
		}
	}
	return n, nil
}
