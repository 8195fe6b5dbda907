package line

import (
	"bytes"
	"strconv"
	"time"

	"github.com/weirproxy/weir/proxy/internal/outward"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// dropped are the response headers that an entry does not repeat: they belong to one connection, to one transfer, or are written anew
// with each hit.
var dropped = [...]string{
	"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade", "content-length",
	"content-encoding", "date", "age", "etag", "cache-status", "set-cookie", "weir-cost", "weir-anomaly", "weir-error", "proxy-authenticate",
}

// droppedBy are those by length.
var droppedBy = func() (by [len("proxy-authenticate") + 1][]string) {
	for _, d := range dropped {
		by[len(d)] = append(by[len(d)], d)
	}
	return by
}()

// storedLines appends the header lines that every hit repeats: the origin's own, so that a browser or client sees the same answer (CORS
// among them), without those above and those that Connection names. An answer without Cache-Control gets what the policy allowed.
func storedLines(dst []byte, r *wire.ResponseHead, life lifetime, o *outward.Policy, age int64, batch bool) []byte {
	named, ours := r.Header("connection"), o.On()
	for i := range r.Len() {
		name, line := r.Line(i)
		if drop(name) || names(named, name) || ours && o.Replaces(name) {
			continue
		}
		dst = append(append(dst, line...), "\r\n"...)
	}
	if life.explicit || batch || o.CacheControl {
		return dst
	}
	dst = append(dst, "Cache-Control: max-age="...)
	dst = strconv.AppendInt(dst, age+int64(life.ttl/time.Second), 10)
	if life.private || life.grouped {
		return append(dst, ", private\r\n"...)
	}
	return append(dst, ", public\r\n"...)
}

func drop(name []byte) bool {
	if len(name) >= len(droppedBy) {
		return false
	}
	for _, d := range droppedBy[len(name)] {
		if is(name, d) {
			return true
		}
	}
	return false
}

// names reports whether a list of tokens holds name.
func names(list, name []byte) bool {
	for len(list) > 0 {
		var item []byte
		item, list, _ = bytes.Cut(list, []byte(","))
		if item = bytes.TrimSpace(item); len(item) == len(name) && bytes.EqualFold(item, name) {
			return true
		}
	}
	return false
}
