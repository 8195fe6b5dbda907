package growth

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/weirproxy/weir/bench/internal/result"
)

const maxTextRows = 60 // of a table in a terminal

// WriteText prints a table and its gates for a terminal.
func WriteText(w io.Writer, t *result.Table) {
	fmt.Fprintf(w, "\n%s\n", t.Title)
	widths := make([]int, len(t.Columns))
	heads := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = c.Name
		if c.Unit != "" {
			heads[i] += ", " + c.Unit
		}
		widths[i] = len([]rune(heads[i]))
	}
	label := 0
	for _, l := range t.Labels {
		label = max(label, len([]rune(l)))
	}
	line := func(name string, cells []string) {
		if label > 0 {
			fmt.Fprintf(w, "  %-*s", label, name)
		}
		for i, cell := range cells {
			fmt.Fprintf(w, "  %*s", widths[i], cell)
		}
		fmt.Fprintln(w)
	}
	if len(t.Rows) > maxTextRows {
		fmt.Fprintf(w, "  %d rows: weir-bench report draws them\n", len(t.Rows))
		return
	}
	line("", heads)
	for r, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = figure(v)
		}
		name := ""
		if r < len(t.Labels) {
			name = t.Labels[r]
		}
		line(name, cells)
	}
	for _, g := range t.Gates {
		verdict := "held"
		switch {
		case g.Missed():
			verdict = "MISSED"
		case g.Unsure:
			verdict = "unsure"
		}
		fmt.Fprintf(w, "  gate: %s %s %s, at most %s: %s\n", g.What, figure(g.Value.Median), g.Unit, figure(g.Gate), verdict)
	}
}

// figure prints three or four digits that matter, and whole numbers as they are.
func figure(v float64) string {
	switch a := math.Abs(v); {
	case v == math.Trunc(v) && a < 1e15, a >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// Missed counts the gates that were missed.
func Missed(tables []result.Table) (n int) {
	for i := range tables {
		for _, g := range tables[i].Gates {
			if g.Missed() {
				n++
			}
		}
	}
	return n
}
