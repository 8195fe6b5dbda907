package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/weirproxy/weir/telemetry/event"
)

// Open reads a recording; gzip is undone, "-" is the standard input.
func Open(path string, o Options) (*Recording, error) {
	if path == "-" {
		return Read("standard input", os.Stdin, o)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	rec, err := Read(path, f, o)
	_ = f.Close() // only read
	return rec, err
}

const sniffed = 64 << 10

// Read reads a recording from in; name is for messages.
func Read(name string, in io.Reader, o Options) (*Recording, error) {
	b, err := Plain(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if o.Format == "" {
		start, _ := b.Peek(sniffed) // an error comes again when it is read
		if o.Format = detect(start); o.Format == "" {
			return nil, fmt.Errorf("%s:1: this is no HAR file, no log of requests and no cost events as far as its beginning shows; say what it is with --format", name)
		}
	}
	r := newReader(name, o)
	switch o.Format {
	case HAR:
		err = r.readHAR(b)
	case Log:
		err = r.readLog(b)
	case Events:
		err = r.readEvents(b)
	default:
		return nil, fmt.Errorf("format %q is unknown; use %s, %s or %s", o.Format, HAR, Log, Events)
	}
	if err != nil {
		return nil, err
	}
	return r.finish()
}

// Plain reads what in holds, out of gzip where it is in it, without a byte order mark.
func Plain(in io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(in, sniffed)
	start, _ := b.Peek(2) // an error comes again when it is read
	if string(start) == "\x1f\x8b" {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		b = bufio.NewReaderSize(z, sniffed)
	}
	if start, _ = b.Peek(3); string(start) == "\xef\xbb\xbf" {
		_, _ = b.Discard(len(start)) // peeked
	}
	return b, nil
}

var harStart = regexp.MustCompile(`^\s*\{\s*"log"\s*:\s*\{`)

// detect finds out the format from the first bytes; "" when they do not say.
func detect(start []byte) Format {
	if harStart.Match(start) {
		return HAR
	}
	for line := range bytes.Lines(start) {
		var l struct {
			SpecVersion string `json:"specversion"`
			EventType   string `json:"event_type"`
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(line, &members) != nil {
			continue // perhaps broken, perhaps cut
		}
		_ = json.Unmarshal(line, &l) // what is of another type stays empty
		if l.SpecVersion != "" || l.EventType == event.CostType || l.EventType == event.LossType {
			return Events
		}
		for _, name := range []string{"query", "body", "url", "extensions", "documentId"} {
			if members[name] != nil {
				return Log
			}
		}
	}
	// A first line longer than what was looked at.
	for _, name := range []string{"query", "body"} {
		if bytes.HasPrefix(bytes.TrimSpace(start), []byte("{")) && bytes.Contains(start, []byte(`"`+name+`":`)) && !bytes.Contains(start, []byte("\n")) {
			return Log
		}
	}
	return ""
}
