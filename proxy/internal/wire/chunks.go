package wire

import "errors"

// ErrChunk tells that chunked framing is broken.
var ErrChunk = errors.New("wire: broken chunked framing")

const (
	maxSizeLine   = 4 << 10  // bytes of a chunk's size line, extensions included
	maxTrailers   = 64 << 10 // bytes of all trailer lines
	maxSizeDigits = 15       // of hexadecimal: below 2^60
)

type chunkState uint8

const (
	chunkSize    chunkState = iota // hex digits
	chunkExt                       // extensions, up to the CR of the size line
	chunkSizeLF                    // its LF
	chunkData                      // bytes of data
	chunkDataCR                    // CR behind data
	chunkDataLF                    // LF behind data
	trailerStart                   // first byte of a trailer line, or the CR of the empty line at the end
	trailerName                    // up to the colon
	trailerValue                   // up to the CR
	trailerLF                      // its LF
	chunksEndLF                    // LF of the empty line at the end
	chunksDone
	chunksBroken
)

// Chunks scans a chunked body (RFC 9112, section 7.1) as it comes, in parts of any size. It is strict: a bare CR or LF, a control
// character, a missing digit, blanks around the size, a folded or nameless trailer, and lines beyond any sense are errors. An error stays
// until Reset. The zero value is ready; Reset makes it ready again.
type Chunks struct {
	// Extras tells that there were chunk extensions or trailers so far: both are allowed, and both are where servers that read carelessly
	// lose count of what belongs to the body.
	Extras bool
	state  chunkState
	digits int
	line   int   // bytes of the current size line, or of all trailers
	left   int64 // bytes of data to come
}

// Reset starts a new body.
func (c *Chunks) Reset() { *c = Chunks{} }

// Scan examines b. n bytes of it belong to this body, framing and trailers included; done tells that the body ends with them. With an
// error, n is how many bytes were right.
func (c *Chunks) Scan(b []byte) (n int, done bool, err error) {
	_, n, done, err = c.run(nil, b, false)
	return n, done, err
}

// Decode is Scan that also appends the body's data to dst.
func (c *Chunks) Decode(dst, b []byte) (out []byte, n int, done bool, err error) {
	return c.run(dst, b, true)
}

func (c *Chunks) run(dst, b []byte, keep bool) (_ []byte, n int, done bool, err error) {
	for n < len(b) && c.state < chunksDone {
		if c.state == chunkData {
			take := int(min(int64(len(b)-n), c.left))
			if keep {
				dst = append(dst, b[n:n+take]...)
			}
			n += take
			if c.left -= int64(take); c.left == 0 {
				c.state = chunkDataCR
			}
			continue
		}
		if !c.step(b[n]) {
			c.state = chunksBroken
			break
		}
		n++
	}
	if c.state == chunksBroken {
		return dst, n, false, ErrChunk
	}
	return dst, n, c.state == chunksDone, nil
}

// step takes one byte of framing; false when it cannot stand there.
func (c *Chunks) step(b byte) bool {
	c.line++
	switch c.state {
	case chunkSize:
		return c.size(b)
	case chunkExt:
		if b == '\r' {
			c.state = chunkSizeLF
			return true
		}
		return isValue(b) && c.line <= maxSizeLine
	case chunkSizeLF:
		c.line = 0
		if c.state = chunkData; c.left == 0 {
			c.state = trailerStart
		}
		return b == '\n'
	case chunkDataCR:
		c.state = chunkDataLF
		return b == '\r'
	case chunkDataLF:
		*c = Chunks{Extras: c.Extras}
		return b == '\n'
	}
	return c.trailer(b) && c.line <= maxTrailers
}

func (c *Chunks) size(b byte) bool {
	var digit byte
	switch {
	case '0' <= b && b <= '9':
		digit = b - '0'
	case 'a' <= b && b <= 'f':
		digit = b - 'a' + 10
	case 'A' <= b && b <= 'F':
		digit = b - 'A' + 10
	case c.digits == 0:
		return false
	case b == '\r':
		c.state = chunkSizeLF
		return true
	case b == ';':
		c.state, c.Extras = chunkExt, true
		return true
	default:
		return false
	}
	c.digits++
	c.left = c.left<<4 | int64(digit)
	return c.digits <= maxSizeDigits
}

func (c *Chunks) trailer(b byte) bool {
	switch c.state {
	case trailerStart:
		if b == '\r' {
			c.state = chunksEndLF
			return true
		}
		c.state, c.Extras = trailerName, true
		return isToken[b]
	case trailerName:
		if b == ':' {
			c.state = trailerValue
			return true
		}
		return isToken[b]
	case trailerValue:
		if b == '\r' {
			c.state = trailerLF
			return true
		}
		return isValue(b)
	case trailerLF:
		c.state = trailerStart
		return b == '\n'
	default: // chunksEndLF
		c.state = chunksDone
		return b == '\n'
	}
}
