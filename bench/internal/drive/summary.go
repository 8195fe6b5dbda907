package drive

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/weirproxy/weir/bench/internal/result"
)

// summary is the result for a person.
func (d *driver) summary(f *result.File) string {
	var b strings.Builder
	r := f.Run
	d.heading(&b, f)
	s := &r.Total
	fmt.Fprintf(&b, "  requests   %s", count(s.Requests))
	if s.Rate > 0 {
		fmt.Fprintf(&b, " in %s  %s/s", micros(1e6*float64(s.Requests)/s.Rate), grouped(s.Rate)) // without the warm-up
	}
	fmt.Fprintf(&b, "  %s\n", bytesText(s.Bytes))
	fmt.Fprintf(&b, "  hits       %s\n", hitText(s))
	fmt.Fprintf(&b, "  errors     %s\n", errorText(s))
	d.mu.Lock()
	for _, text := range d.failures {
		fmt.Fprintf(&b, "             %s\n", text)
	}
	d.mu.Unlock()
	if s.StaleEntities > 0 {
		fmt.Fprintf(&b, "  stale      %s entities were older than an acknowledged mutation allows\n", count(s.StaleEntities))
	}
	if r.Subscriptions != nil {
		fmt.Fprintf(&b, "  streams    %s\n", streamText(r.Subscriptions))
	}
	if g := r.Generator; g.CPUSeconds > 0 {
		fmt.Fprintf(&b, "  generator  %.0f %% busy, %s of processor time per request\n", 100*g.Busy, significant(g.CPUPerRequest)+" µs")
	}
	b.WriteByte('\n')
	latencyTable(&b, r)
	if len(r.Operations) > 1 {
		b.WriteByte('\n')
		operationTable(&b, r)
	}
	d.conditions(&b, r)
	d.searched(&b, f)
	for _, w := range f.Warnings {
		fmt.Fprintf(&b, "\n  WARNING (%s): %s\n", w.Code, w.Text)
	}
	if f.Partial != "" {
		fmt.Fprintf(&b, "\n  PARTIAL RESULT: %s\n", f.Partial)
	}
	return b.String()
}

func (d *driver) heading(b *strings.Builder, f *result.File) {
	r := f.Run
	fmt.Fprintf(b, "%s  %s", d.cfg.Title, strings.Join(r.Targets, " "))
	if r.Loop == "open" {
		fmt.Fprintf(b, "  open loop %s", r.Arrivals)
	} else {
		b.WriteString("  closed loop")
	}
	fmt.Fprintf(b, "  %d connections  workload %s  seed %d\n\n", r.Connections, r.Workload, r.Seed)
}

func hitText(s *result.Stats) string {
	n := s.Hits + s.Misses
	if n == 0 {
		return "– (no answer had a Cache-Status)"
	}
	text := fmt.Sprintf("%s of the %s answers with a Cache-Status", percent(share(s.Hits, n)), count(n))
	if s.StaleHits > 0 {
		text += fmt.Sprintf(", %s of them past their lifetime", count(s.StaleHits))
	}
	return text
}

func errorText(s *result.Stats) string {
	text := count(s.Errors)
	if s.Errors > 0 {
		text += fmt.Sprintf(" (%s): %s", percent(share(s.Errors, s.Requests)), kinds(s.Failures))
	}
	if s.Excused > 0 {
		text += fmt.Sprintf("; %s more while they were expected", count(s.Excused))
	}
	return text
}

func streamText(s *result.Subscriptions) string {
	text := fmt.Sprintf("%d wanted, %s opened, %s open at the end, errors %s", s.Wanted, count(s.Opened), count(s.Open), count(s.Errors))
	if s.Errors > 0 {
		text += " (" + kinds(s.Failures) + ")"
	}
	text += fmt.Sprintf("  %s events, %s/s", count(s.Events), grouped(s.PerSecond))
	if !s.Delay.IsZero() {
		text += fmt.Sprintf("  delay p50 %s p99 %s", micros(float64(s.Delay.At(50))), micros(float64(s.Delay.At(99))))
	}
	return text
}

var percentiles = []float64{50, 90, 99, 99.9}

func latencyTable(b *strings.Builder, r *result.Run) {
	s := &r.Total
	if s.Latency.Count() == 0 {
		b.WriteString("  no request succeeded: there is no latency to show\n")
		return
	}
	line := func(name string, h *result.Histogram, meaning string) []string {
		cells := []string{name}
		for _, p := range percentiles {
			cells = append(cells, micros(float64(h.At(p))))
		}
		return append(cells, micros(float64(h.Max())), micros(h.Mean()), meaning)
	}
	rows := [][]string{{"", "p50", "p90", "p99", "p99.9", "max", "mean", ""}}
	if r.Loop == "open" {
		rows = append(rows, line("latency", &s.Latency, "from the moment a request was due: what a user waits"))
		if !s.Service.IsZero() {
			rows = append(rows, line("service", &s.Service, "from the moment it was sent: what a closed-loop tool reports"))
		}
	} else {
		rows = append(rows, line("latency", &s.Latency, "from the moment a request was sent"))
	}
	table(b, rows)
}

func operationTable(b *strings.Builder, r *result.Run) {
	rows := [][]string{{"operation", "requests", "rate", "errors", "hits", "p50", "p99", "max", ""}}
	for i := range r.Operations {
		op := &r.Operations[i]
		s := &op.Stats
		row := []string{op.Name, count(s.Requests), grouped(s.Rate) + "/s", count(s.Errors), "–", "–", "–", "–", ""}
		if n := s.Hits + s.Misses; n > 0 {
			row[4] = percent(share(s.Hits, n))
		}
		if h := &s.Latency; h.Count() > 0 {
			row[5], row[6], row[7] = micros(float64(h.At(50))), micros(float64(h.At(99))), micros(float64(h.Max()))
		}
		if row[8] = op.Kind; s.Errors > 0 {
			row[8] += ", " + kinds(s.Failures)
		}
		rows = append(rows, row)
	}
	table(b, rows)
}

// conditions lists the thresholds, and what failed without one.
func (d *driver) conditions(b *strings.Builder, r *result.Run) {
	if len(r.Thresholds) > 0 {
		b.WriteString("\n  thresholds\n")
	}
	for i, c := range r.Thresholds {
		text, verdict := "", "held"
		if i < len(d.cfg.Thresholds) {
			text = d.cfg.Thresholds[i].format(c.Value)
		}
		if !c.Pass {
			verdict = "MISSED"
		}
		fmt.Fprintf(b, "  %s %-18s %-6s  %s\n", mark(c.Pass), c.Condition, verdict, text)
	}
	if n := uncovered(d.cfg.Thresholds, r); n > 0 {
		fmt.Fprintf(b, "\n  ✗ %s errors: none is allowed unless a threshold says how many, like --threshold errors=0.1%%\n", count(n))
	}
}

// searched shows the steps of a search and where it ended.
func (d *driver) searched(b *strings.Builder, f *result.File) {
	r := f.Run
	if len(r.Search) == 0 {
		return
	}
	rows := [][]string{{"step", "rate", "achieved"}}
	for i := range d.cfg.Thresholds {
		rows[0] = append(rows[0], d.cfg.Thresholds[i].Condition)
	}
	rows[0] = append(rows[0], "")
	for n, s := range r.Search {
		row := []string{fmt.Sprint(n + 1), grouped(s.Rate) + "/s", grouped(s.Achieved) + "/s"}
		for i := range d.cfg.Thresholds {
			row = append(row, d.cfg.Thresholds[i].format(s.Thresholds[i].Value)+" "+mark(s.Thresholds[i].Pass))
		}
		verdict := "missed"
		if s.Held {
			verdict = "held"
		}
		rows = append(rows, append(row, verdict))
	}
	b.WriteByte('\n')
	table(b, rows)
	switch {
	case r.HighestRate > 0 && f.Partial != "":
		fmt.Fprintf(b, "\n  highest rate that held until then, not checked again: %s/s\n", grouped(r.HighestRate))
	case r.HighestRate > 0:
		fmt.Fprintf(b, "\n  highest rate that held: %s/s (the figures above are of its last run)\n", grouped(r.HighestRate))
	default:
		b.WriteString("\n  no rate was found that holds\n")
	}
}

// table aligns its columns: the first and the last to the left, the others to the right.
func table(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			line.WriteString("  ")
			if i == 0 || i == len(row)-1 {
				line.WriteString(cell + pad)
			} else {
				line.WriteString(pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
