package wire

import "bytes"

// field is one header line, as offsets into the head.
type field struct{ name, nameEnd, value, valueEnd int32 }

// fields are the header lines of a head.
type fields struct {
	buf  []byte // the head
	list []field
}

// Header returns the value of the first header of that name, which is in lower case; nil when absent.
func (f *fields) Header(lower string) []byte {
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
	for i := range f.list {
		h := &f.list[i]
		if int(h.nameEnd-h.name) == len(lower) && equalFold(f.buf[h.name:h.nameEnd], lower) {
			n++
		}
	}
	return n
}

// Raw returns the head as received, with the empty line at its end.
func (f *fields) Raw() []byte { return f.buf }

// Lines returns the header lines as received, without the first line and the empty line at the end.
func (f *fields) Lines() []byte {
	i := bytes.IndexByte(f.buf, '\n')
	end := len(f.buf)
	end -= len("\n")
	if end > 0 && f.buf[end-1] == '\r' {
		end--
	}
	if i+1 >= end {
		return nil
	}
	return f.buf[i+1 : end]
}

// headEnd returns the size of the head at the start of buf, the empty line included; 0 when it is not there yet. odd tells that a line
// does not end with CRLF.
func headEnd(buf []byte) (size int, odd bool) {
	for i := 0; ; {
		n := bytes.IndexByte(buf[i:], '\n')
		if n < 0 {
			return 0, odd
		}
		cr := n > 0 && buf[i+n-1] == '\r'
		odd = odd || !cr
		if (n == 0 || n == 1 && cr) && i > 0 {
			return i + n + 1, odd
		}
		i += n + 1
	}
}
