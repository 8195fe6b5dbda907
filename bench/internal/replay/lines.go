package replay

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sort"
)

// lineReader remembers where the lines of what was read through it begin, back to what it was told to forget.
type lineReader struct {
	in     io.Reader
	read   int64
	ends   []int64 // offsets of line ends
	before int     // line ends forgotten
	last   int64   // offset of the last one forgotten, plus 1
}

func (l *lineReader) Read(p []byte) (int, error) {
	n, err := l.in.Read(p)
	for at := 0; ; {
		i := bytes.IndexByte(p[at:n], '\n')
		if i < 0 {
			break
		}
		l.ends = append(l.ends, l.read+int64(at+i))
		at += i + 1
	}
	l.read += int64(n)
	return n, err
}

// position is line and column of an offset, both from 1.
func (l *lineReader) position(offset int64) (line, column int) {
	n := sort.Search(len(l.ends), func(i int) bool { return l.ends[i] >= offset })
	start := l.last
	if n > 0 {
		start = l.ends[n-1] + 1
	}
	return l.before + n + 1, int(offset-start) + 1
}

// forget drops the lines before an offset.
func (l *lineReader) forget(offset int64) {
	n := sort.Search(len(l.ends), func(i int) bool { return l.ends[i] >= offset })
	if n == 0 {
		return
	}
	l.last = l.ends[n-1] + 1
	l.before += n
	l.ends = append(l.ends[:0], l.ends[n:]...)
}

// readLines calls f for each line that is not empty, without its end; a line belongs to f until it returns. Lines beyond maxLine are left out.
func (r *reader) readLines(in io.Reader, f func(line []byte) error) error {
	b := bufio.NewReaderSize(in, 256<<10)
	var long []byte
	for r.line = 1; ; r.line++ {
		line, err := b.ReadSlice('\n')
		tooLong := false
		for long = long[:0]; errors.Is(err, bufio.ErrBufferFull); line, err = b.ReadSlice('\n') {
			if tooLong = tooLong || len(long)+len(line) > maxLine; !tooLong {
				long = append(long, line...)
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		if line = bytes.TrimSpace(line); tooLong {
			r.skip("a line of more than %d MiB", maxLine>>20)
		} else if len(line) > 0 {
			if err := f(line); err != nil {
				return err
			}
		}
		if err != nil || r.full() {
			return nil //nolint:nilerr // the end of the file
		}
	}
}
