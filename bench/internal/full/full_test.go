package full

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/result"
)

func file(pass bool) *result.File {
	one := result.Interval{Median: 3, Low: 2, High: 4, Min: 2, Max: 4, N: 7}
	return &result.File{
		Format: result.Format, Command: []string{"/opt/bin/weir-bench", "full", "--out", "a|b"}, Version: "v1", Started: time.Unix(1e9, 0), Seconds: 12,
		Machines: []result.Machine{{CPU: "some processor", CPUs: 2, MemoryBytes: 4 << 30, Kernel: "Linux 6.1", Go: "1.26"}},
		Tables: []result.Table{{
			Name: "growth-things", Title: "Things", Text: "Bound: some.", Columns: []result.Column{{Name: "things"}, {Name: "CPU", Unit: "µs"}}, Rows: [][]float64{{1, 2}, {10, 3}, {100, 5}},
			Plot: &result.Plot{X: 0, Y: []int{1}, LogX: true}, Gates: []result.Row{{Row: "growth", What: "CPU per thing", Unit: "µs", Value: one, Gate: 2.5, Aim: 2, Pass: pass, Remark: "known"}},
		}},
	}
}

func put(t *testing.T, dir, part string, f *result.File) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, resultsFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(filepath.Join(dir, resultsFolder, part+".json")); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, dir string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, resultsFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWhatDoesNotHoldIsSaidFirst(t *testing.T) {
	dir := t.TempDir()
	bad, good := file(false), file(true)
	bad.Partial = "growth bytes: ended\nearly"
	put(t, dir, "growth", bad)
	unsure := file(false)
	unsure.Tables[0].Gates[0].Unsure = true
	good.Tables[0].Gates = append(good.Tables[0].Gates, unsure.Tables[0].Gates[0])
	put(t, dir, "footprint", good)
	missed, err := Write(dir)
	if err != nil || missed != 1 {
		t.Fatalf("%d missed, %v", missed, err)
	}
	got := text(t, dir)
	at := -1
	for _, want := range []string{
		"## What does not hold", "**compare** was not measured", "**growth, row growth**: CPU per thing is 3 µs (2 to 4), the gate is 2.5. known.", "**growth** is partial: growth bytes: ended; early.",
		"**footprint, row growth**", "1 gates held, 1 missed, 1 could not be told.", "## Where and when", "`weir-bench full --out a\\|b`", "some processor, 2 processors, 4 GiB, Linux 6.1, Go 1.26", "## Part: growth", "results/growth/", ".svg", "## Part: footprint",
	} {
		i := strings.Index(got, want)
		if i <= at {
			t.Errorf("%q at %d, after %d", want, i, at)
		}
		at = max(at, i)
	}
	pictures, err := filepath.Glob(filepath.Join(dir, resultsFolder, "growth", "*.svg"))
	if err != nil || len(pictures) == 0 {
		t.Errorf("%v %v", pictures, err)
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestAFailedPartCostsTheOthersNothing(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "footprint", file(true))
	cfg := Config{Dir: dir, Binaries: fleet.Binaries{Weir: "/nowhere/weir"}, Only: []string{"growth"}}
	missed, err := Run(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "growth connections: ") || missed != 0 {
		t.Errorf("%d missed, %v", missed, err)
	}
	if got := text(t, dir); !strings.Contains(got, "**growth** was not measured") || !strings.Contains(got, "## Part: footprint") {
		t.Error(got)
	}
}

func TestAPartialPartIsKept(t *testing.T) {
	dir := t.TempDir()
	p := part{"growth", true, func(_ context.Context, _ *Config, f *result.File) error {
		f.Tables = file(true).Tables
		return errors.New("the machine was needed")
	}}
	cfg := Config{Dir: dir, Out: t.Output()}
	put(t, dir, "truth", file(true))
	if err := measure(t.Context(), &cfg, &p); err == nil {
		t.Error("no error")
	}
	f, err := result.Read(filepath.Join(dir, resultsFolder, "growth.json"))
	if err != nil || f.Partial != "the machine was needed" || len(f.Tables) != 1 {
		t.Errorf("%+v %v", f, err)
	}
	p.run = func(context.Context, *Config, *result.File) error { return nil }
	if err := measure(t.Context(), &cfg, &p); err == nil || !strings.Contains(err.Error(), "nothing was measured") {
		t.Errorf("%v", err)
	}
	if _, err := result.Read(filepath.Join(dir, resultsFolder, "growth.json")); err != nil {
		t.Errorf("the earlier result is gone: %v", err)
	}
}

func TestWrongUse(t *testing.T) {
	if _, err := Run(t.Context(), Config{Dir: t.TempDir(), Only: []string{"grwth"}}); err == nil || !strings.Contains(err.Error(), `no part "grwth"; there are truth, compare`) {
		t.Errorf("%v", err)
	}
	if _, err := Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no result") {
		t.Errorf("%v", err)
	}
	dir := t.TempDir()
	put(t, dir, "truth", file(true))
	if err := os.WriteFile(filepath.Join(dir, resultsFolder, "soak.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir); err == nil || !strings.Contains(err.Error(), "soak.json") || !strings.Contains(text(t, dir), "## Part: truth") {
		t.Errorf("%v", err)
	}
}

func TestHeadingsWithinCodeStay(t *testing.T) {
	if got := string(lowered([]byte("# A\n```\n# no\n```\n## B\n"))); got != "### A\n```\n# no\n```\n#### B\n" {
		t.Error(got)
	}
}
