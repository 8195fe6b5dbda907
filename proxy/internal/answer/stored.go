package answer

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// Stored is an entry's head: what Weir needs to write the answer again, and to decide about it when it is no longer fresh.
type Stored struct {
	ETag   []byte // up to 255 bytes; longer: none
	Origin bool   // the ETag is the origin's, which knows it again
	Detail []byte // of Cache-Status: why the entry lives as long as it does; up to 255 bytes, longer: none
	Age    int64  // seconds, of the origin's answer when the entry was made
	// Revalidate is for how many seconds after its fresh time the entry may answer while it is fetched again.
	Revalidate int64
	Outward    []byte // header lines for caches, each with its CRLF; not for an answer that is made of several entries
	Lines      []byte // header lines to repeat, each with its CRLF
}

// Append appends the head in its stored form: flags, the ETag and the detail each behind its length, the two times, the outward lines behind
// their length, the other lines.
func (s *Stored) Append(dst []byte) []byte {
	flags := byte(0)
	if s.Origin {
		flags = storedOrigin
	}
	dst = append(dst, flags)
	dst = appendShort(dst, s.ETag)
	dst = appendShort(dst, s.Detail)
	dst = binary.AppendUvarint(dst, uint64(max(0, s.Age)))
	dst = binary.AppendUvarint(dst, uint64(max(0, s.Revalidate)))
	dst = binary.AppendUvarint(dst, uint64(len(s.Outward)))
	dst = append(dst, s.Outward...)
	return append(dst, s.Lines...)
}

// storedOrigin is the flag of Origin.
const storedOrigin = 1

// Read reads an entry's head; false for one that this build did not write. What it reads stays in head.
func (s *Stored) Read(head []byte) bool {
	if len(head) == 0 || head[0] > storedOrigin {
		return false
	}
	etag, rest, ok := cutShort(head[1:])
	if !ok {
		return false
	}
	detail, rest, ok := cutShort(rest)
	if !ok {
		return false
	}
	age, n := binary.Uvarint(rest)
	if n <= 0 || age > 1<<32 {
		return false
	}
	rest = rest[n:]
	revalidate, n := binary.Uvarint(rest)
	if n <= 0 || revalidate > 1<<32 {
		return false
	}
	rest = rest[n:]
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return false
	}
	s.Origin, s.ETag, s.Detail, s.Age, s.Revalidate = head[0] == storedOrigin, etag, detail, int64(age), int64(revalidate)
	s.Outward, s.Lines = rest[n:n+int(size)], rest[n+int(size):]
	return true
}

// appendShort appends v behind its length, one byte; a v that is longer is left out.
func appendShort(dst, v []byte) []byte {
	if len(v) > 255 {
		v = nil
	}
	return append(append(dst, byte(len(v))), v...)
}

func cutShort(b []byte) (v, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	return b[1 : 1+int(b[0])], b[1+int(b[0]):], true
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
