package subscribe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// all reads a stream to its end, one event a line.
func all(r io.Reader) (string, error) {
	var out strings.Builder
	in := newEventReader(r)
	for {
		e, err := in.next()
		if err != nil {
			return out.String(), err
		}
		fmt.Fprintf(&out, "%q %q\n", e.name, e.data)
	}
}

func TestEventStream(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "data: a\n\n", `"message" "a"` + "\n"},
		{"named", "event: next\ndata: a\n\n", `"next" "a"` + "\n"},
		{"several lines", "data: a\ndata:\ndata:  b\n\n", `"message" "a\n\n b"` + "\n"},
		{"without a space", "event:next\ndata:a\n\n", `"next" "a"` + "\n"},
		{"CRLF", "event: next\r\ndata: a\r\n\r\ndata: b\r\n\r\n", `"next" "a"` + "\n" + `"message" "b"` + "\n"},
		{"CR", "data: a\r\rdata: b\r\r", `"message" "a"` + "\n" + `"message" "b"` + "\n"},
		{"mixed", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", `"message" "a"` + "\n" + `"message" "b"` + "\n" + `"message" "c"` + "\n"},
		{"comments, ids and the unknown", ":\n: hello\nid: 7\nretry: 10\nwhat\ndata: a\n: more\n\n:\n\n", `"message" "a"` + "\n"},
		{"a name alone", "event: complete\n\ndata: a\n\n", `"complete" ""` + "\n" + `"message" "a"` + "\n"},
		{"empty data", "event: complete\ndata:\n\n", `"complete" ""` + "\n"},
		{"an empty name", "event:\ndata: a\n\n", `"message" "a"` + "\n"},
		{"unfinished", "data: a\n\ndata: b\n", `"message" "a"` + "\n"},
		{"byte order mark", "\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", `"message" "a"` + "\n"},
		{"nothing", "", ""},
		{"empty lines", "\n\n\r\n\r\r", ""},
	} {
		for how, r := range map[string]io.Reader{"whole": strings.NewReader(c.in), "byte by byte": iotest.OneByteReader(strings.NewReader(c.in))} {
			if got, err := all(r); got != c.want || !errors.Is(err, io.EOF) {
				t.Errorf("%s, %s: %v\n%swant\n%s", c.name, how, err, got, c.want)
			}
		}
	}
}

func TestEventsHaveABound(t *testing.T) {
	endless := readerFunc(func(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("x"), len(p))), nil })
	if _, err := all(io.MultiReader(strings.NewReader("data: "), endless)); !errors.Is(err, errTooLong) {
		t.Errorf("a line without an end: %v", err)
	}
	line := "data: " + strings.Repeat("x", 1<<20) + "\n"
	if _, err := all(strings.NewReader(strings.Repeat(line, 17))); !errors.Is(err, errTooLong) {
		t.Errorf("an event without an end: %v", err)
	}
	if got, err := all(strings.NewReader(strings.Repeat(line, 15) + "\n")); !errors.Is(err, io.EOF) || len(got) < 15<<20 {
		t.Errorf("an event of 15 MiB: %d bytes, %v", len(got), err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// FuzzEventStream compares with a reading of the whole text at once.
func FuzzEventStream(f *testing.F) {
	f.Add("event: next\r\ndata: a\rdata: b\n\n:c\n\n")
	f.Add("\xef\xbb\xbfdata\n\nevent\ndata:\n\n\r\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := all(iotest.HalfReader(strings.NewReader(in)))
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if want := plainly(in); got != want {
			t.Fatalf("%q:\n%swant\n%s", in, got, want)
		}
	})
}

func plainly(in string) string {
	in = strings.ReplaceAll(strings.ReplaceAll(in, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(in, "\n")
	lines[0] = strings.TrimPrefix(lines[0], "\xef\xbb\xbf")
	var out strings.Builder
	var data []string
	name, some := "", false
	for _, line := range lines[:len(lines)-1] { // what has no end is no line
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if name == "" {
				name = "message"
			}
			if some {
				fmt.Fprintf(&out, "%q %q\n", name, strings.Join(data, "\n"))
			}
			data, name, some = nil, "", false
		case field == "event":
			name, some = value, true
		case field == "data":
			data, some = append(data, value), true
		}
	}
	return out.String()
}
