package line

import (
	"bytes"
	"encoding/binary"

	"github.com/weirproxy/weir/proxy/internal/wire"
)

// appendSteering appends what may have made the origin take another host, target or method: the authority of an absolute target, and
// headers. Few requests have one, most of
// these the one value that the proxy in front sets; who makes one up gets an entry of their own, and poisons nobody else's.
func appendSteering(dst []byte, h *wire.RequestHead) []byte {
	if a := h.Authority(); len(a) > 0 {
		dst = append(appendPart(append(dst, 2, ':', '/'), a), 0)
	}
	h.VisitHeaders(func(name, value []byte) bool {
		if !wire.IsSteering(name) {
			return true
		}
		dst = binary.AppendUvarint(dst, uint64(len(name)))
		for _, c := range name {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			dst = append(dst, c)
		}
		if is(name, "forwarded") {
			dst = appendForwarded(dst, value)
		} else {
			dst = appendPart(dst, value)
		}
		dst = append(dst, 0) // the end of the parts
		return true
	})
	return dst
}

// appendForwarded appends what Forwarded (RFC 7239) says but for the addresses of clients and proxies, which differ with each.
func appendForwarded(dst, value []byte) []byte {
	for len(value) > 0 {
		end := bytes.IndexAny(value, ";,")
		if end < 0 {
			end = len(value)
		}
		pair := bytes.TrimSpace(value[:end])
		name, _, _ := bytes.Cut(pair, []byte("="))
		if !is(name, "for") && !is(name, "by") {
			dst = appendPart(dst, pair)
		}
		value = value[min(end+1, len(value)):]
	}
	return dst
}

func appendPart(dst, v []byte) []byte {
	if len(v) == 0 {
		return dst
	}
	return append(binary.AppendUvarint(dst, uint64(len(v))), v...)
}
