package line

import (
	"bytes"
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/weirproxy/weir/proxy/internal/wire"
)

// errTooLong ends the decoding of content that grows beyond its limit.
var errTooLong = errors.New("decoded content is too long")

// errCoding is a content coding that is not known here.
var errCoding = errors.New("unknown content coding")

// keptDecoded is how much memory for decoded content an exchange keeps.
const keptDecoded = 256 << 10

// bounded collects what a decoder writes, up to its limit.
type bounded struct {
	b     []byte
	limit int
}

func (w *bounded) Write(p []byte) (int, error) {
	n := min(len(p), w.limit-len(w.b))
	w.b = append(w.b, p[:n]...)
	if n < len(p) {
		return n, errTooLong
	}
	return n, nil
}

// decoded returns the content without content coding (RFC 9110, section 8.4); ok is false when there is none, the coding is unknown, or
// it grows longer than what is read of any answer. Decoded content is the exchange's until the next call.
func (x *Exchange) decoded(r *wire.ResponseHead, content []byte) (_ []byte, ok bool) {
	if len(content) == 0 {
		return nil, false
	}
	coding := bytes.TrimSpace(r.Header("content-encoding"))
	if len(coding) == 0 || is(coding, "identity") {
		return content, true
	}
	b, err := decode(coding, x.decode[:0], content, max(peek, x.Policy.MaxBody, x.Policy.Cache.MaxEntry))
	x.decode = b[:0]
	if cap(x.decode) > keptDecoded {
		x.decode = nil
	}
	if err != nil {
		return nil, false
	}
	return b, true
}

// decode appends content without its coding to dst, up to a limit. On an error what could be decoded is returned too.
func decode(coding, dst, content []byte, limit int) ([]byte, error) {
	w := &bounded{b: dst, limit: limit}
	var err error
	switch {
	case is(coding, "gzip"), is(coding, "x-gzip"):
		_, err = fasthttp.WriteGunzip(w, content)
	case is(coding, "br"):
		_, err = fasthttp.WriteUnbrotli(w, content)
	case is(coding, "zstd"):
		_, err = fasthttp.WriteUnzstd(w, content)
	case is(coding, "deflate"):
		_, err = fasthttp.WriteInflate(w, content)
	default:
		return dst, errCoding
	}
	return w.b, err
}
