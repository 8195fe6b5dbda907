package report

import (
	"bytes"
	"io"
	"path"
	"strings"
	"unicode"

	"github.com/weirproxy/weir/bench/internal/result"
)

// Markdown writes the content of the page as Markdown. base is a result to compare with, or nil.
func Markdown(w io.Writer, f, base *result.File) error { return MarkdownWithPlots(w, f, base, "") }

// MarkdownWithPlots is Markdown that shows the pictures which Plots wrote into folder, as seen from where the Markdown will lie; "" shows none.
func MarkdownWithPlots(w io.Writer, f, base *result.File, folder string) error {
	p, err := newPage(f, base)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("# " + plain(p.Title) + "\n\n")
	mark := map[string]string{"good": "✓ ", "bad": "✗ "}[p.Class]
	b.WriteString("**" + mark + plain(p.Verdict) + "** · " + plain(p.Summary) + "\n")
	if p.Partial != "" {
		b.WriteString("\n> **This result is partial.** " + plain(p.Partial) + "\n")
	}
	if len(p.Warnings) > 0 {
		b.WriteString("\n> **Before you trust these figures**\n")
		for _, warning := range p.Warnings {
			b.WriteString("> - " + plain(warning.Text) + " (" + plain(warning.Code) + ")\n")
		}
	}
	if len(p.Facts) > 0 {
		g := grid{Columns: append(words("Figure"), append(numbers("Value"), words("")...)...)}
		for _, f := range p.Facts {
			g.Rows = append(g.Rows, []cell{text(f.Name), marked(f.Value, f.Class), text(f.Note)})
		}
		g.markdown(&b)
	}
	for _, s := range p.Sections {
		b.WriteString("\n## " + plain(s.Title) + "\n")
		if s.Text != "" {
			b.WriteString("\n" + plain(s.Text) + "\n")
		}
		for _, pic := range s.Pictures {
			if id, title, _, _ := pic.head(); folder != "" {
				b.WriteString("\n![" + plain(title) + "](" + path.Join(folder, id+".svg") + ")\n")
			}
		}
		for i := range s.Grids {
			s.Grids[i].markdown(&b)
		}
	}
	_, err = w.Write(b.Bytes())
	return err
}

func (g *grid) markdown(b *bytes.Buffer) {
	b.WriteString("\n")
	if g.Title != "" {
		b.WriteString(plain(g.Title) + ":\n\n")
	}
	b.WriteString("|")
	for _, c := range g.Columns {
		b.WriteString(" " + plain(c.Name) + " |")
	}
	b.WriteString("\n|")
	for _, c := range g.Columns {
		if c.Figure {
			b.WriteString("--:|")
		} else {
			b.WriteString("---|")
		}
	}
	b.WriteString("\n")
	for _, row := range g.Rows {
		b.WriteString("|")
		for _, c := range row {
			said := plain(c.Text)
			if c.Code {
				said = fenced(c.Text)
			}
			if c.Class == "bad" && said != "" {
				said = "**" + said + "**"
			}
			b.WriteString(" " + said + " |")
		}
		b.WriteString("\n")
	}
}

// plain makes text stand for itself in Markdown: on one line, without markup and without HTML.
func plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_[]|~!", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// fenced is text as code in a table, where | ends a cell even inside code and backslashes do not count.
func fenced(s string) string {
	if s == "" {
		return ""
	}
	if strings.ContainsAny(s, "`|\\<>\n\r") || strings.ContainsFunc(s, unicode.IsControl) {
		return plain(s)
	}
	return "`" + s + "`"
}
