package keytrace

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/weirproxy/weir/bench/internal/replay"
)

// Forms describes what Open reads, for help texts.
const Forms = `events  Weir's cost events, one a line, as "weir-bench replay" takes them. With policy.cache.trace: true an event names its key (metadata.cache_key); without, keys are
        guessed from operation, tenant and size of the answer, which is too few of them as a rule, and said.
keys    one JSON object a line: time (RFC 3339 or Unix time), key, bytes, and where known ttl ("60s"), fetch_us and usd:
          {"time":"2026-05-04T12:00:00.25Z","key":"City 1","bytes":1800,"ttl":"60s","fetch_us":5200,"usd":"0.0000021"}
        or one use a line as words: SECONDS KEY BYTES [FETCH_US]; a line that begins with # is a remark:
          0.25 city-1 1800 5200
zipf    random keys: zipf:EXPONENT[,keys=100000][,requests=1000000][,bytes=1000][,rate=1000][,fetch_us=5000][,scan=0.5][,seed=1]; scan is the share of keys that come
        once and never again.`

// Open reads a trace; path is a file (gzip is undone), - for the standard input, or a description of random keys.
func Open(path string, maxUses int) (*Trace, error) {
	if text, ok := strings.CutPrefix(path, "zipf:"); ok {
		return random(path, text, maxUses)
	}
	if path == "-" {
		return Read("standard input", os.Stdin, maxUses)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	t, err := Read(path, f, maxUses)
	_ = f.Close() // only read
	return t, err
}

// OpenKafka reads the cost events of a topic from its beginning to where its end is now.
func OpenKafka(ctx context.Context, brokers []string, topic string, maxUses int) (*Trace, error) {
	e := events{builder: newBuilder("topic "+topic, maxUses)}
	err := replay.EachRecord(ctx, brokers, topic, func(value []byte) bool {
		e.line++
		e.take(value)
		return !e.full()
	})
	if err != nil {
		return nil, err
	}
	return e.finish()
}

const maxLine = 1 << 20

// Read reads a trace from in; name is for messages.
func Read(name string, in io.Reader, maxUses int) (*Trace, error) {
	b, err := replay.Plain(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	build := newBuilder(name, maxUses)
	e, k := events{builder: build}, keys{build}
	take := func([]byte) {}
	known := false
	s := bufio.NewScanner(b)
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	for s.Scan() && !build.full() {
		build.line++
		line := bytes.TrimSpace(s.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if !known { // the first line tells what the file is
			known = true
			switch {
			case line[0] != '{':
				take = k.words
			case bytes.Contains(line, []byte(`"event_type"`)) || bytes.Contains(line, []byte(`"specversion"`)):
				take = e.take
			default:
				take = k.object
			}
		}
		take(line)
	}
	if err := s.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s:%d: a line of more than %d MiB; a trace has one use a line", name, build.line+1, maxLine>>20)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return e.finish()
}
