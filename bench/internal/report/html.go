package report

import (
	_ "embed" // the page's parts
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/weirproxy/weir/bench/internal/result"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed theme.css
	themeStyle string
	//go:embed chart.css
	chartStyle string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

// drawn is a picture for the template.
type drawn struct {
	Title string
	Wide  bool
	SVG   template.HTML
}

// HTML writes the report as one page that needs nothing else. base is a result to compare with, or nil.
func HTML(w io.Writer, f, base *result.File) error {
	p, err := newPage(f, base)
	if err != nil {
		return err
	}
	t, err := template.New("page").Funcs(template.FuncMap{
		"style":  func() template.CSS { return template.CSS(themeStyle + chartStyle + pageStyle) },
		"script": func() template.JS { return template.JS(strings.TrimSpace(pageScript)) },
		"draw": func(p picture) drawn {
			_, title, _, wide := p.head()
			return drawn{title, wide, template.HTML(p.svg())} // every text in it went through escape
		},
		"headed":  func(g grid) bool { return g.headed() },
		"classes": classes,
	}).Parse(pageHTML)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return t.Execute(w, p)
}

func (g *grid) headed() bool {
	for _, c := range g.Columns {
		if c.Name != "" {
			return true
		}
	}
	return false
}

func classes(columns []column, i int, c cell) string {
	class := c.Class
	if i < len(columns) && columns[i].Figure {
		class = strings.TrimSpace("n " + class)
	}
	return class
}
