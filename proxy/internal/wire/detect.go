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

const (
	longestMethod = 32   // bytes before the space of a line that may be HTTP
	longestLine   = 8192 // bytes of a first line with an unknown method
)

// Detect looks at the first bytes a client sent. A method of RFC 9110 and a space are HTTP, also when what follows is malformed. Other
// protocols speak in words and lines too ("EHLO name", "get key"): any other word is HTTP only when its line names an HTTP version.
func Detect(b []byte) Protocol {
	switch {
	case len(b) == 0:
		return NeedMore
	case b[0] == 0x16:
		return detectTLS(b)
	case b[0] == '\r' || b[0] == '\n':
		return HTTP1
	case b[0] == 'P' && string(b[:min(len(b), len(preface))]) == preface[:min(len(b), len(preface))]:
		if len(b) < len(preface) {
			return NeedMore
		}
		return HTTP2Preface
	}
	for i, c := range b {
		switch {
		case c == ' ' && i > 0:
			if methodOf(b[:i]) != MethodOther {
				return HTTP1
			}
			return detectLine(b)
		case !isToken[c], i >= longestMethod:
			return Unknown
		}
	}
	return NeedMore
}

// detectTLS knows a handshake record of SSL 3.0 to TLS 1.3 (RFC 8446, section 5.1).
func detectTLS(b []byte) Protocol {
	switch {
	case len(b) > 1 && b[1] != 3, len(b) > 2 && b[2] > 4:
		return Unknown
	case len(b) < 3:
		return NeedMore
	}
	return TLS
}

// detectLine looks for the version at the end of the first line.
func detectLine(b []byte) Protocol {
	end := bytes.IndexByte(b, '\n')
	switch {
	case end < 0 && len(b) > longestLine:
		return Unknown
	case end < 0:
		return NeedMore
	case bytes.Contains(b[:end], []byte(" HTTP/")):
		return HTTP1
	}
	return Unknown
}
