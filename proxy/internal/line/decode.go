package line

import (
	"bytes"
	"errors"

	"github.com/valyala/fasthttp"

	"github.com/weirproxy/weir/proxy/internal/wire"
)

// errTooLong ends the decoding of content that grows beyond its limit.
var errTooLong = errors.New("decoded content is too long")

// keptDecoded is how much memory for decoded content an exchange keeps.
const keptDecoded = 256 << 10

// bounded collects what a decoder writes, up to its limit.
type bounded struct {
	b     []byte
	limit int
}

func (w *bounded) Write(p []byte) (int, error) {
	if len(w.b)+len(p) > w.limit {
		return 0, errTooLong
	}
	w.b = append(w.b, p...)
	return len(p), nil
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
	w := &bounded{b: x.decode[:0], limit: max(peek, x.Policy.MaxBody, x.Policy.Cache.MaxEntry)}
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
		return nil, false
	}
	x.decode = w.b[:0]
	if cap(x.decode) > keptDecoded {
		x.decode = nil
	}
	if err != nil {
		return nil, false
	}
	return w.b, true
}
