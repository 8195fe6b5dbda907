package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

func sample() *frame {
	latency := result.NewHistogram()
	for range 9 {
		latency.Record(210 * time.Microsecond)
	}
	latency.Record(2100 * time.Microsecond)
	return &frame{
		elapsed: 12 * time.Second, total: 30 * time.Second, step: "2/6 change the configuration", version: 3, score: 0.25, produced: 12,
		window: load.Window{Stats: result.Stats{Rate: 400, Hits: 91, Misses: 9, Latency: latency}}, sum: totals{Cost: 1_500_000, Saved: 2_500_000_000},
	}
}

func TestFrameIsDrawnOnATerminal(t *testing.T) {
	var out bytes.Buffer
	v := newView(&out, func() int { return 60 })
	v.show(1, sample())
	if n := strings.Count(out.String(), "\n"); n != len(sample().lines("")) || !strings.Contains(out.String(), " requests/s      400  █") {
		t.Errorf("%d lines: %q", n, out.String())
	}
	out.Reset()
	v.say("a line")
	if !strings.Contains(out.String(), "a line\x1b[K\n\x1b[1m────") {
		t.Errorf("%q", out.String())
	}
}

func TestWithoutTerminalThereAreOnlyLines(t *testing.T) {
	var out bytes.Buffer
	v := newView(&out, nil)
	for n := range 2 * lineFrames {
		v.show(n+1, sample())
	}
	v.say("step %d", 1)
	v.close()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || lines[2] != "step 1" || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%q", out.String())
	}
	want := "00:12 of 00:30  400/s  hit 91.0%  p50 0.21 ms  p99 2.10 ms  cost $0.000002  saved $0.002500  anomaly 0.25  config 3  errors 0"
	if lines[0] != want {
		t.Errorf("got  %s\nwant %s", lines[0], want)
	}
}
