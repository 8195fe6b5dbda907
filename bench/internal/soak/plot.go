package soak

import (
	"fmt"
	"sort"

	"github.com/weirproxy/weir/bench/internal/result"
)

// column is one line of a plot, on times of its own: the heap is read less often than the rest.
type column struct{ seconds, values []float64 }

// at is the newest value at a time; before the first it is the first.
func (c column) at(seconds float64) float64 {
	return c.values[max(0, sort.Search(len(c.seconds), func(i int) bool { return c.seconds[i] > seconds })-1)]
}

// PlotTables shows the samples over time, one table for each panel.
func (w *Watcher) PlotTables() (tables []result.Table) {
	for panel, title := range []string{"Memory over time", "Goroutines, files, connections over time", "Queues over time"} {
		t := result.Table{
			Name: fmt.Sprintf("soak-over-time-%d", panel+1), Title: title, Columns: []result.Column{{Name: "time", Unit: "min"}},
			Plot: &result.Plot{},
		}
		var columns []column
		var times []float64
		for i, s := range w.subjects {
			for _, g := range gauges() {
				seconds, values := w.series(i, g.name, 0)
				if g.panel != panel || len(values) == 0 {
					continue
				}
				seconds, values = Blocks(seconds, values, maxBlocks)
				unit := g.unit
				if unit == "B" {
					unit = "MiB"
					for k := range values {
						values[k] /= mib
					}
				}
				if len(seconds) > len(times) {
					times = seconds
				}
				t.Columns = append(t.Columns, result.Column{Name: s.Name + " " + g.name, Unit: unit})
				t.Plot.Y = append(t.Plot.Y, len(columns)+1)
				columns = append(columns, column{seconds, values})
			}
		}
		for _, at := range times {
			row := []float64{at / 60}
			for _, c := range columns {
				row = append(row, c.at(at))
			}
			t.Rows = append(t.Rows, row)
		}
		if len(columns) > 0 {
			tables = append(tables, t)
		}
	}
	return tables
}
