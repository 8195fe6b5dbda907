package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// page is what HTML and Markdown show, in order.
type page struct {
	Title, Summary string
	Verdict        string // one word or two
	Class          string // good, bad, plain
	Facts          []fact
	Partial        string
	Warnings       []result.Warning
	Sections       []section
	Command        string
}

// fact is one figure at the top.
type fact struct {
	Name, Value, Note string
	Class             string
}

type section struct {
	ID, Title, Text string
	Pictures        []picture
	Grids           []grid
}

type picture interface {
	svg() string
	head() (id, title, text string, wide bool)
}

func (c *chart) head() (id, title, text string, wide bool) { return c.ID, c.Title, c.Text, c.Wide }
func (s *bars) head() (id, title, text string, wide bool)  { return s.ID, s.Title, s.Text, true }

// grid is a table of texts.
type grid struct {
	Title    string
	Columns  []column
	Rows     [][]cell
	Sortable bool
	Folded   string // what to press to see it, where the section's pictures say the same
}

type column struct {
	Name   string
	Figure bool // right-aligned
}

type cell struct {
	Text  string
	Sort  string // what to sort by when it is not the text
	Class string // good, bad, faint
	Code  bool
}

func text(s string) cell                      { return cell{Text: s} }
func code(s string) cell                      { return cell{Text: s, Code: true} }
func marked(s string, class string) cell      { return cell{Text: s, Class: class} }
func words(names ...string) (list []column)   { return columns(false, names) }
func numbers(names ...string) (list []column) { return columns(true, names) }

// figured is a figure that is sorted by its value.
func figured(s string, by float64) cell {
	if math.IsNaN(by) || math.IsInf(by, 0) {
		by = 0
	}
	return cell{Text: s, Sort: strconv.FormatFloat(by, 'g', 6, 64)}
}

func columns(figure bool, names []string) (list []column) {
	for _, n := range names {
		list = append(list, column{n, figure})
	}
	return list
}

// verdictOf a gate: held, missed, or neither.
func verdictOf(r *result.Row) cell {
	if r.Unsure {
		return marked("? unsure", "faint")
	}
	return passed(r.Pass)
}

func passed(ok bool) cell {
	if ok {
		return marked("✓ held", "good")
	}
	return marked("✗ missed", "bad")
}

func newPage(f, base *result.File) (*page, error) {
	p := &page{Partial: f.Partial, Warnings: f.Warnings, Command: strings.Join(f.Command, " ")}
	p.headline(f)
	if base != nil {
		changes, err := result.Diff(base, f)
		if err != nil {
			return nil, err
		}
		p.add(changesSection(changes, base))
	}
	if f.Run != nil {
		var old *result.Run
		if base != nil {
			old = base.Run
		}
		p.run(f, old)
	}
	if f.Compare != nil {
		p.compare(f.Compare)
	}
	for i := range f.Tables {
		if err := f.Tables[i].Check(); err != nil {
			return nil, err
		}
		if f.Run == nil && f.Compare == nil {
			p.gateFacts(f.Tables[i].Gates)
		}
		p.add(tableSection(&f.Tables[i]))
	}
	p.add(machineSection(f))
	return p, nil
}

func (p *page) add(s section) {
	if len(s.Pictures)+len(s.Grids) > 0 || s.Text != "" {
		p.Sections = append(p.Sections, s)
	}
}

// headline says what was measured, against what, and whether it held.
func (p *page) headline(f *result.File) {
	gates, held, missed := gatesOf(f)
	p.Verdict, p.Class = "measured", "plain"
	switch {
	case f.Run != nil:
		p.runHeadline(f)
	case f.Compare != nil:
		p.Title = "Paired comparison"
		p.Summary = fmt.Sprintf("%s beside each other, %s, %s of each", plural(len(f.Compare.Subjects), "server"), plural(f.Compare.Instances, "process instance"), plural(f.Compare.Rounds, "round"))
	case len(f.Tables) == 1:
		p.Title = f.Tables[0].Title
	default:
		p.Title = "Measurements"
		p.Summary = plural(len(f.Tables), "table")
	}
	if f.Run == nil && gates > 0 {
		p.Verdict, p.Class = fmt.Sprintf("%d of %d gates held", held, gates), "good"
		switch unsure := gates - held - missed; {
		case missed > 0:
			p.Class = "bad"
		case unsure > 0:
			p.Verdict, p.Class = fmt.Sprintf("%s, %d unsure", p.Verdict, unsure), "plain"
		case gates > 1:
			p.Verdict = fmt.Sprintf("all %d gates held", gates)
		}
	}
	if f.Partial != "" {
		p.Verdict, p.Class = "cut short", "bad"
	}
	p.Summary = strings.TrimPrefix(p.Summary+" · "+f.Started.UTC().Format("2 January 2006, 15:04 UTC"), " · ")
	if f.Seconds > 0 {
		p.Summary += " · " + lasted(f.Seconds)
	}
}

func lasted(seconds float64) string {
	if seconds < 120 {
		return number(seconds) + " s"
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// gatesOf counts the gates of a file; those that are neither held nor missed could not be judged.
func gatesOf(f *result.File) (gates, held, missed int) {
	check := func(rows []result.Row) {
		for _, r := range rows {
			if !r.Judged() {
				continue
			}
			gates++
			switch {
			case r.Pass:
				held++
			case r.Missed():
				missed++
			}
		}
	}
	if f.Compare != nil {
		check(f.Compare.Rows)
	}
	for _, t := range f.Tables {
		check(t.Gates)
	}
	return gates, held, missed
}

func (p *page) runHeadline(f *result.File) {
	r := f.Run
	p.Title = r.Workload + " against " + strings.Join(r.Targets, ", ")
	if len(r.Targets) > 3 {
		p.Title = fmt.Sprintf("%s against %d targets", r.Workload, len(r.Targets))
	}
	load := "closed loop"
	if r.Loop == "open" {
		load = "open loop, " + r.Arrivals
	}
	p.Summary = load + " · " + plural(r.Connections, "connection")
	if n := len(f.Machines); n > 1 {
		p.Summary += " · " + plural(n, "machine")
	}
	missed := 0
	for _, t := range r.Thresholds {
		if !t.Pass {
			missed++
		}
	}
	n := len(r.Thresholds)
	switch {
	case r.Total.Requests == 0:
		p.Verdict, p.Class = "nothing was answered", "bad"
	case r.Total.StaleEntities > 0:
		p.Verdict, p.Class = "served "+plural(int(min(r.Total.StaleEntities, 1<<31)), "stale object"), "bad"
	case len(r.Search) > 0 && r.HighestRate > 0:
		p.Verdict, p.Class = "held up to "+perSecond(r.HighestRate), "good"
	case len(r.Search) > 0:
		p.Verdict, p.Class = "held at no rate", "bad"
	case missed > 0:
		p.Verdict, p.Class = fmt.Sprintf("missed %d of %s", missed, plural(n, "threshold")), "bad"
	case n == 1:
		p.Verdict, p.Class = "held its threshold", "good"
	case n > 1:
		p.Verdict, p.Class = fmt.Sprintf("held all %d thresholds", n), "good"
	case r.Total.Errors > 0:
		p.Verdict, p.Class = percent(r.Total.Errors, r.Total.Requests)+" failed", "bad"
	default:
		p.Verdict = "no thresholds set"
	}
}

func changesSection(changes []result.Change, base *result.File) section {
	g := grid{Columns: append(words("Figure"), append(numbers("Base", "Now", "Change", "95 % interval"), words("Verdict", "Why")...)...)}
	tally := map[string]int{}
	for _, c := range changes {
		tally[c.Verdict]++
		interval := none
		if c.Low == c.Low && c.High == c.High { // no NaN
			interval = change(c.Low) + " to " + change(c.High)
		}
		verdict := text(c.Verdict)
		switch c.Verdict {
		case result.Better:
			verdict = marked("▲ better", "good")
		case result.Worse:
			verdict = marked("▼ worse", "bad")
		case result.Unclear:
			verdict = marked("unclear", "faint")
		}
		g.Rows = append(g.Rows, []cell{text(c.Name), text(quantity(c.Base, c.Unit)), text(quantity(c.Now, c.Unit)), text(change(c.Ratio)), text(interval), verdict, marked(c.Why, "faint")})
	}
	said := fmt.Sprintf("Against the result of %s: %d better, %d worse, %d the same, %d unclear. Intervals of runs are from a block bootstrap over their seconds. They show the noise inside a run; a fresh process of the same program may differ by several per cent more, so repeat what decides something.",
		base.Started.UTC().Format("2 January 2006, 15:04 UTC"), tally[result.Better], tally[result.Worse], tally[result.Same], tally[result.Unclear])
	return section{ID: "changes", Title: "What changed", Text: said, Grids: []grid{g}}
}

func machineSection(f *result.File) section {
	g := grid{Columns: words("Machine", "Processor", "Processors", "Memory", "Kernel", "Go")}
	for i, m := range f.Machines {
		memory := none
		if m.MemoryBytes > 0 {
			memory = size(float64(m.MemoryBytes))
		}
		g.Rows = append(g.Rows, []cell{text(fmt.Sprint(i + 1)), text(m.CPU), text(fmt.Sprint(m.CPUs)), text(memory), text(m.Kernel), text(m.Go)})
	}
	how := grid{Columns: words("", "")}
	add := func(name string, value cell) {
		if value.Text != "" {
			how.Rows = append(how.Rows, []cell{text(name), value})
		}
	}
	add("Command", code(strings.Join(f.Command, " ")))
	add("weir-bench", text(f.Version))
	add("Started", text(f.Started.UTC().Format(time.RFC3339)))
	if f.Run != nil {
		add("Seed", text(fmt.Sprint(f.Run.Seed)))
	}
	if f.Compare != nil {
		add("Method", text(f.Compare.Method))
	}
	s := section{ID: "machine", Title: "Where and how", Grids: []grid{how}}
	if len(g.Rows) > 0 {
		s.Grids = append(s.Grids, g)
	}
	return s
}
