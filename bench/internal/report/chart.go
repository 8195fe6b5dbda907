package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// chart is lines over one x axis.
type chart struct {
	ID, Title string
	Text      string // what it shows, for who cannot see it
	X, Y      axis
	Lines     []line
	Limits    []limit
	Wide      bool
}

type line struct {
	Name   string
	X, Y   []float64
	Color  int // 1 and up; 0 is grey
	Dashed bool
	Points bool   // a mark at each value
	Missed []bool // by value
}

// limit is a horizontal mark.
type limit struct {
	At   float64
	Text string
}

const (
	top, bottom, left = 14.0, 42.0, 62.0
	labelWidth        = 7.2 // of a letter, about
)

// frame is where the plot lies in its picture.
type frame struct{ width, height, right float64 }

func (c *chart) frame() frame {
	f := frame{width: 560, height: 300, right: 84} // pictures beside each other end at the same place
	if c.Wide {
		f.width, f.height = 1140, 320
	}
	if len(c.Lines) == 1 { // the title says what it is
		f.right = 24
		return f
	}
	for _, l := range c.Lines {
		f.right = max(f.right, 18+labelWidth*float64(min(len([]rune(l.Name)), 24)))
	}
	return f
}

func (f *frame) x(share float64) float64 { return left + share*(f.width-left-f.right) }
func (f *frame) y(share float64) float64 { return f.height - bottom - share*(f.height-top-bottom) }

// svg draws it; the picture scales with its place and takes its colours from the page.
func (c *chart) svg() string {
	f := c.frame()
	c.fit()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-labelledby="%s-t %s-d"%s>`, f.width, f.height, c.ID, c.ID, c.data(&f))
	fmt.Fprintf(&b, `<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, c.ID, escape(c.Title), c.ID, escape(c.Text))
	c.grid(&b, &f)
	for _, l := range c.Limits {
		if !c.Y.holds(l.At) {
			continue
		}
		y := f.y(c.Y.share(l.At))
		fmt.Fprintf(&b, `<line class="limit" x1="%s" x2="%s" y1="%s" y2="%s"/><text class="limit-text" x="%s" y="%s">%s</text>`,
			px(left), px(f.width-f.right), px(y), px(y), px(left+6), px(y-5), escape(l.Text))
	}
	for i := range c.Lines { // the first lies on top
		c.line(&b, &f, &c.Lines[len(c.Lines)-1-i])
	}
	c.labels(&b, &f)
	b.WriteString(`</svg>`)
	return b.String()
}

func (c *chart) fit() {
	var xs, ys []float64
	for _, l := range c.Lines {
		xs, ys = append(xs, l.X...), append(ys, l.Y...)
	}
	for _, l := range c.Limits {
		ys = append(ys, l.At)
	}
	c.X.fit(xs...)
	c.Y.fit(ys...)
	c.Y.round(5)
	if c.Y.Log { // air above and below
		c.Y.min, c.Y.max = c.Y.min/1.15, c.Y.max*1.15
	}
}

func (c *chart) grid(b *strings.Builder, f *frame) {
	for _, t := range c.Y.ticks(5) {
		y := f.y(c.Y.share(t.At))
		fmt.Fprintf(b, `<line class="grid" x1="%s" x2="%s" y1="%s" y2="%s"/><text class="tick y" x="%s" y="%s">%s</text>`,
			px(left), px(f.width-f.right), px(y), px(y), px(left-8), px(y+4), escape(t.Text))
	}
	n := 6
	if c.Wide {
		n = 12
	}
	for _, t := range c.X.ticks(n) {
		x := f.x(c.X.share(t.At))
		fmt.Fprintf(b, `<line class="tickmark" x1="%s" x2="%s" y1="%s" y2="%s"/><text class="tick x" x="%s" y="%s">%s</text>`,
			px(x), px(x), px(f.height-bottom), px(f.height-bottom+5), px(x), px(f.height-bottom+19), escape(t.Text))
	}
	fmt.Fprintf(b, `<line class="axis" x1="%s" x2="%s" y1="%s" y2="%s"/>`, px(left), px(f.width-f.right), px(f.height-bottom), px(f.height-bottom))
	fmt.Fprintf(b, `<text class="label" x="%s" y="%s">%s</text>`, px(left+(f.width-left-f.right)/2), px(f.height-5), escape(c.X.Label))
}

func (c *chart) line(b *strings.Builder, f *frame, l *line) {
	var path strings.Builder
	open := false
	for i := range l.X {
		if !c.drawn(l, i) {
			open = false
			continue
		}
		verb := byte('L')
		if !open {
			verb, open = 'M', true
		}
		path.WriteByte(verb)
		path.WriteString(px(f.x(c.X.share(l.X[i]))) + " " + px(f.y(c.Y.share(l.Y[i]))))
	}
	dashed := ""
	if l.Dashed {
		dashed = " dashed"
	}
	fmt.Fprintf(b, `<path class="line c%d%s" d="%s"/>`, l.Color%7, dashed, path.String())
	if !l.Points && len(l.X) > 1 {
		return
	}
	for i := range l.X {
		if !c.drawn(l, i) {
			continue
		}
		class, said := "point", ""
		if l.Missed != nil && l.Missed[i] {
			class, said = "point missed", ", missed"
		}
		fmt.Fprintf(b, `<circle class="%s c%d" cx="%s" cy="%s" r="4"><title>%s</title></circle>`, class, l.Color%7,
			px(f.x(c.X.share(l.X[i]))), px(f.y(c.Y.share(l.Y[i]))), escape(l.Name+": "+c.Y.text(l.Y[i])+" at "+c.X.text(l.X[i])+said))
	}
}

func (c *chart) drawn(l *line, i int) bool {
	return c.X.holds(l.X[i]) && c.Y.holds(l.Y[i])
}

// labels names each line at its end; neighbours are pushed apart.
func (c *chart) labels(b *strings.Builder, f *frame) {
	if len(c.Lines) == 1 {
		return
	}
	type label struct {
		y    float64
		text string
		line int
	}
	var list []label
	for i, l := range c.Lines {
		for j := len(l.X) - 1; j >= 0; j-- {
			if c.drawn(&l, j) {
				list = append(list, label{f.y(c.Y.share(l.Y[j])), l.Name, i})
				break
			}
		}
	}
	slices.SortStableFunc(list, func(a, b label) int { return cmp.Compare(a.y, b.y) })
	const apart = 15
	for i := 1; i < len(list); i++ {
		list[i].y = max(list[i].y, list[i-1].y+apart)
	}
	if n := len(list); n > 0 {
		list[n-1].y = min(list[n-1].y, f.height-bottom)
		for i := n - 2; i >= 0; i-- {
			list[i].y = min(list[i].y, list[i+1].y-apart)
		}
	}
	for _, l := range list {
		fmt.Fprintf(b, `<text class="name t%d" x="%s" y="%s">%s</text>`, c.Lines[l.line].Color%7, px(f.width-f.right+8), px(l.y+4), escape(clip(l.text, 24)))
	}
}

// data is what the page's script shows at the pointer.
func (c *chart) data(f *frame) string {
	type series struct {
		Name string      `json:"n"`
		At   [][3]string `json:"v"` // x in the picture, value, x
	}
	var all []series
	points := 0
	for _, l := range c.Lines {
		s := series{Name: l.Name}
		for i := range l.X {
			if c.drawn(&l, i) {
				s.At = append(s.At, [3]string{px(f.x(c.X.share(l.X[i]))), c.Y.text(l.Y[i]), c.X.text(l.X[i])})
			}
		}
		points += len(s.At)
		all = append(all, s)
	}
	if points == 0 || points > 4000 {
		return ""
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(` data-x="%s %s" data-lines="%s"`, px(left), px(f.width-f.right), escape(string(raw)))
}

func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// escape makes text safe in XML and HTML, in content and in quoted attributes.
func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
