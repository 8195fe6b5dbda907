package outward

import (
	"bytes"
	"slices"
	"strconv"
	"time"
)

// TagSource is a list of tag names.
type TagSource interface {
	Len() int
	At(i int) []byte
}

// Answer is what the lines of an answer follow from.
type Answer struct {
	TTL        time.Duration // fresh for, from now on
	StaleWhile time.Duration // may be served for so long after that while it is fetched anew
	Age        int64         // seconds that Age says already
	Private    bool          // only for who asked: no cache that others share keeps it
	Tags       TagSource
	Vary       []string // request headers that answers differ by, beside Accept
	Order      []int32  // scratch: the tags that are written, in their order
}

// Render appends the lines of an answer that may be kept.
func (p *Policy) Render(dst []byte, a *Answer) []byte {
	if p.CacheControl {
		dst = append(dst, "Cache-Control: "...)
		if a.Private {
			dst = append(dst, "private"...)
		} else {
			dst = append(dst, "public"...)
		}
		dst = lifetime(append(dst, ", "...), a)
	}
	for _, shared := range []struct {
		on   bool
		name string
	}{{p.CDNCacheControl, "CDN-Cache-Control: "}, {p.SurrogateControl, "Surrogate-Control: "}} {
		switch {
		case !shared.on:
		case a.Private:
			dst = append(append(dst, shared.name...), "no-store\r\n"...)
		default:
			dst = lifetime(append(dst, shared.name...), a)
		}
	}
	if a.Private {
		return dst
	}
	dst = append(dst, "Vary: accept"...)
	for _, h := range a.Vary {
		dst = append(append(dst, ", "...), h...)
	}
	dst = append(dst, "\r\n"...)
	if a.Tags == nil {
		return dst
	}
	a.sort()
	dst = p.tags(dst, &p.SurrogateKey, "Surrogate-Key: ", " ", "", a)
	dst = p.tags(dst, &p.CacheTag, "Cache-Tag: ", ",", "", a)
	return p.tags(dst, &p.CacheGroups, "Cache-Groups: ", ", ", `"`, a)
}

// Refuse appends the lines of an answer that nobody may keep: of errors, and of what has no tags to purge it by.
func (p *Policy) Refuse(dst []byte) []byte {
	dst = append(dst, "Cache-Control: no-store\r\n"...)
	if p.CDNCacheControl {
		dst = append(dst, "CDN-Cache-Control: no-store\r\n"...)
	}
	if p.SurrogateControl {
		dst = append(dst, "Surrogate-Control: no-store\r\n"...)
	}
	return dst
}

func lifetime(dst []byte, a *Answer) []byte {
	dst = append(dst, "max-age="...)
	dst = strconv.AppendInt(dst, a.Age+int64(a.TTL/time.Second), 10)
	if s := int64(a.StaleWhile / time.Second); s > 0 && !a.Private {
		dst = append(dst, ", stale-while-revalidate="...)
		dst = strconv.AppendInt(dst, s, 10)
	}
	return append(dst, "\r\n"...)
}

// rank says when a tag is written: the lower the earlier. Tags of the sidecar's own, which begin with @, are not written.
type rank uint8

const (
	rankList rank = iota // list:Type, Type:?
	rankOther
	rankEntity // Type:id
	rankCall   // Query.field(…)
	rankField  // Query.field
	rankType
	ranks
	unwritten = ranks
)

func rankOf(tag []byte) rank {
	switch colon := bytes.IndexByte(tag, ':'); {
	case len(tag) == 0 || tag[0] == '@':
		return unwritten
	case bytes.HasPrefix(tag, []byte("Query.")):
		if tag[len(tag)-1] == ')' {
			return rankCall
		}
		return rankField
	case bytes.HasPrefix(tag, []byte("list:")), bytes.HasSuffix(tag, []byte(":?")):
		return rankList
	case colon > 0 && isName(tag[:colon]):
		return rankEntity
	case isName(tag):
		return rankType
	}
	return rankOther
}

// sort fills Order: by rank, and as they came.
func (a *Answer) sort() {
	var ends [ranks + 1]int
	n := a.Tags.Len()
	for i := range n {
		ends[rankOf(a.Tags.At(i))]++
	}
	written, from := n-ends[unwritten], 0
	for r := range ends {
		ends[r], from = from, from+ends[r]
	}
	a.Order = slices.Grow(a.Order[:0], n)[:n]
	for i := range n {
		r := rankOf(a.Tags.At(i))
		a.Order[ends[r]] = int32(i)
		ends[r]++
	}
	a.Order = a.Order[:written]
}

// isName reports whether b is a GraphQL name.
func isName(b []byte) bool {
	for i, c := range b {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return len(b) > 0
}

// tags appends one header of tags; quote stands around each.
func (p *Policy) tags(dst []byte, t *Tags, name, separator, quote string, a *Answer) []byte {
	if !t.Enabled {
		return dst
	}
	w := tagWriter{start: len(dst) + len(name), limit: t, separator: separator, quote: quote, dst: append(dst, name...)}
	if whole := w.room(a); !whole {
		w.reserve = len(separator) + 2*len(quote) + encodedLen([]byte(p.CatchAll))
	}
	for _, i := range a.Order {
		if w.full() {
			break
		}
		w.put(a.Tags.At(int(i)))
	}
	if w.reserve > 0 {
		w.reserve, w.count = 0, min(w.count, t.MaxTags-1)
		w.put([]byte(p.CatchAll))
	}
	if len(w.dst) == w.start { // nothing to say
		return dst
	}
	return append(w.dst, "\r\n"...)
}

// tagWriter writes tags within a limit.
type tagWriter struct {
	dst              []byte
	start            int
	count            int
	reserve          int // bytes kept for the catch-all
	limit            *Tags
	separator, quote string
}

// room reports whether all tags fit.
func (w *tagWriter) room(a *Answer) bool {
	size, count := 0, len(a.Order)
	for _, i := range a.Order {
		n := encodedLen(a.Tags.At(int(i)))
		if n > w.limit.MaxTag {
			return false
		}
		if size += n + 2*len(w.quote) + len(w.separator); size-len(w.separator) > w.limit.MaxBytes {
			return false
		}
	}
	return count <= w.limit.MaxTags
}

// full reports whether not even a tag of one byte has room.
func (w *tagWriter) full() bool {
	return len(w.dst)-w.start+len(w.separator)+1+2*len(w.quote)+w.reserve > w.limit.MaxBytes || w.reserve > 0 && w.count >= w.limit.MaxTags-1
}

func (w *tagWriter) put(tag []byte) {
	n := encodedLen(tag)
	most := w.limit.MaxTags
	if w.reserve > 0 {
		most--
	}
	size := len(w.dst) - w.start + n + 2*len(w.quote) + w.reserve
	if len(w.dst) > w.start {
		size += len(w.separator)
	}
	if n > w.limit.MaxTag || size > w.limit.MaxBytes || w.count >= most {
		return
	}
	if len(w.dst) > w.start {
		w.dst = append(w.dst, w.separator...)
	}
	w.dst = append(w.dst, w.quote...)
	w.dst = encode(w.dst, tag)
	w.dst = append(w.dst, w.quote...)
	w.count++
}

// plain tells the bytes that every vendor takes in a tag; others are written as %XX, so that a tag holds neither a separator nor a
// quotation mark nor the end of a line.
func plain(c byte) bool { return c > ' ' && c < 0x7f && c != ',' && c != '%' && c != '"' && c != '\\' }

func encodedLen(tag []byte) int {
	n := len(tag)
	for _, c := range tag {
		if !plain(c) {
			n += 2
		}
	}
	return n
}

func encode(dst, tag []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range tag {
		if plain(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
