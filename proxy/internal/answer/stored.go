package answer

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// An entry's head is what Weir needs to write the answer again: the ETag behind its length, then the header lines to repeat, each with
// its CRLF.

// AppendStored appends an entry's head. Lines are whole header lines; etag is without them.
func AppendStored(dst, etag, lines []byte) []byte {
	if len(etag) > 255 {
		etag = nil
	}
	dst = append(dst, byte(len(etag)))
	dst = append(dst, etag...)
	return append(dst, lines...)
}

// SplitStored reads an entry's head; ok is false for one that this build did not write.
func SplitStored(head []byte) (etag, lines []byte, ok bool) {
	if len(head) == 0 || len(head) < 1+int(head[0]) {
		return nil, nil, false
	}
	n := 1 + int(head[0])
	return head[1:n], head[n:], true
}

// AppendETag appends a strong entity tag of body (RFC 9110, section 8.8.3).
func AppendETag(dst, body []byte) []byte {
	sum := xxh3.Hash128(body)
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], sum.Hi)
	binary.BigEndian.PutUint64(raw[8:], sum.Lo)
	dst = append(dst, '"')
	dst = base64.RawURLEncoding.AppendEncode(dst, raw[:])
	return append(dst, '"')
}

// IsETag reports whether tag is one entity tag (RFC 9110, section 8.8.3) of a length that an entry keeps.
func IsETag(tag []byte) bool {
	if len(tag) > 255 {
		return false
	}
	tag = bytes.TrimPrefix(tag, []byte("W/"))
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return false
	}
	for _, c := range tag[1 : len(tag)-1] {
		if c <= ' ' || c == '"' || c == 0x7f {
			return false
		}
	}
	return true
}

// Matches reports whether the value of If-None-Match names etag, by weak comparison (RFC 9110, section 13.1.2).
func Matches(ifNoneMatch, etag []byte) bool {
	if len(ifNoneMatch) == 0 || len(etag) == 0 {
		return false
	}
	etag = bytes.TrimPrefix(etag, []byte("W/"))
	for len(ifNoneMatch) > 0 {
		var item []byte
		item, ifNoneMatch = cutItem(ifNoneMatch)
		item = bytes.TrimSpace(item)
		if bytes.Equal(item, []byte("*")) || bytes.Equal(bytes.TrimPrefix(item, []byte("W/")), etag) {
			return true
		}
	}
	return false
}
