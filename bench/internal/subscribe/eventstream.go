package subscribe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// errTooLong is a line or an event beyond maxMessage.
var errTooLong = errors.New("an event of more than 16 MiB")

// sentEvent is one server-sent event; its slices are valid until the next is read.
type sentEvent struct{ name, data []byte }

// eventReader reads an event stream as the HTML standard has it: lines end with LF, CR or CRLF; comments, ids and unknown fields are skipped; an event with
// neither data nor a name is none (complete may come without data); what follows the last empty line is dropped.
type eventReader struct {
	in         *bufio.Reader
	line       []byte
	name, data []byte
	skipLF     bool // the last line ended with CR, whose LF may follow
	first      bool
}

func newEventReader(r io.Reader) *eventReader {
	return &eventReader{in: bufio.NewReaderSize(r, 4<<10), first: true}
}

// next returns io.EOF at the end of the stream.
func (r *eventReader) next() (sentEvent, error) {
	r.name, r.data = append(r.name[:0], "message"...), r.data[:0]
	some := false
	for {
		line, err := r.readLine()
		if err != nil {
			return sentEvent{}, err
		}
		if len(line) == 0 {
			if some {
				return sentEvent{r.name, bytes.TrimSuffix(r.data, []byte("\n"))}, nil
			}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			r.name = append(r.name[:0], value...)
			if some = true; len(value) == 0 {
				r.name = append(r.name, "message"...)
			}
		case "data":
			if len(r.data)+len(value) > maxMessage {
				return sentEvent{}, errTooLong
			}
			r.data, some = append(append(r.data, value...), '\n'), true
		}
	}
}

// readLine returns a line without its end.
func (r *eventReader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	for {
		if r.in.Buffered() == 0 {
			if _, err := r.in.Peek(1); err != nil {
				return nil, err
			}
		}
		some, _ := r.in.Peek(r.in.Buffered()) // what is buffered can be peeked
		if r.skipLF {
			r.skipLF = false
			if some[0] == '\n' {
				_, _ = r.in.Discard(1) // buffered
				continue
			}
		}
		end := bytes.IndexAny(some, "\r\n")
		if end < 0 {
			if len(r.line)+len(some) > maxMessage {
				return nil, errTooLong
			}
			r.line = append(r.line, some...)
			_, _ = r.in.Discard(len(some)) // buffered
			continue
		}
		r.line = append(r.line, some[:end]...)
		r.skipLF = some[end] == '\r'
		_, _ = r.in.Discard(end + 1) // buffered
		if r.first {
			r.first = false
			r.line = bytes.TrimPrefix(r.line, []byte("\xef\xbb\xbf"))
		}
		return r.line, nil
	}
}
