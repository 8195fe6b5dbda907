package compare

import (
	"fmt"
	"io"

	"github.com/weirproxy/weir/bench/internal/result"
)

// Missed are the rows whose value lies above the gate by more than slack, a share of the gate: a comparison that is repeated with every change bears a busy
// machine, one that is published does not.
func Missed(c *result.Compare, slack float64) (rows []result.Row) {
	for _, r := range c.Rows {
		if !r.Pass && !(r.Value.Median <= r.Gate*(1+slack)) {
			rows = append(rows, r)
		}
	}
	return rows
}

// WriteText prints a comparison for a person.
func WriteText(w io.Writer, c *result.Compare) {
	fmt.Fprintf(w, "%s\n\n%-52s %9s %19s %9s %9s\n", c.Method, "server", "µs CPU", "95 % interval", "PSS MiB", "syscalls")
	for _, s := range c.Subjects {
		name := s.Name
		if s.Version != "" {
			name += " " + s.Version
		}
		pss, calls := "", ""
		if s.PSSBytes > 0 {
			pss = fmt.Sprintf("%.1f", float64(s.PSSBytes)/(1<<20))
		}
		if s.Syscalls > 0 {
			calls = fmt.Sprintf("%.2f", s.Syscalls)
		}
		fmt.Fprintf(w, "%-52s %9.2f %8.2f … %8.2f %9s %9s\n", name, s.Micros.Median, s.Micros.Low, s.Micros.High, pss, calls)
	}
	fmt.Fprintf(w, "\n%-16s %-62s %8s %17s %6s %6s\n", "row", "what", "value", "95 % interval", "gate", "aim")
	for i := range c.Rows {
		writeRow(w, &c.Rows[i])
	}
	for _, m := range c.Missing {
		fmt.Fprintf(w, "\nnot measured: %s, %s\n    %s\n", m.Name, m.Why, m.Install)
	}
}

func writeRow(w io.Writer, r *result.Row) {
	gate, aim, verdict := "", "", ""
	if r.Gate > 0 {
		gate, aim, verdict = fmt.Sprintf("%.2f", r.Gate), fmt.Sprintf("%.2f", r.Aim), "pass"
		if !r.Pass {
			verdict = "FAIL"
		}
	}
	unit := ""
	if r.Unit != "ratio" {
		unit = " " + r.Unit
	}
	fmt.Fprintf(w, "%-16s %-62s %8.3f %7.3f … %7.3f %6s %6s  %s\n", r.Row, r.What+unit, r.Value.Median, r.Value.Low, r.Value.High, gate, aim, verdict)
	if r.Remark != "" {
		fmt.Fprintf(w, "    %s\n", r.Remark)
	}
}
