package result

import (
	"fmt"
)

// check finds what no measurement writes, so that whoever draws a file may rely on its shape.
func (f *File) check() error {
	if f.Seconds < 0 {
		return fmt.Errorf("seconds is %v", f.Seconds)
	}
	if f.Run != nil {
		if err := f.Run.check(); err != nil {
			return fmt.Errorf("run: %w", err)
		}
	}
	names := map[string]bool{}
	for i := range f.Tables {
		t := &f.Tables[i]
		if names[t.Name] {
			return fmt.Errorf("table %q is there twice", t.Name)
		}
		names[t.Name] = true
		if err := t.Check(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) check() error {
	if r.Loop != "open" && r.Loop != "closed" {
		return fmt.Errorf(`loop is %.40q and should be "open" or "closed"`, r.Loop)
	}
	if err := r.Total.check(); err != nil {
		return fmt.Errorf("total: %w", err)
	}
	for _, o := range r.Operations {
		if err := o.Stats.check(); err != nil {
			return fmt.Errorf("operation %.40q: %w", o.Name, err)
		}
	}
	last := 0.0
	for i, s := range r.Series {
		if s.At < last || s.Requests < 0 || s.Errors < 0 || s.Hits < 0 || s.Misses < 0 || min(s.P50, s.P90, s.P99, s.Max) < 0 {
			return fmt.Errorf("series[%d] has a negative figure or a time before the row above", i)
		}
		last = s.At
	}
	return nil
}

func (s *Stats) check() error {
	if min(s.Requests, s.Errors, s.Excused, s.Hits, s.Misses, s.StaleHits, s.StaleEntities, s.Bytes) < 0 || s.Rate < 0 {
		return fmt.Errorf("a count is negative")
	}
	for _, n := range s.Failures {
		if n < 0 {
			return fmt.Errorf("a count of failures is negative")
		}
	}
	return nil
}

// Check reports whether rows, columns, labels and plot of the table fit together.
func (t *Table) Check() error {
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("table %.40q: row %d has %d cells, there are %d columns", t.Name, i+1, len(row), len(t.Columns))
		}
	}
	if len(t.Labels) > 0 && len(t.Labels) != len(t.Rows) {
		return fmt.Errorf("table %.40q has %d labels for %d rows", t.Name, len(t.Labels), len(t.Rows))
	}
	if t.Plot == nil {
		return nil
	}
	for _, c := range append([]int{t.Plot.X}, t.Plot.Y...) {
		if c < 0 || c >= len(t.Columns) {
			return fmt.Errorf("table %.40q: the plot names column %d, there are %d", t.Name, c, len(t.Columns))
		}
	}
	return nil
}
