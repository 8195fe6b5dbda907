package drive

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/live"
	"github.com/weirproxy/weir/bench/internal/load"
)

const (
	maxTrend   = 30
	lineEvery  = 5 // seconds, without a terminal
	barWidth   = 20
	titleWidth = 12
)

// progress shows one leg while it runs.
type progress struct {
	screen        *live.Screen
	quiet         bool
	label         string // run, or the step of a search
	targets       string
	total, warmup time.Duration // total 0: not known
	requests      int64         // that end it; 0: none
	streams       streamCounts

	trend    []float64
	sum      load.Window // since the last line
	done     int64       // requests so far
	errors   int64
	failures map[string]int64
	seconds  int
	dead     bool // the last window had failures only
}

// streamCounts are the open subscriptions and their events, by stream.
type streamCounts struct {
	mu           sync.Mutex
	open, events map[int]int64
	last         int64 // events when last asked
}

func (s *streamCounts) set(stream int, open, events int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open, s.events = map[int]int64{}, map[int]int64{}
	}
	s.open[stream], s.events[stream] = open, events
}

// take returns how many are open and how many events came since the last call; false when there are no subscriptions.
func (s *streamCounts) take() (open, events int64, any bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.open {
		open, events = open+s.open[i], events+s.events[i]
	}
	events, s.last = events-s.last, events
	return open, events, len(s.open) > 0
}

func (p *progress) streamFailed(kind string, err error) {
	if !p.quiet {
		p.screen.Say("subscription failed (%s): %v", kind, err)
	}
}

// show takes the window of the last second.
func (p *progress) show(elapsed time.Duration, w load.Window) {
	p.seconds++
	p.done += w.Requests
	p.errors += w.Errors
	if p.failures == nil {
		p.failures = map[string]int64{}
	}
	for kind, n := range w.Failures {
		p.failures[kind] += n
	}
	p.deadTarget(&w)
	if p.quiet {
		return
	}
	if p.screen.Terminal() {
		if p.trend = append(p.trend, w.Rate); len(p.trend) > maxTrend {
			p.trend = p.trend[1:]
		}
		p.screen.Show(p.frame(elapsed, &w)...)
		return
	}
	p.gather(&w)
	if p.seconds%lineEvery == 0 {
		p.screen.Say("%s", p.line(elapsed, &p.sum))
		p.sum = load.Window{}
	}
}

// gather adds up the windows of one line.
func (p *progress) gather(w *load.Window) {
	s := &p.sum
	all := s.Seconds + w.Seconds
	if all > 0 {
		s.Rate = (s.Rate*s.Seconds + w.Rate*w.Seconds) / all
	}
	s.Seconds, s.Busy = all, w.Busy
	s.Hits += w.Hits
	s.Misses += w.Misses
	s.Latency.Merge(w.Latency)
}

// deadTarget says at once that nothing is answered any more, and that it is again.
func (p *progress) deadTarget(w *load.Window) {
	if w.Requests == 0 {
		return
	}
	dead := w.Errors == w.Requests && unanswered(w.Failures) == w.Errors
	switch {
	case dead && !p.dead:
		p.screen.Say("%s: nothing was answered in the last second: %s", p.targets, kinds(w.Failures))
	case p.dead && !dead:
		p.screen.Say("%s: answers again", p.targets)
	}
	p.dead = dead
}

// stopping answers the first Ctrl-C.
func (p *progress) stopping() {
	if !p.quiet {
		p.screen.Say("ending in order, with what there is; once more ends it at once")
	}
}

// end takes the frame away.
func (p *progress) end() { p.screen.Clear() }

func (p *progress) clock(elapsed time.Duration) string {
	s := clock(elapsed)
	if p.total > 0 {
		s += " of " + clock(p.total)
	}
	if elapsed < p.warmup {
		s += " warm-up"
	}
	return s
}

// finished is the share of the leg that is over, or -1.
func (p *progress) finished(elapsed time.Duration) float64 {
	switch {
	case p.requests > 0:
		return float64(p.done) / float64(p.requests)
	case p.total > 0:
		return float64(elapsed) / float64(p.total)
	}
	return -1
}

func (p *progress) frame(elapsed time.Duration, w *load.Window) []string {
	head := fmt.Sprintf("── %s  %s", p.label, p.clock(elapsed))
	if share := p.finished(elapsed); share >= 0 {
		head += fmt.Sprintf("  %s %3.0f %%", live.Bar(share, barWidth), 100*min(share, 1))
	}
	lines := []string{
		head + "  " + p.targets,
		row("rate", fmt.Sprintf("%9s/s  %s", grouped(w.Rate), live.Spark(p.trend))),
		row("latency", latencies(w)),
		row("hit rate", hitRate(w)),
		row("errors", p.failed()),
		row("generator", fmt.Sprintf("%.0f %% busy", 100*w.Busy)),
	}
	if open, events, any := p.streams.take(); any {
		lines = append(lines, row("streams", fmt.Sprintf("%s open  %s events/s", count(open), count(events))))
	}
	return lines
}

func row(title, text string) string { return fmt.Sprintf("   %-*s%s", titleWidth, title, text) }

func (p *progress) line(elapsed time.Duration, w *load.Window) string {
	s := fmt.Sprintf("%s  %s  %s/s  errors %s  %s  hits %s  generator %.0f %%", p.label, p.clock(elapsed), grouped(w.Rate), p.failed(), latencies(w), hitRate(w), 100*w.Busy)
	if open, events, any := p.streams.take(); any {
		s += fmt.Sprintf("  streams %s  events %s/s", count(open), grouped(float64(events)/lineEvery))
	}
	return s
}

func latencies(w *load.Window) string {
	if w.Latency.Count() == 0 {
		return "p50 –  p99 –"
	}
	return fmt.Sprintf("p50 %s  p99 %s", micros(float64(w.Latency.At(50))), micros(float64(w.Latency.At(99))))
}

func hitRate(w *load.Window) string {
	if w.Hits+w.Misses == 0 {
		return "–"
	}
	return percent(share(w.Hits, w.Hits+w.Misses))
}

// failed is the count of errors so far, by kind.
func (p *progress) failed() string {
	if p.errors == 0 {
		return "0"
	}
	return fmt.Sprintf("%s (%s)", count(p.errors), kinds(p.failures))
}

// kinds lists failures, the most frequent first.
func kinds(failures map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(failures), func(a, b string) int {
		if d := failures[b] - failures[a]; d != 0 {
			return int(max(min(d, 1), -1))
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = name + " " + count(failures[name])
	}
	return strings.Join(names, ", ")
}

// unanswered counts the failures of requests that got no answer at all.
func unanswered(failures map[string]int64) (n int64) {
	for _, kind := range []string{load.FailConnect, load.FailIO, load.FailTimeout, load.FailUnsent} {
		n += failures[kind]
	}
	return n
}
