package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/weirproxy/weir/bench/internal/result"
)

func render(t *testing.T, f, base *result.File) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := HTML(&out, f, base); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func parsePage(t *testing.T, page []byte) *html.Node {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func content(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// outline is the structure of a page: its headings, pictures with their marks, and tables with their columns.
func outline(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "title", "h1", "h2", "h3":
			if n.Data != "title" || n.Parent.Data == "head" {
				fmt.Fprintf(&b, "%s %s\n", n.Data, content(n))
			}
		case "section":
			fmt.Fprintf(&b, "section #%s\n", attr(n, "id"))
		case "svg":
			marks := map[string]int{}
			for d := range n.Descendants() {
				if d.Type == html.ElementNode && attr(d, "class") != "" {
					class, _, _ := strings.Cut(attr(d, "class"), " ")
					marks[class]++
				}
			}
			fmt.Fprintf(&b, "  svg %v\n", marks)
		case "table":
			rows, columns := 0, []string{}
			for d := range n.Descendants() {
				if d.Type == html.ElementNode && d.Data == "tr" && d.Parent.Data == "tbody" {
					rows++
				} else if d.Type == html.ElementNode && d.Data == "th" {
					columns = append(columns, content(d))
				}
			}
			fmt.Fprintf(&b, "  table of %d rows: %s\n", rows, strings.Join(columns, " | "))
		}
	}
	return b.String()
}

func TestPagesHaveTheirStructure(t *testing.T) {
	for _, s := range samples() {
		golden(t, s.name+".outline", []byte(outline(parsePage(t, render(t, s.f, s.base)))))
	}
}

func TestPagesNeedNoNetwork(t *testing.T) {
	for _, s := range samples() {
		page := render(t, s.f, s.base)
		for n := range parsePage(t, page).Descendants() {
			if n.Type == html.ElementNode && slices.Contains([]string{"link", "img", "iframe", "object", "embed", "base", "form", "image", "use", "foreignObject"}, n.Data) {
				t.Errorf("%s: there is a <%s>", s.name, n.Data)
			}
			for _, a := range n.Attr {
				if slices.Contains([]string{"src", "srcset", "href", "action", "data", "poster"}, a.Key) && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%s: <%s %s=%q>", s.name, n.Data, a.Key, a.Val)
				}
			}
		}
		for _, word := range []string{"@import", "url(", "fetch(", "XMLHttpRequest", "import("} {
			if bytes.Contains(page, []byte(word)) {
				t.Errorf("%s: %s", s.name, word)
			}
		}
		if !bytes.Contains(page, []byte("default-src &#39;none&#39;")) && !bytes.Contains(page, []byte("default-src 'none'")) {
			t.Errorf("%s: the page does not forbid itself to load", s.name)
		}
	}
}

// TestPagesAreWellFormed: what is opened is closed in order, ids are there once, and what refers to an id finds it.
func TestPagesAreWellFormed(t *testing.T) {
	void := []string{"meta", "br", "hr", "img", "input", "link"}
	for _, s := range samples() {
		page := render(t, s.f, s.base)
		var open []string
		ids, refers := map[string]int{}, []string{}
		z := html.NewTokenizer(bytes.NewReader(page))
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				if !errors.Is(z.Err(), io.EOF) {
					t.Fatal(z.Err())
				}
				break
			}
			token := z.Token()
			switch {
			case kind == html.StartTagToken && !slices.Contains(void, token.Data):
				open = append(open, token.Data)
			case kind == html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != token.Data {
					t.Fatalf("%s: </%s> inside %v", s.name, token.Data, open)
				}
				open = open[:len(open)-1]
			}
			for _, a := range token.Attr {
				switch a.Key {
				case "id":
					ids[a.Val]++
				case "aria-labelledby":
					refers = append(refers, strings.Fields(a.Val)...)
				case "href":
					refers = append(refers, strings.TrimPrefix(a.Val, "#"))
				}
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: never closed: %v", s.name, open)
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: id %s is there %d times", s.name, id, n)
			}
		}
		for _, id := range refers {
			if ids[id] == 0 {
				t.Errorf("%s: nothing has the id %s", s.name, id)
			}
		}
	}
}

// poison puts the hostile name into every text of a value.
func poison(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			n := v.MapIndex(key)
			v.SetMapIndex(key, reflect.Value{})
			v.SetMapIndex(reflect.ValueOf(hostile+key.String()), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "Loop" {
				poison(v.Field(i))
			}
		}
	case reflect.String:
		v.SetString(hostile + v.String())
	}
}

func TestTextsOutOfAFileAreOnlyTexts(t *testing.T) {
	for _, s := range samples() {
		s.f.Partial = "interrupted"
		if s.f.Run != nil {
			s.f.Run.Thresholds[0].Condition = "no limit to draw"
		}
		clean := parsePage(t, render(t, s.f, nil))
		poison(reflect.ValueOf(s.f))
		page := parsePage(t, render(t, s.f, nil))
		if a, b := elements(clean), elements(page); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: hostile texts changed the page:\n%v\n%v", s.name, a, b)
		}
		for n := range page.Descendants() {
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "javascript:") && a.Key == "href" {
					t.Errorf("%s: <%s %s=%q>", s.name, n.Data, a.Key, a.Val)
				}
			}
		}
		var md bytes.Buffer
		if err := Markdown(&md, s.f, nil); err != nil {
			t.Fatal(err)
		}
		checkMarkdown(t, md.String())
	}
}

func elements(root *html.Node) map[string]int {
	count := map[string]int{}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			count[n.Data]++
		}
	}
	return count
}

// checkMarkdown: no markup of HTML, no link, and the cells of each table fit its head.
func checkMarkdown(t *testing.T, md string) {
	t.Helper()
	head := 0
	for i, row := range strings.Split(md, "\n") {
		if strings.ContainsAny(row, "<") || strings.Contains(row, "](") && !strings.Contains(row, `\](`) {
			t.Errorf("line %d: %s", i+1, row)
		}
		if !strings.HasPrefix(row, "|") {
			head = 0
			continue
		}
		cells := strings.Count(strings.ReplaceAll(strings.ReplaceAll(row, `\\`, ""), `\|`, ""), "|")
		if head == 0 {
			head = cells
		} else if cells != head {
			t.Errorf("line %d has %d cells, the head %d: %s", i+1, cells-1, head-1, row)
		}
	}
}

func TestPicturesAreXML(t *testing.T) {
	for _, s := range samples() {
		poison(reflect.ValueOf(s.f))
		folder := t.TempDir()
		names, err := Plots(folder, s.f, nil)
		if err != nil || len(names) == 0 {
			t.Fatal(err, names)
		}
		for i := range s.f.Tables {
			var out bytes.Buffer
			if err := SVG(&out, &s.f.Tables[i]); err != nil {
				t.Fatal(err)
			}
			d := xml.NewDecoder(&out)
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := SVG(io.Discard, &result.Table{Name: "bare"}); err == nil || !strings.Contains(err.Error(), `table "bare" has no plot`) {
		t.Error(err)
	}
}

func TestEmptyAndExtremeResultsAreDrawn(t *testing.T) {
	files := map[string]*result.File{
		"nothing":     {},
		"empty run":   {Run: &result.Run{Loop: "closed"}},
		"one request": {Run: &result.Run{Loop: "open", Total: result.Stats{Requests: 1, Errors: 1}, Series: []result.Second{{At: 1, Requests: 1}, {At: 1, Requests: 1}, {At: 2}}, Search: []result.Step{{}, {Rate: 1, Thresholds: []result.Threshold{{}}}}}},
		"no rows":     {Compare: &result.Compare{Rows: []result.Row{{Value: result.Bootstrap(nil)}}, Subjects: []result.Subject{{Micros: result.Bootstrap(nil)}, {Micros: result.Bootstrap([]float64{-1})}}}},
		"tables":      {Tables: []result.Table{{Name: "a"}, {Name: "b", Columns: []result.Column{{}, {}}, Rows: [][]float64{{-1, 1e300}, {0, -1e300}, {5e-324, 0}}, Plot: &result.Plot{X: 0, Y: []int{1, 0}, LogX: true, LogY: true}}}},
	}
	long := sampleRun(1, 1)
	for i := range 5000 {
		long.Run.Series = append(long.Run.Series, result.Second{At: float64(61 + i), Requests: 10, P50: 1, P99: 1 << 40})
	}
	files["long"] = long
	for name, f := range files {
		page := string(render(t, f, nil))
		if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
			t.Errorf("%s: a number is none: %s", name, page)
		}
		if len(page) > 400_000 {
			t.Errorf("%s: %d bytes", name, len(page))
		}
		if err := Markdown(io.Discard, f, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
