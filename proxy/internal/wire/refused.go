package wire

import (
	"bufio"
	"bytes"

	"github.com/valyala/fasthttp"
)

// refused reports whether fasthttp's server would refuse a head: its parser, and then its reading of Host and target. It is asked about
// heads out of the ordinary only, and on a copy, for it joins folded lines in place. A head whose lines end with LF alone keeps fasthttp
// waiting for CRLF CRLF, so that is added: such a head is not refused for its end.
func refused(head []byte) bool {
	b := append(make([]byte, 0, len(head)+4), head...)
	if !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
		b = append(b, "\r\n\r\n"...)
	}
	var h fasthttp.RequestHeader
	if err := h.Read(bufio.NewReaderSize(bytes.NewReader(b), len(b))); err != nil {
		return true
	}
	var u fasthttp.URI
	return u.Parse(h.Host(), h.RequestURI()) != nil
}
