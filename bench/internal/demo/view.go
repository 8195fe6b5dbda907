package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

// frame is one moment of the live view.
type frame struct {
	elapsed, total time.Duration // total 0: no end
	window         load.Window
	whole          result.Stats
	sum            totals
	produced       int64
	score          float64
	version        uint64 // 0: none was pushed
	step           string
}

// view shows frames and lines. On a terminal the newest frame stays at the bottom and lines scroll above it; elsewhere both are lines.
type view struct {
	mu    sync.Mutex
	out   io.Writer
	width func() int // nil: no terminal
	drawn int        // lines of the frame on the screen
	last  []string
	trend []float64
}

const (
	maxTrend   = 30
	lineFrames = 5 // without a terminal every fifth frame is a line
	minWidth   = 20
)

// say prints a line above the frame.
func (v *view) say(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	fmt.Fprintf(v.out, format+"\n", args...)
	v.draw()
}

// show replaces the frame. n counts the frames.
func (v *view) show(n int, f *frame) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.width == nil {
		if n%lineFrames == 0 {
			fmt.Fprintln(v.out, f.line())
		}
		return
	}
	if v.trend = append(v.trend, f.window.Rate); len(v.trend) > maxTrend {
		v.trend = v.trend[1:]
	}
	v.erase()
	v.last = f.lines(spark(v.trend))
	v.draw()
}

// close leaves the last frame where it is.
func (v *view) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last, v.drawn = nil, 0
}

func (v *view) erase() {
	if v.drawn > 0 {
		fmt.Fprintf(v.out, "\x1b[%dA\r\x1b[J", v.drawn)
		v.drawn = 0
	}
}

func (v *view) draw() {
	if v.width == nil || len(v.last) == 0 {
		return
	}
	width := max(v.width(), minWidth)
	var b strings.Builder
	for i, line := range v.last {
		line = cut(line, width-1)
		if i == 0 {
			line = "\x1b[1m" + line + "\x1b[0m"
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	fmt.Fprint(v.out, b.String())
	v.drawn = len(v.last)
}

func (f *frame) clock() string {
	s := fmt.Sprintf("%02d:%02d", int(f.elapsed.Minutes()), int(f.elapsed.Seconds())%60)
	if f.total > 0 {
		s += fmt.Sprintf(" of %02d:%02d", int(f.total.Minutes()), int(f.total.Seconds())%60)
	}
	return s
}

func (f *frame) configuration() string {
	if f.version == 0 {
		return "none pushed yet"
	}
	return fmt.Sprintf("version %d", f.version)
}

func (f *frame) lines(trend string) []string {
	return []string{
		strings.Repeat("─", 8) + " weir demo " + f.clock() + " · " + f.step + " " + strings.Repeat("─", 40),
		fmt.Sprintf(" requests/s %8.0f  %s", f.window.Rate, trend),
		fmt.Sprintf(" hit rate   %7.1f%%  whole run %.1f%%", 100*f.window.HitRatio(), 100*f.whole.HitRatio()),
		fmt.Sprintf(" latency    p50 %s  p99 %s", millis(f.window.Latency.At(50)), millis(f.window.Latency.At(99))),
		fmt.Sprintf(" money      cost %s  saved %s", f.sum.Cost.Short(), f.sum.Saved.Short()),
		fmt.Sprintf(" anomaly    score %.2f  events over %.1f: %d", f.score, alarm, f.sum.Anomalies),
		fmt.Sprintf(" events     %d produced  %d consumed", f.produced, f.sum.Events),
		fmt.Sprintf(" config     %s", f.configuration()),
		fmt.Sprintf(" errors     %d  stale after invalidation %d", f.whole.Errors, f.whole.StaleEntities),
	}
}

func (f *frame) line() string {
	return fmt.Sprintf("%s  %.0f/s  hit %.1f%%  p50 %s  p99 %s  cost %s  saved %s  anomaly %.2f  config %d  errors %d", f.clock(), f.window.Rate,
		100*f.window.HitRatio(), millis(f.window.Latency.At(50)), millis(f.window.Latency.At(99)), f.sum.Cost.Short(), f.sum.Saved.Short(), f.score, f.version, f.whole.Errors)
}

func millis(us int64) string { return fmt.Sprintf("%.2f ms", float64(us)/1000) }

// cut shortens a line to width characters; each of the characters used here is one column wide.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	r := []rune(s)
	return string(r[:width-1]) + "…"
}

func spark(values []float64) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	top := 1.0
	for _, v := range values {
		top = max(top, v)
	}
	out := make([]rune, len(values))
	for i, v := range values {
		out[i] = bars[min(len(bars)-1, int(v/top*float64(len(bars))))]
	}
	return string(out)
}
