package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/weirproxy/weir/bench/internal/result"
)

func (p *page) compare(c *result.Compare) {
	for _, r := range c.Rows {
		class := "good"
		if !r.Pass {
			class = "bad"
		}
		if len(p.Facts) < 6 {
			p.Facts = append(p.Facts, fact{r.What, number(r.Value.Median), strings.TrimLeft(unitAfter(r.Unit)+", "+gateText(r.Gate, r.Aim), ", "), class})
		}
	}
	s := section{ID: "gates", Title: "Gates and aims", Text: c.Method}
	if b := gateBars("gate-bars", c.Rows); len(b.Rows) > 0 {
		s.Pictures = append(s.Pictures, b)
	}
	s.Grids = append(s.Grids, gateGrid(c.Rows)...)
	p.add(s)
	p.add(subjects(c))
}

func gateText(gate, aim float64) string {
	text := "gate " + number(gate)
	if aim > 0 {
		text += ", aim " + number(aim)
	}
	return text
}

func gateGrid(rows []result.Row) []grid {
	if len(rows) == 0 {
		return nil
	}
	g := grid{Columns: append(words("Row", "What", "Unit"), append(numbers("Median (95 % interval)", "Lowest", "Highest", "Values", "Gate", "Aim"), words("Verdict", "Aim reached", "Remark")...)...)}
	for _, r := range rows {
		aim, reached := none, text(none)
		if r.Aim > 0 || r.Gate == 0 {
			if aim, reached = number(r.Aim), text("no"); r.Value.Median <= r.Aim {
				reached = marked("yes", "good")
			}
		}
		g.Rows = append(g.Rows, []cell{
			text(r.Row), text(r.What), text(r.Unit), text(spread(r.Value)), text(number(r.Value.Min)), text(number(r.Value.Max)), text(fmt.Sprint(r.Value.N)), text(number(r.Gate)), text(aim),
			passed(r.Pass), reached, marked(r.Remark, "faint"),
		})
	}
	return []grid{g}
}

func subjects(c *result.Compare) section {
	s := section{ID: "servers", Title: "Servers"}
	if b := subjectBars(c); len(b.Rows) > 0 {
		s.Pictures = append(s.Pictures, b)
	}
	g := grid{Columns: append(words("Server", "Version"), numbers("Processor µs/request", "Memory (PSS)", "System calls/request")...)}
	for _, v := range c.Subjects {
		memory, calls := none, none
		if v.PSSBytes > 0 {
			memory = size(float64(v.PSSBytes))
		}
		if v.Syscalls > 0 {
			calls = number(v.Syscalls)
		}
		g.Rows = append(g.Rows, []cell{text(v.Name), text(v.Version), text(spread(v.Micros)), text(memory), text(calls)})
	}
	if len(g.Rows) > 0 {
		s.Grids = append(s.Grids, g)
	}
	if len(c.Missing) > 0 {
		m := grid{Title: "Not measured here", Columns: words("Server", "Why", "Install it with")}
		for _, v := range c.Missing {
			m.Rows = append(m.Rows, []cell{text(v.Name), text(v.Why), code(v.Install)})
		}
		s.Grids = append(s.Grids, m)
	}
	return s
}

// tableSection shows a generic table: its plot, its gates and its cells.
func tableSection(t *result.Table) section {
	s := section{ID: "table-" + fileName(t.Name), Title: t.Title, Text: t.Text}
	if s.Title == "" {
		s.Title = t.Name
	}
	if c := tableChart(t); c != nil {
		s.Pictures = append(s.Pictures, c)
	}
	if len(t.Gates) > 0 {
		s.Grids = append(s.Grids, gateGrid(t.Gates)...)
	}
	g := grid{}
	if len(t.Labels) > 0 {
		g.Columns = words("")
	}
	for _, c := range t.Columns {
		name := c.Name
		if c.Unit != "" {
			name += ", " + c.Unit
		}
		g.Columns = append(g.Columns, column{name, true})
	}
	for i, row := range t.Rows {
		var cells []cell
		if len(t.Labels) > 0 {
			cells = append(cells, text(t.Labels[i]))
		}
		for _, v := range row {
			cells = append(cells, text(number(v)))
		}
		g.Rows = append(g.Rows, cells)
	}
	if len(g.Rows) > 0 {
		s.Grids = append(s.Grids, g)
	}
	return s
}

// tableChart is the table's plot, nil when it has none.
func tableChart(t *result.Table) *chart {
	if t.Plot == nil || len(t.Rows) == 0 || len(t.Plot.Y) == 0 || t.Check() != nil {
		return nil
	}
	name := func(i int) string {
		c := t.Columns[i]
		if c.Unit == "" {
			return c.Name
		}
		return c.Name + ", " + c.Unit
	}
	c := &chart{ID: "plot-" + fileName(t.Name), Title: t.Title, Text: t.Text, Wide: true, X: axis{Label: name(t.Plot.X), Log: t.Plot.LogX}, Y: axis{Log: t.Plot.LogY, Zero: true}}
	if len(t.Labels) > 0 { // x is no number: rows stand beside each other
		c.X = axis{Label: name(t.Plot.X)}
		for i, l := range t.Labels {
			c.X.Fixed = append(c.X.Fixed, tick{float64(i), clip(l, 14)})
		}
		c.X.Label = ""
	}
	for _, y := range t.Plot.Y {
		l := line{Name: t.Columns[y].Name, Color: len(c.Lines) + 1, Points: len(t.Rows) <= 40}
		for i, row := range t.Rows {
			x := row[t.Plot.X]
			if c.X.Fixed != nil {
				x = float64(i)
			}
			l.X, l.Y = append(l.X, x), append(l.Y, row[y])
		}
		c.Lines = append(c.Lines, l)
	}
	units := t.Columns[t.Plot.Y[0]].Unit
	for _, y := range t.Plot.Y {
		if t.Columns[y].Unit != units {
			units = ""
		}
	}
	if units != "" {
		c.Title = strings.TrimSpace(c.Title + ", " + units)
	}
	if c.Text == "" {
		c.Text = fmt.Sprintf("%s over %s.", plural(len(c.Lines), "line"), name(t.Plot.X))
	}
	if c.X.Log && !positive(t.Rows, t.Plot.X) {
		c.X.Log = false
	}
	return c
}

func positive(rows [][]float64, column int) bool {
	for _, r := range rows {
		if !(r[column] > 0) && !math.IsNaN(r[column]) {
			return false
		}
	}
	return true
}

// SVG writes the table's plot as a picture of its own, for light and dark surroundings.
func SVG(w io.Writer, t *result.Table) error {
	if err := t.Check(); err != nil {
		return err
	}
	c := tableChart(t)
	if c == nil {
		return fmt.Errorf("table %q has no plot; give it one", t.Name)
	}
	return alone(w, c)
}

// alone writes a picture with its own colours.
func alone(w io.Writer, p picture) error {
	head, rest, _ := strings.Cut(p.svg(), ">")
	_, err := io.WriteString(w, head+"><style>"+strings.NewReplacer("\n", "", "\t", "").Replace(themeStyle+chartStyle)+"</style>"+rest+"\n")
	return err
}

// fileName keeps of a name what every file system and every id takes.
func fileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name)
	return safe[:min(len(safe), 64)]
}
