package wire

import "bytes"

// emptyLine ends a head. It is kept: a build with a profile may inline bytes.Index, through which a literal then escapes, an allocation for each head.
var emptyLine = []byte("\r\n\r\n")

// field is one header line, as offsets into the head.
type field struct{ name, nameEnd, value, valueEnd int32 }

// Memory a head keeps between messages.
const (
	maxKept       = 16 << 10 // bytes
	maxKeptFields = 256
)

// fields are the header lines of a head.
type fields struct {
	buf  []byte // the head's own copy
	list []field
	met  uint64 // the signs of the names: most headers that are asked for are not there
}

// sign is one bit of 64 for a name, in whatever case.
func sign[T string | []byte](name T) uint64 {
	return 1 << ((uint(len(name))*5 + uint(name[0]|0x20)) % 64)
}

// add notes a header line; its name is not empty.
func (f *fields) add(name, nameEnd, value, valueEnd int) {
	f.met |= sign(f.buf[name:nameEnd])
	f.list = append(f.list, field{int32(name), int32(nameEnd), int32(value), int32(valueEnd)})
}

// same reports whether buf begins with the head that was copied last.
func (f *fields) same(buf []byte) bool {
	n := len(f.buf)
	return n > 0 && len(buf) >= n && bytes.Equal(buf[:n], f.buf)
}

// keep copies the head and forgets the lines of the one before.
func (f *fields) keep(head []byte) {
	if cap(f.buf) > maxKept && len(head) <= maxKept {
		f.buf = nil
	}
	if cap(f.list) > maxKeptFields {
		f.list = nil
	}
	f.buf, f.list, f.met = append(f.buf[:0], head...), f.list[:0], 0
}

// forget makes same fail.
func (f *fields) forget() { f.buf, f.list, f.met = f.buf[:0], f.list[:0], 0 }

// Header returns the value of the first header of that name, which is in lower case; nil when absent.
func (f *fields) Header(lower string) []byte {
	if f.met&sign(lower) == 0 {
		return nil
	}
	for i := range f.list {
		h := &f.list[i]
		if int(h.nameEnd-h.name) == len(lower) && equalFold(f.buf[h.name:h.nameEnd], lower) {
			return f.buf[h.value:h.valueEnd:h.valueEnd]
		}
	}
	return nil
}

// Count returns how many headers have that name, which is in lower case.
func (f *fields) Count(lower string) int {
	n := 0
	if f.met&sign(lower) == 0 {
		return n
	}
	for i := range f.list {
		h := &f.list[i]
		if int(h.nameEnd-h.name) == len(lower) && equalFold(f.buf[h.name:h.nameEnd], lower) {
			n++
		}
	}
	return n
}

// VisitHeaders calls f for each header in the order received, until it returns false.
func (f *fields) VisitHeaders(visit func(name, value []byte) bool) {
	for i := range f.list {
		h := &f.list[i]
		if !visit(f.buf[h.name:h.nameEnd:h.nameEnd], f.buf[h.value:h.valueEnd:h.valueEnd]) {
			return
		}
	}
}

// Len is how many header lines there are.
func (f *fields) Len() int { return len(f.list) }

// Line returns the i-th header line, without its end, and the name in it.
func (f *fields) Line(i int) (name, line []byte) {
	h := &f.list[i]
	return f.buf[h.name:h.nameEnd:h.nameEnd], f.buf[h.name:h.valueEnd:h.valueEnd]
}

// Raw returns the head as received, with the empty line at its end.
func (f *fields) Raw() []byte { return f.buf }

// headEnd returns the size of the head at the start of buf, the empty line included; 0 when it is not there yet. bare tells that a line
// of it does not end with CRLF.
func headEnd(buf []byte) (size int, bare bool) {
	for i := 0; ; {
		n := bytes.IndexByte(buf[i:], '\n')
		if n < 0 {
			return 0, bare
		}
		cr := n > 0 && buf[i+n-1] == '\r'
		bare = bare || !cr
		if i > 0 && (n == 0 || n == 1 && cr) {
			return i + n + 1, bare
		}
		i += n + 1
	}
}
