package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/weirproxy/weir/bench/internal/result"
)

const mostPoints = 360

// thin joins neighbouring rows so that a picture has at most so many points; percentiles are the highest of the joined, the median their mean.
func thin(series []result.Second) (rows []result.Second, joined int) {
	joined = (len(series) + mostPoints - 1) / mostPoints
	if joined <= 1 {
		return series, 1
	}
	for i := 0; i < len(series); i += joined {
		var row result.Second
		group := series[i:min(i+joined, len(series))]
		for _, s := range group {
			row.At = s.At
			row.Requests, row.Errors, row.Hits, row.Misses = row.Requests+s.Requests, row.Errors+s.Errors, row.Hits+s.Hits, row.Misses+s.Misses
			row.P50 += s.P50 / int64(len(group))
			row.P90, row.P99, row.Max = max(row.P90, s.P90), max(row.P99, s.P99), max(row.Max, s.Max)
		}
		rows = append(rows, row)
	}
	return rows, joined
}

func overTime(r *result.Run, machines int) section {
	if len(r.Series) < 2 {
		return section{}
	}
	rows, joined := thin(r.Series)
	s := section{ID: "time", Title: "Over time"}
	if joined > 1 {
		s.Text = fmt.Sprintf("Each point joins %d seconds: latencies are the highest of them. ", joined)
	}
	if machines > 1 {
		s.Text += fmt.Sprintf("Latencies of a second are the highest of any of the %d machines.", machines)
	}
	s.Text = strings.TrimSpace(s.Text)
	s.Pictures = append(s.Pictures, rateChart(rows), latencyChart(rows, r.Thresholds))
	if c := hitChart(rows); c != nil {
		s.Pictures = append(s.Pictures, c)
	}
	if c := errorChart(rows); c != nil {
		s.Pictures = append(s.Pictures, c)
	}
	s.Grids = []grid{timeGrid(r.Series)}
	return s
}

// timeGrid is the series in few rows.
func timeGrid(series []result.Second) grid {
	const most = 12
	g := grid{Folded: "The same in figures", Columns: append(words("Seconds"), numbers("Requests", "Rate", "Failed", "Hits", "Highest p50", "Highest p99", "Max")...)}
	step := (len(series) + most - 1) / most
	before := max(0, 2*series[0].At-series[1].At)
	for i := 0; i < len(series); i += step {
		var sum result.Second
		for _, row := range series[i:min(i+step, len(series))] {
			sum.At = row.At
			sum.Requests, sum.Errors, sum.Hits, sum.Misses = sum.Requests+row.Requests, sum.Errors+row.Errors, sum.Hits+row.Hits, sum.Misses+row.Misses
			sum.P50, sum.P99, sum.Max = max(sum.P50, row.P50), max(sum.P99, row.P99), max(sum.Max, row.Max)
		}
		failed := text(percent(sum.Errors, sum.Requests))
		if sum.Errors > 0 {
			failed.Class = "bad"
		}
		rate := none
		if sum.At > before {
			rate = perSecond(float64(sum.Requests) / (sum.At - before))
		}
		g.Rows = append(g.Rows, []cell{
			text(number(before) + " to " + number(sum.At)), text(count(sum.Requests)), text(rate), failed, text(percent(sum.Hits, sum.Hits+sum.Misses)),
			text(micros(float64(sum.P50))), text(micros(float64(sum.P99))), text(micros(float64(sum.Max))),
		})
		before = sum.At
	}
	return g
}

func timeAxis() axis {
	return axis{Label: "since the start", Format: func(v float64) string { return short(math.Round(v*10)/10) + " s" }}
}

// drawSeconds makes one line from rows; span is the time the row covers.
func drawSeconds(name string, color int, rows []result.Second, of func(s *result.Second, span float64) float64) line {
	l := line{Name: name, Color: color}
	before := 0.0
	if len(rows) > 1 { // the first row is as long as the second
		before = rows[0].At - (rows[1].At - rows[0].At)
	}
	for i := range rows {
		span := rows[i].At - before
		before = rows[i].At
		if i == len(rows)-1 && i > 1 && span < 0.5*(rows[i-1].At-rows[i-2].At) {
			break // the end of the run cut it off: a few requests are no rate
		}
		l.X, l.Y = append(l.X, rows[i].At), append(l.Y, of(&rows[i], span))
	}
	return l
}

func rateChart(rows []result.Second) *chart {
	c := &chart{ID: "rate", Title: "Requests per second", X: timeAxis(), Y: axis{Zero: true, Format: short}}
	c.Lines = []line{drawSeconds("requests/s", 1, rows, func(s *result.Second, span float64) float64 { return float64(s.Requests) / span })}
	c.Text = "Answered and failed requests in each second" + extremes(c.Lines[0].Y, func(v float64) string { return number(v) }) + "."
	return c
}

func latencyChart(rows []result.Second, thresholds []result.Threshold) *chart {
	c := &chart{ID: "latency-over-time", Title: "Latency in each second", X: timeAxis(), Y: axis{Zero: true, Format: micros}}
	value := func(of func(*result.Second) int64) func(*result.Second, float64) float64 {
		return func(s *result.Second, _ float64) float64 {
			if v := of(s); v > 0 {
				return float64(v)
			}
			return math.NaN() // nothing was answered
		}
	}
	c.Lines = []line{
		drawSeconds("p50", 1, rows, value(func(s *result.Second) int64 { return s.P50 })),
		drawSeconds("p99", 2, rows, value(func(s *result.Second) int64 { return s.P99 })),
	}
	for _, t := range thresholds {
		if us, ok := map[string]float64{"µs": 1, "us": 1, "ms": 1e3, "s": 1e6}[unitOf(t.Condition)]; ok && strings.HasPrefix(t.Condition, "p99=") {
			c.Limits = append(c.Limits, limit{t.Limit * us, "limit of p99"})
		}
	}
	low, high := math.Inf(1), 0.0
	for _, l := range c.Lines {
		for _, v := range l.Y {
			if v > 0 {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	c.Y.Log = high > 20*low
	c.Text = "Median and 99th percentile; p99" + extremes(c.Lines[1].Y, micros) + "."
	return c
}

func hitChart(rows []result.Second) *chart {
	seen := false
	for _, s := range rows {
		seen = seen || s.Hits+s.Misses > 0
	}
	if !seen {
		return nil
	}
	c := &chart{ID: "hits", Title: "Cache hits", X: timeAxis(), Y: axis{Zero: true, Format: func(v float64) string { return short(v) + " %" }}}
	c.Lines = []line{drawSeconds("hits", 3, rows, func(s *result.Second, _ float64) float64 { return 100 * float64(s.Hits) / float64(s.Hits+s.Misses) })}
	c.Text = "Share of answers from the cache, as Cache-Status says" + extremes(c.Lines[0].Y, func(v float64) string { return number(v) + " %" }) + "."
	return c
}

func errorChart(rows []result.Second) *chart {
	seen := false
	for _, s := range rows {
		seen = seen || s.Errors > 0
	}
	if !seen {
		return nil
	}
	c := &chart{ID: "errors", Title: "Failed requests", X: timeAxis(), Y: axis{Zero: true, Format: func(v float64) string { return short(v) + " %" }}}
	c.Lines = []line{drawSeconds("failed", 2, rows, func(s *result.Second, _ float64) float64 { return 100 * float64(s.Errors) / float64(s.Requests) })}
	c.Text = "Share of requests that failed" + extremes(c.Lines[0].Y, func(v float64) string { return number(v) + " %" }) + "."
	return c
}

// extremes is " from LOWEST to HIGHEST".
func extremes(values []float64, format func(float64) string) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return ""
	}
	return ", from " + format(low) + " to " + format(high)
}

// search shows, for each rate that was tried, how much of each threshold's limit was used: above 1 it was missed.
func search(r *result.Run) section {
	if len(r.Search) == 0 {
		return section{}
	}
	c := &chart{
		ID: "search", Title: "How much of each limit was used, by rate", Wide: true,
		X: axis{Label: "requests per second asked for", Format: short, Zero: true}, Y: axis{Zero: true}, Limits: []limit{{1, "limit"}},
	}
	g := grid{Columns: numbers("Try", "Asked for", "Achieved")}
	byName := map[string]int{}
	for _, step := range slices.SortedStableFunc(slices.Values(r.Search), func(a, b result.Step) int { return cmp.Compare(a.Rate, b.Rate) }) {
		for _, t := range step.Thresholds {
			i, ok := byName[t.Condition]
			if !ok {
				i = len(c.Lines)
				byName[t.Condition] = i
				c.Lines = append(c.Lines, line{Name: t.Condition, Color: i + 1, Points: true})
				g.Columns = append(g.Columns, column{t.Condition, true})
			}
			c.Lines[i].X, c.Lines[i].Y = append(c.Lines[i].X, step.Rate), append(c.Lines[i].Y, min(used(t), mostUsed))
			c.Lines[i].Missed = append(c.Lines[i].Missed, !t.Pass)
		}
	}
	g.Columns = append(g.Columns, words("Verdict")...)
	for i, step := range r.Search {
		row := []cell{text(fmt.Sprint(i + 1)), text(perSecond(step.Rate)), text(perSecond(step.Achieved))}
		values := make([]cell, len(c.Lines))
		for i := range values {
			values[i] = text(none)
		}
		for _, t := range step.Thresholds {
			values[byName[t.Condition]] = text(number(t.Value) + unitAfter(unitOf(t.Condition)))
		}
		g.Rows = append(g.Rows, append(append(row, values...), passed(step.Held)))
	}
	c.Text = fmt.Sprintf("%s were tried; a ring is a missed limit, and what used more than %v times its limit is drawn there.", plural(len(r.Search), "rate"), mostUsed)
	s := section{ID: "find-max", Title: "Highest rate that holds", Grids: []grid{g}, Text: "No rate held."}
	if r.HighestRate > 0 {
		s.Text = fmt.Sprintf("The highest rate that held all thresholds is %s.", perSecond(r.HighestRate))
	}
	if len(c.Lines) > 0 {
		s.Pictures = []picture{c}
	}
	return s
}

// unitOf is what follows the limit in a condition: ms in p99=5ms.
func unitOf(condition string) string {
	return strings.TrimLeft(strings.TrimSpace(condition[strings.LastIndexByte(condition, '=')+1:]), "0123456789.+-")
}

// mostUsed is where the picture of the search ends: how far a limit was missed beyond does not matter.
const mostUsed = 2.0

// used is value ÷ limit, or limit ÷ value where the value must not be lower.
func used(t result.Threshold) float64 {
	atLeast := t.Pass && t.Value > t.Limit || !t.Pass && t.Value < t.Limit
	switch {
	case t.Value == t.Limit:
		return 1
	case atLeast && t.Value > 0:
		return t.Limit / t.Value
	case atLeast:
		return math.Inf(1)
	case t.Limit > 0:
		return t.Value / t.Limit
	}
	return math.Inf(1)
}
