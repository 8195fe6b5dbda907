package answer

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// Stored is an entry's head: what Weir needs to write the answer again.
type Stored struct {
	ETag    []byte // up to 255 bytes; longer: none
	Age     int64  // seconds, of the origin's answer when the entry was made
	Outward []byte // header lines for caches, each with its CRLF; not for an answer that is made of several entries
	Lines   []byte // header lines to repeat, each with its CRLF
}

// Append appends the head in its stored form: the ETag behind its length, the age, the outward lines behind theirs, the other lines.
func (s *Stored) Append(dst []byte) []byte {
	etag := s.ETag
	if len(etag) > 255 {
		etag = nil
	}
	dst = append(dst, byte(len(etag)))
	dst = append(dst, etag...)
	dst = binary.AppendUvarint(dst, uint64(max(0, s.Age)))
	dst = binary.AppendUvarint(dst, uint64(len(s.Outward)))
	dst = append(dst, s.Outward...)
	return append(dst, s.Lines...)
}

// Read reads an entry's head; false for one that this build did not write. What it reads stays in head.
func (s *Stored) Read(head []byte) bool {
	if len(head) == 0 || len(head) < 1+int(head[0]) {
		return false
	}
	s.ETag, head = head[1:1+int(head[0])], head[1+int(head[0]):]
	age, n := binary.Uvarint(head)
	if n <= 0 || age > 1<<32 {
		return false
	}
	head = head[n:]
	size, n := binary.Uvarint(head)
	if n <= 0 || size > uint64(len(head)-n) {
		return false
	}
	s.Age, s.Outward, s.Lines = int64(age), head[n:n+int(size)], head[n+int(size):]
	return true
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
