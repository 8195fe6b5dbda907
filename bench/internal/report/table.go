package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weirproxy/weir/bench/internal/result"
)

func (p *page) compare(c *result.Compare) {
	p.gateFacts(c.Rows)
	s := section{ID: "gates", Title: "Gates and aims", Text: c.Method}
	if b := gateBars("gate-bars", c.Rows); len(b.Rows) > 0 {
		s.Pictures = append(s.Pictures, b)
	}
	s.Grids = append(s.Grids, gateGrid(c.Rows)...)
	p.add(s)
	p.add(subjects(c))
}

// gateFacts puts the first gates to the top.
func (p *page) gateFacts(rows []result.Row) {
	for i := range rows {
		r := &rows[i]
		if !r.Judged() || len(p.Facts) >= 6 {
			continue
		}
		class := "good"
		switch {
		case r.Missed():
			class = "bad"
		case r.Unsure:
			class = "plain"
		}
		p.Facts = append(p.Facts, fact{r.What, number(r.Value.Median), strings.TrimLeft(unitAfter(r.Unit)+", "+gateText(r.Gate, r.Aim), ", "), class})
	}
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
	for i := range rows {
		r := &rows[i]
		gate, verdict, aim, reached := number(r.Gate), verdictOf(r), none, text(none)
		if !r.Judged() {
			gate, verdict = none, text(none)
		} else if r.Aim > 0 || r.Gate == 0 {
			if aim, reached = number(r.Aim), text("no"); r.Value.Median <= r.Aim {
				reached = marked("yes", "good")
			}
		}
		g.Rows = append(g.Rows, []cell{
			text(r.Row), text(r.What), text(r.Unit), text(spread(r.Value)), text(number(r.Value.Min)), text(number(r.Value.Max)), text(fmt.Sprint(r.Value.N)), text(gate), text(aim),
			verdict, reached, marked(r.Remark, "faint"),
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
	for _, c := range tableCharts(t) {
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

// tableCharts are the table's plot: one picture for each unit of its lines, none when it has no plot.
func tableCharts(t *result.Table) (charts []*chart) {
	if t.Plot == nil || len(t.Rows) == 0 || t.Check() != nil {
		return nil
	}
	var units []string
	for _, y := range t.Plot.Y {
		if unit := t.Columns[y].Unit; !slices.Contains(units, unit) {
			units = append(units, unit)
		}
	}
	for i, unit := range units {
		c := tableChart(t, unit)
		if len(units) > 1 {
			c.ID, c.Wide = fmt.Sprintf("%s-%d", c.ID, i+1), false
		}
		charts = append(charts, c)
	}
	return charts
}

// tableChart draws the columns of the plot that have a unit.
func tableChart(t *result.Table, unit string) *chart {
	x := t.Columns[t.Plot.X]
	c := &chart{ID: "plot-" + fileName(t.Name), Wide: true, X: axis{Label: withUnit(x.Name, x.Unit), Log: t.Plot.LogX && positive(t.Rows, t.Plot.X)}, Y: axis{Log: t.Plot.LogY, Zero: true}}
	if len(t.Labels) > 0 { // x is no number: rows stand beside each other
		c.X = axis{}
		for i, l := range t.Labels {
			c.X.Fixed = append(c.X.Fixed, tick{float64(i), clip(l, 14)})
		}
	}
	var names []string
	for _, y := range t.Plot.Y {
		if t.Columns[y].Unit != unit {
			continue
		}
		l := line{Name: t.Columns[y].Name, Color: len(c.Lines) + 1, Points: len(t.Rows) <= 40}
		for i, row := range t.Rows {
			at := row[t.Plot.X]
			if c.X.Fixed != nil {
				at = float64(i)
			}
			l.X, l.Y = append(l.X, at), append(l.Y, row[y])
		}
		c.Lines, names = append(c.Lines, l), append(names, l.Name)
	}
	c.Title = withUnit(strings.Join(names, ", "), unit)
	if len(names) > 2 {
		c.Title = withUnit(t.Title, unit)
	}
	c.Title = capital(c.Title)
	c.Text = fmt.Sprintf("%s, over %s.", c.Title, x.Name)
	return c
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func withUnit(name, unit string) string {
	if unit == "" {
		return name
	}
	return name + ", " + unit
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
	charts := tableCharts(t)
	switch len(charts) {
	case 0:
		return fmt.Errorf("table %q has no plot; give it one", t.Name)
	case 1:
		return alone(w, charts[0])
	}
	return alone(w, &panels{"plot-" + fileName(t.Name), t.Title, charts})
}

// panels are charts beside each other in one picture, each under its title.
type panels struct {
	id, title string
	charts    []*chart
}

func (p *panels) head() (id, title, text string, wide bool) { return p.id, p.title, "", true }

func (p *panels) svg() string {
	const across, gap, over = 2, 20.0, 24.0
	var b strings.Builder
	var width, height float64
	for i, c := range p.charts {
		f := c.frame()
		x, y := float64(i%across)*(f.width+gap), float64(i/across)*(f.height+over+gap)
		width, height = max(width, x+f.width), max(height, y+f.height+over)
		fmt.Fprintf(&b, `<text class="panel" x="%s" y="%s">%s</text>`, px(x), px(y+14), escape(c.Title))
		inner, _ := strings.CutPrefix(c.svg(), "<svg ")
		fmt.Fprintf(&b, `<svg x="%s" y="%s" width="%s" height="%s" %s`, px(x), px(y+over), px(f.width), px(f.height), inner)
	}
	return fmt.Sprintf(`<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" role="img" aria-label="%s">%s</svg>`, px(width), px(height), escape(p.title), b.String())
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
