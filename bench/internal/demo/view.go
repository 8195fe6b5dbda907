package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/live"
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
	screen *live.Screen
	trend  []float64
}

const (
	maxTrend   = 30
	lineFrames = 5 // without a terminal every fifth frame is a line
)

func newView(out io.Writer, width func() int) *view { return &view{screen: live.New(out, width)} }

// say prints a line above the frame.
func (v *view) say(format string, args ...any) { v.screen.Say(format, args...) }

// show replaces the frame. n counts the frames.
func (v *view) show(n int, f *frame) {
	if !v.screen.Terminal() {
		if n%lineFrames == 0 {
			v.screen.Say("%s", f.line())
		}
		return
	}
	if v.trend = append(v.trend, f.window.Rate); len(v.trend) > maxTrend {
		v.trend = v.trend[1:]
	}
	v.screen.Show(f.lines(live.Spark(v.trend))...)
}

// close leaves the last frame where it is.
func (v *view) close() { v.screen.Keep() }

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
