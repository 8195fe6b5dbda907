package full

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/report"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	resultsFolder = "results"
	resultsFile   = "RESULTS.md"
)

// Write makes RESULTS.md and the pictures from the files of the parts in dir/results, and says how many gates they missed.
func Write(dir string) (missed int, err error) {
	files, err := stored(dir)
	if len(files) == 0 {
		return 0, errors.Join(err, errors.New("full: there is no result to write down"))
	}
	var b bytes.Buffer
	fmt.Fprint(&b, "# Results\n\nMade by `make bench-full` (`weir-bench full`), and made anew by it: what is written here by hand is lost. Ratios taken in one run are the result; absolute "+
		"figures hold to a factor of two between machines.\n\n")
	missed = writeVerdict(&b, files)
	writeProvenance(&b, files)
	for _, name := range Names() {
		f := files[name]
		if f == nil {
			continue
		}
		folder := filepath.Join(dir, resultsFolder, name)
		if e := os.RemoveAll(folder); e != nil { // pictures of an earlier run
			return missed, errors.Join(err, e)
		}
		if _, e := report.Plots(folder, f, nil); e != nil {
			err = errors.Join(err, fmt.Errorf("pictures of %s: %w", name, e))
		}
		var part bytes.Buffer
		if e := report.MarkdownWithPlots(&part, f, nil, resultsFolder+"/"+name); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, e))
			continue
		}
		fmt.Fprintf(&b, "\n## Part: %s\n\n", name)
		b.Write(lowered(part.Bytes()))
	}
	return missed, errors.Join(err, result.WriteFile(filepath.Join(dir, resultsFile), func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	}))
}

// lowered puts the headings of a part two levels below the part's own; lines within code fences stay.
func lowered(markdown []byte) []byte {
	var out bytes.Buffer
	code := false
	for line := range bytes.Lines(markdown) {
		if bytes.HasPrefix(line, []byte("```")) {
			code = !code
		}
		if !code && bytes.HasPrefix(line, []byte("#")) {
			out.WriteString("##")
		}
		out.Write(line)
	}
	return out.Bytes()
}

// gates of a file.
func gates(f *result.File) (rows []result.Row) {
	if f.Compare != nil {
		for _, r := range f.Compare.Rows {
			if r.Judged() {
				rows = append(rows, r)
			}
		}
	}
	for i := range f.Tables {
		rows = append(rows, f.Tables[i].Gates...)
	}
	return rows
}

// writeVerdict says what does not hold, before anything else.
func writeVerdict(b *bytes.Buffer, files map[string]*result.File) (missed int) {
	fmt.Fprint(b, "## What does not hold\n\n")
	said, held, unsure := b.Len(), 0, 0
	for _, name := range Names() {
		f := files[name]
		if f == nil {
			fmt.Fprintf(b, "- **%s** was not measured: `weir-bench full --out DIR --only %s` measures it.\n", name, name)
			continue
		}
		for _, r := range gates(f) {
			if r.Pass {
				held++
				continue
			}
			if r.Missed() {
				missed++
			} else {
				unsure++
			}
			fmt.Fprintf(b, "- **%s, row %s**: %s is %s %s (%s to %s), the gate is %s.", name, r.Row, r.What, number(r.Value.Median), r.Unit, number(r.Value.Low), number(r.Value.High), number(r.Gate))
			if r.Remark != "" {
				fmt.Fprintf(b, " %s.", strings.TrimSuffix(r.Remark, "."))
			}
			b.WriteByte('\n')
		}
		if f.Partial != "" {
			fmt.Fprintf(b, "- **%s** is partial: %s.\n", name, strings.ReplaceAll(strings.TrimSpace(f.Partial), "\n", "; "))
		}
		for _, w := range f.Warnings {
			fmt.Fprintf(b, "- **%s**, %s: %s.\n", name, w.Code, strings.TrimSuffix(strings.ReplaceAll(w.Text, "\n", " "), "."))
		}
		if f.Compare != nil {
			for _, m := range f.Compare.Missing {
				fmt.Fprintf(b, "- **%s**: %s was not measured: %s. `%s` installs it.\n", name, m.Name, strings.TrimSuffix(m.Why, "."), m.Install)
			}
		}
	}
	if b.Len() == said {
		fmt.Fprint(b, "Nothing: every part was measured whole and every gate held.\n")
	}
	fmt.Fprintf(b, "\n%d gates held, %d missed", held, missed)
	if unsure > 0 {
		fmt.Fprintf(b, ", %d could not be told", unsure)
	}
	fmt.Fprint(b, ".\n")
	return missed
}

// writeProvenance says when, with what and where each part was measured.
func writeProvenance(b *bytes.Buffer, files map[string]*result.File) {
	fmt.Fprint(b, "\n## Where and when\n\n| part | measured | took | version | command | machine |\n| --- | --- | --: | --- | --- | --- |\n")
	for _, name := range Names() {
		f := files[name]
		if f == nil {
			continue
		}
		machine := ""
		if len(f.Machines) > 0 {
			m := f.Machines[0]
			machine = fmt.Sprintf("%s, %d processors, %.0f GiB, %s, Go %s", m.CPU, m.CPUs, float64(m.MemoryBytes)/(1<<30), m.Kernel, m.Go)
		}
		command := append([]string{}, f.Command...)
		if len(command) > 0 {
			command[0] = filepath.Base(command[0])
		}
		fmt.Fprintf(b, "| %s | %s | %.0f s | %s | `%s` | %s |\n", name, f.Started.UTC().Format(time.DateTime+" UTC"), f.Seconds, f.Version, cell(strings.Join(command, " ")), cell(machine))
	}
}

// cell keeps a text within its cell of a table.
func cell(s string) string { return strings.NewReplacer("|", "\\|", "\n", " ", "`", "'").Replace(s) }

func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
