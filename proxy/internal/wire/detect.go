package wire

import "bytes"

// Protocol is what the first bytes of a connection look like.
type Protocol uint8

// Protocols.
const (
	NeedMore     Protocol = iota // cannot be told yet
	HTTP1                        // a request line begins, or an empty line before one
	HTTP2Preface                 // HTTP/2 with prior knowledge (RFC 9113, section 3.4), gRPC among it
	TLS                          // a ClientHello
	Unknown
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// longestMethod is up to how many bytes are looked at for the space behind a method.
const longestMethod = 32

// Detect looks at the first bytes a client sent.
func Detect(b []byte) Protocol {
	switch {
	case len(b) == 0:
		return NeedMore
	case b[0] == 0x16:
		if len(b) == 1 {
			return NeedMore
		}
		if b[1] == 3 {
			return TLS
		}
		return Unknown
	case b[0] == '\r' || b[0] == '\n':
		return HTTP1
	case b[0] == 'P' && bytes.HasPrefix([]byte(preface), b[:min(len(b), len(preface))]):
		if len(b) < len(preface) {
			return NeedMore
		}
		return HTTP2Preface
	}
	for i, c := range b {
		switch {
		case c == ' ' && i > 0:
			return HTTP1
		case !isToken[c], i >= longestMethod:
			return Unknown
		}
	}
	return NeedMore
}
