package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/weirproxy/weir/bench/internal/result"
)

// bars are horizontal bars or dots with intervals.
type bars struct {
	ID, Title, Text string
	Axis            axis
	Rows            []bar
	Dots            bool // on a logarithmic axis a length means nothing
	Marks           bool // gate at 1
}

type bar struct {
	Name             string
	Value, Low, High float64
	Aim              float64 // NaN: none
	Said             string
	Missed           bool
	Color            int
}

const (
	barHeight = 34.0
	barLabel  = 320.0
	barSaid   = 210.0
	barWidth  = 1140.0
)

func (s *bars) svg() string {
	var values []float64
	for _, r := range s.Rows {
		values = append(values, r.Value, r.High)
		if s.Dots {
			values = append(values, r.Low)
		}
	}
	if s.Marks {
		values = append(values, 1)
	}
	s.Axis.Zero = !s.Dots
	s.Axis.fit(values...)
	s.Axis.round(6)
	if s.Axis.Log {
		s.Axis.min, s.Axis.max = s.Axis.min/1.2, s.Axis.max*1.2
	}
	height := top + barHeight*float64(len(s.Rows)) + bottom
	x := func(v float64) float64 {
		return barLabel + min(max(s.Axis.share(v), 0), 1)*(barWidth-barLabel-barSaid)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		barWidth, height, s.ID, s.ID, s.ID, escape(s.Title), s.ID, escape(s.Text))
	for _, t := range s.Axis.ticks(6) {
		fmt.Fprintf(&b, `<line class="grid" x1="%s" x2="%s" y1="%s" y2="%s"/><text class="tick x" x="%s" y="%s">%s</text>`,
			px(x(t.At)), px(x(t.At)), px(top), px(height-bottom), px(x(t.At)), px(height-bottom+19), escape(t.Text))
	}
	for i, r := range s.Rows {
		s.row(&b, &r, top+barHeight*(float64(i)+0.5), x)
	}
	if s.Marks {
		fmt.Fprintf(&b, `<line class="limit" x1="%s" x2="%s" y1="%s" y2="%s"/><text class="limit-text mid" x="%s" y="%s">gate</text>`, px(x(1)), px(x(1)), px(top-4), px(height-bottom), px(x(1)), px(top-5))
	}
	fmt.Fprintf(&b, `<text class="label" x="%s" y="%s">%s</text></svg>`, px(barLabel+(barWidth-barLabel-barSaid)/2), px(height-5), escape(s.Axis.Label))
	return b.String()
}

func (s *bars) row(b *strings.Builder, r *bar, y float64, x func(float64) float64) {
	class := fmt.Sprintf("c%d", r.Color%7)
	if r.Missed {
		class = "bad"
	}
	fmt.Fprintf(b, `<text class="row" x="%s" y="%s">%s<title>%s</title></text>`, px(barLabel-12), px(y+4), escape(clip(r.Name, 42)), escape(r.Name))
	fmt.Fprintf(b, `<text class="said" x="%s" y="%s">%s</text>`, px(barWidth-barSaid+12), px(y+4), escape(r.Said))
	if math.IsNaN(r.Value) {
		return
	}
	if s.Dots {
		fmt.Fprintf(b, `<circle class="point %s" cx="%s" cy="%s" r="5"/>`, class, px(x(r.Value)), px(y))
	} else {
		from, to := min(x(0), x(r.Value)), max(x(0), x(r.Value))
		fmt.Fprintf(b, `<rect class="bar %s" x="%s" y="%s" width="%s" height="16" rx="2"/>`, class, px(from), px(y-8), px(max(to-from, 1)))
	}
	if r.High > r.Low {
		lo, hi := x(r.Low), x(r.High)
		fmt.Fprintf(b, `<path class="whisker" d="M%s %sH%sM%s %sv8M%s %sv8"/>`, px(lo), px(y), px(hi), px(lo), px(y-4), px(hi), px(y-4))
	}
	if !math.IsNaN(r.Aim) && r.Aim > 0 {
		fmt.Fprintf(b, `<path class="aim" d="M%s %sl5 -7h-10z"><title>aim</title></path>`, px(x(r.Aim)), px(y-8))
	}
}

// gateBars show rows as shares of their gates, so that rows of all units fit one picture.
func gateBars(id string, rows []result.Row) *bars {
	s := &bars{ID: id, Title: "Values beside their gates", Marks: true, Axis: axis{Label: "value ÷ gate (less is better)"}}
	for _, r := range rows {
		if r.Gate <= 0 || math.IsNaN(r.Value.Median) {
			continue // a gate of 0 has no share; the table shows it
		}
		s.Rows = append(s.Rows, bar{
			Name: r.Row + "  " + r.What, Value: r.Value.Median / r.Gate, Low: r.Value.Low / r.Gate, High: r.Value.High / r.Gate, Aim: r.Aim / r.Gate,
			Said: spread(r.Value) + unitAfter(r.Unit), Missed: r.Missed(), Color: 1,
		})
	}
	s.Text = fmt.Sprintf("%s; each bar is the median as a share of its gate with the 95 %% interval, the triangle is the aim.", plural(len(s.Rows), "row"))
	return s
}

func unitAfter(unit string) string {
	if unit == "" || unit == "ratio" {
		return ""
	}
	return " " + unit
}

func subjectBars(c *result.Compare) *bars {
	s := &bars{ID: "subjects", Title: "Processor time per request", Axis: axis{Label: "µs of processor time per request", Format: number}}
	low, high := math.Inf(1), 0.0
	for _, v := range c.Subjects {
		if v.Micros.N == 0 || math.IsNaN(v.Micros.Median) {
			continue
		}
		if v.Micros.Median > 0 {
			low, high = min(low, v.Micros.Median), max(high, v.Micros.Median)
		}
		s.Rows = append(s.Rows, bar{Name: strings.TrimSpace(v.Name + " " + v.Version), Value: v.Micros.Median, Low: v.Micros.Low, High: v.Micros.High, Aim: math.NaN(), Said: spread(v.Micros) + " µs", Color: 1})
	}
	if high/low > 20 {
		s.Dots, s.Axis.Log, s.Axis.Label = true, true, s.Axis.Label+" (logarithmic)"
	}
	s.Text = fmt.Sprintf("Medians of %s with 95 %% intervals.", plural(len(s.Rows), "server"))
	return s
}
