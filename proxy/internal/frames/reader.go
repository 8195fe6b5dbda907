package frames

import (
	"encoding/binary"
	"errors"
)

// Reason is why a reader cannot follow its direction any more.
type Reason uint8

// Reasons.
const (
	Following  Reason = iota // it can
	Broken                   // the bytes are no frames
	Extension                // an extension that is not understood uses a reserved bit
	Large                    // a compressed message above the limit: what follows cannot be inflated without it
	Compressed               // what was compressed cannot be inflated
)

var reasons = [...]string{"following", "broken", "extension", "large", "compressed"}

// String is a word for a metric's label.
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return "unknown"
}

const (
	finBit, rsv1Bit, reservedBits = 0x80, 0x40, 0x30
	opContinuation, opText        = 0x0, 0x1
	opBinary, opControl           = 0x2, 0x8
	maskBit                       = 0x80
	maxHead                       = 14
	maxControl                    = 125
)

// Reader follows one direction.
type Reader struct {
	max      int // bytes of a message, before and after inflating
	inflater *inflater
	reason   Reason
	skipped  int64

	head   [maxHead]byte // of the frame whose head is not whole yet
	have   int
	left   uint64 // of the payload under way
	mask   [4]byte
	masked bool
	at     uint32 // of the payload, for the mask

	control    bool // the frame under way is one
	within     bool // a message is under way
	compressed bool
	text       bool
	skip       bool // the message is above the limit, or binary: it is not kept
	last       bool // the frame under way is the message's last one
	message    []byte
}

// NewReader follows one direction. deflate is nil when no compression was agreed. max bounds the bytes that are kept of a message.
func NewReader(deflate *Deflate, max int) *Reader {
	r := &Reader{max: max}
	if deflate != nil {
		r.inflater = newInflater(deflate.Takeover, max)
	}
	return r
}

// Reason says whether the direction is followed, and if not, why.
func (r *Reader) Reason() Reason { return r.reason }

// Skipped counts the messages that were too long to be kept.
func (r *Reader) Skipped() int64 { return r.skipped }

// Feed reads the next bytes of the direction and hands each whole text message to f.
func (r *Reader) Feed(b []byte, f func(message []byte)) {
	for len(b) > 0 && r.reason == Following {
		if r.left == 0 {
			n, whole := r.frameHead(b)
			b = b[n:]
			if !whole || r.left > 0 {
				continue
			}
		} else {
			n := int(min(uint64(len(b)), r.left))
			r.payload(b[:n])
			r.left -= uint64(n)
			b = b[n:]
		}
		if r.left == 0 && !r.control && r.last {
			r.end(f)
		}
	}
}

// frameHead collects the head of a frame (RFC 6455, section 5.2); whole: it is there and was understood.
func (r *Reader) frameHead(b []byte) (n int, whole bool) {
	for {
		need := r.need()
		if r.have >= need {
			break
		}
		if n == len(b) {
			return n, false
		}
		take := copy(r.head[r.have:need], b[n:])
		r.have += take
		n += take
	}
	size := r.have
	r.have = 0
	return n, r.begin(r.head[:size])
}

// need is how long the head is, as far as what is there tells.
func (r *Reader) need() int {
	need := 2
	if r.have < need {
		return need
	}
	switch r.head[1] &^ maskBit {
	case 126:
		need += 2
	case 127:
		need += 8
	}
	if r.head[1]&maskBit != 0 {
		need += 4
	}
	return need
}

// begin takes a frame's head.
func (r *Reader) begin(h []byte) bool {
	op, fin := h[0]&0x0f, h[0]&finBit != 0
	length, rest := uint64(h[1]&^maskBit), h[2:]
	switch length {
	case 126:
		length, rest = uint64(binary.BigEndian.Uint16(rest)), rest[2:]
	case 127:
		length, rest = binary.BigEndian.Uint64(rest), rest[8:]
	}
	if r.masked = h[1]&maskBit != 0; r.masked {
		copy(r.mask[:], rest)
	}
	r.left, r.at = length, 0
	r.control = op&opControl != 0
	switch {
	case h[0]&reservedBits != 0, h[0]&rsv1Bit != 0 && r.inflater == nil:
		r.reason = Extension
	case length >= 1<<63:
		r.reason = Broken
	case r.control:
		if !fin || length > maxControl || op > 0xa || h[0]&rsv1Bit != 0 {
			r.reason = Broken
		}
	case op == opContinuation:
		if !r.within || h[0]&rsv1Bit != 0 {
			r.reason = Broken
		}
		r.last = fin
	case op == opText || op == opBinary:
		if r.within {
			r.reason = Broken
		}
		r.within, r.last, r.text, r.compressed = true, fin, op == opText, h[0]&rsv1Bit != 0
		r.skip = !r.text && !r.compressed // a compressed one is needed for what follows
		r.message = r.message[:0]
	default:
		r.reason = Broken
	}
	return r.reason == Following
}

// payload takes bytes of the frame under way.
func (r *Reader) payload(b []byte) {
	if r.control || r.skip {
		return
	}
	if len(r.message)+len(b) > r.max {
		r.skip = true
		r.message = r.message[:0]
		if r.compressed && r.inflater.takeover {
			r.reason = Large
		}
		return
	}
	from := len(r.message)
	r.message = append(r.message, b...)
	if !r.masked {
		return
	}
	for i := range r.message[from:] {
		r.message[from+i] ^= r.mask[r.at&3]
		r.at++
	}
}

// end hands a whole message on.
func (r *Reader) end(f func([]byte)) {
	r.within = false
	if r.skip {
		if r.text || r.compressed {
			r.skipped++
		}
		return
	}
	m := r.message
	if r.compressed {
		var err error
		if m, err = r.inflater.inflate(m); err != nil {
			switch {
			case !errors.Is(err, errLarge):
				r.reason = Compressed
			case r.inflater.takeover:
				r.reason = Large
			default:
				r.skipped++
			}
			return
		}
	}
	if r.text {
		f(m)
	}
}
