package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/report"
	"github.com/weirproxy/weir/bench/internal/result"
)

func newReport() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report RESULT…",
		Short: "Show result files as a page, as Markdown or as pictures, and what changed",
		Long: `Show the result of a measurement as one HTML page that needs no network, or as Markdown; on the standard output when no file is named.

Results of several machines that ran one load at the same time become one: histograms and counts add exactly. A file may hold one result or be a log with one
result to a line, as "weir-bench run --json" prints it; "-" is the standard input.

With --base it says what changed and whether that is more than noise: better, worse, the same, or unclear.`,
		Example: `  weir-bench report result.json --html report.html
  weir-bench report after.json --base before.json
  weir-bench report after.json --base before.json --check
  weir-bench report machine-*.json --merge all.json --html report.html
  kubectl logs -l batch.kubernetes.io/job-name=weir-bench --tail=-1 | weir-bench report - --html report.html`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("report requires at least 1 result file; weir-bench run --out result.json writes one")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.report(cmd, args) },
	}
	s := cmd.Flags()
	s.StringVar(&f.base, "base", "", "result to compare with: an older one, or one of another configuration")
	s.StringVar(&f.html, "html", "", "write the page to this file")
	s.StringVar(&f.markdown, "md", "", "write Markdown to this file")
	s.StringVar(&f.plots, "svg", "", "write every picture into this folder; the Markdown of --md then shows them")
	s.StringVar(&f.merge, "merge", "", "write the merged result to this file")
	s.BoolVar(&f.check, "check", false, "exit 1 when a threshold or a gate was missed, the result is partial, or something is worse than --base")
	return cmd
}

type reportFlags struct {
	base, html, markdown, plots, merge string
	check                              bool
}

func (f *reportFlags) report(cmd *cobra.Command, args []string) error {
	now, err := readMerged(args)
	if err != nil {
		return err
	}
	var base *result.File
	if f.base != "" {
		if base, err = readMerged([]string{f.base}); err != nil {
			return err
		}
	}
	if err := f.write(cmd, now, base); err != nil {
		return err
	}
	if !f.check {
		return nil
	}
	bad, err := reasons(now, base)
	if err != nil {
		return err
	}
	for _, reason := range bad {
		fmt.Fprintln(cmd.ErrOrStderr(), "weir-bench:", reason)
	}
	if bad != nil {
		return errFailed
	}
	return nil
}

// readMerged reads the results of all files; several become one.
func readMerged(paths []string) (*result.File, error) {
	var all []*result.File
	var from []string
	for _, path := range paths {
		files, err := result.ReadAll(path)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
		for i := range files {
			name := path
			if len(files) > 1 {
				name = fmt.Sprintf("%s, result %d", path, i+1)
			}
			from = append(from, name)
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	m, err := result.Merge(all...)
	if err != nil {
		var n, of int
		if _, scanErr := fmt.Sscanf(err.Error(), "result %d of %d", &n, &of); scanErr == nil && n >= 1 && n <= len(from) {
			return nil, fmt.Errorf("%s: %w", from[n-1], err)
		}
		return nil, err
	}
	judgeAgain(m)
	return m, nil
}

// judgeAgain checks the conditions of a merged run against all of its requests. What cannot be parsed keeps the verdict of the machine that did worst.
func judgeAgain(f *result.File) {
	for i, t := range f.Run.Thresholds {
		if list, err := drive.ParseThresholds(t.Condition); err == nil && len(list) == 1 {
			f.Run.Thresholds[i] = list[0].Check(f.Run)
		}
	}
}

func (f *reportFlags) write(cmd *cobra.Command, now, base *result.File) error {
	if f.merge != "" {
		if err := now.Write(f.merge); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s holds the results of %d machines\n", f.merge, len(now.Machines))
	}
	if f.plots != "" {
		names, err := report.Plots(f.plots, now, base)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%d pictures in %s\n", len(names), f.plots)
	}
	if f.html != "" {
		if err := f.file(cmd, f.html, func(w io.Writer) error { return report.HTML(w, now, base) }); err != nil {
			return err
		}
	}
	markdown := func(w io.Writer) error { return report.MarkdownWithPlots(w, now, base, f.beside()) }
	switch {
	case f.markdown != "":
		return f.file(cmd, f.markdown, markdown)
	case f.html == "" && f.merge == "" && f.plots == "":
		return markdown(cmd.OutOrStdout())
	}
	return nil
}

// file writes path, or the standard output for "-".
func (f *reportFlags) file(cmd *cobra.Command, path string, write func(io.Writer) error) error {
	if path == "-" {
		return write(cmd.OutOrStdout())
	}
	return result.WriteFile(path, write)
}

// beside is the folder of pictures as seen from the Markdown file.
func (f *reportFlags) beside() string {
	if f.plots == "" || f.markdown == "" {
		return f.plots
	}
	rel, err := filepath.Rel(filepath.Dir(f.markdown), f.plots)
	if err != nil {
		return f.plots
	}
	return filepath.ToSlash(rel)
}

// reasons are why --check fails.
func reasons(now, base *result.File) (bad []string, err error) {
	if now.Partial != "" {
		bad = append(bad, "the result is partial: "+now.Partial)
	}
	if r := now.Run; r != nil {
		for _, t := range r.Thresholds {
			if !t.Pass {
				bad = append(bad, fmt.Sprintf("missed %s: %.4g", t.Condition, t.Value))
			}
		}
		if r.Total.Errors > 0 && !slices.ContainsFunc(r.Thresholds, func(t result.Threshold) bool { return strings.Contains(t.Condition, "errors=") }) {
			bad = append(bad, fmt.Sprintf("%d requests failed and no threshold says how many may", r.Total.Errors))
		}
		if r.Total.StaleEntities > 0 {
			bad = append(bad, fmt.Sprintf("%d stale objects", r.Total.StaleEntities))
		}
	}
	rows := func(prefix string, list []result.Row) {
		for _, row := range list {
			if row.Missed() {
				bad = append(bad, strings.TrimSpace(fmt.Sprintf("%smissed the gate of row %s, %s: %.4g %s, gate %.4g", prefix, row.Row, row.What, row.Value.Median, row.Unit, row.Gate)))
			}
		}
	}
	if now.Compare != nil {
		rows("", now.Compare.Rows)
	}
	for _, t := range now.Tables {
		rows(t.Name+": ", t.Gates)
	}
	if base == nil {
		return bad, nil
	}
	changes, err := result.Diff(base, now)
	for _, c := range changes {
		if c.Verdict == result.Worse {
			bad = append(bad, fmt.Sprintf("worse than the base: %s, %.4g to %.4g %s", c.Name, c.Base, c.Now, c.Unit))
		}
	}
	return bad, err
}
