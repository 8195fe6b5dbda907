package growth

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/vitals"
)

// weirAlone builds the sidecar; parts that need no other program run with it.
func weirAlone(t *testing.T) fleet.Binaries {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weir")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../../../proxy/cmd/weir")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return fleet.Binaries{Weir: path}
}

func TestPartsMeasureTheShippedBinary(t *testing.T) {
	cfg := Config{Binaries: weirAlone(t), tiny: true, Out: t.Output()}
	names := []string{"connections", "operations", "tags", "tombstones", "bytes"}
	tables, err := Run(t.Context(), cfg, names...)
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != len(names) {
		t.Fatalf("%d tables, want %d", len(tables), len(names))
	}
	for _, table := range tables {
		if len(table.Rows) != 2 || table.Text == "" || !strings.Contains(table.Text, "Bound:") || table.Plot == nil {
			t.Errorf("%s: %d rows, plot %v, %q", table.Name, len(table.Rows), table.Plot, table.Text)
		}
		for _, row := range table.Rows {
			if len(row) != len(table.Columns) {
				t.Errorf("%s: a row of %d figures under %d columns", table.Name, len(row), len(table.Columns))
			}
			for i, v := range row {
				if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					t.Errorf("%s: %s is %g", table.Name, table.Columns[i].Name, v)
				}
			}
			for _, y := range table.Plot.Y {
				if row[y] == 0 && table.Name != "growth-bytes" {
					t.Errorf("%s: %s is 0", table.Name, table.Columns[y].Name)
				}
			}
		}
		var text bytes.Buffer
		if WriteText(&text, &table); !strings.Contains(text.String(), table.Columns[0].Name) {
			t.Errorf("%s: %s", table.Name, text.String())
		}
	}
}

func TestAPartThatFailsCostsTheOthersNothing(t *testing.T) {
	cfg := Config{Binaries: fleet.Binaries{Weir: "/nowhere/weir"}, tiny: true}
	tables, err := Run(t.Context(), cfg, "tags", "tombstones")
	if len(tables) != 0 || err == nil || !strings.Contains(err.Error(), "growth tags: ") || !strings.Contains(err.Error(), "growth tombstones: ") {
		t.Errorf("%d tables, %v", len(tables), err)
	}
	if _, err := Run(t.Context(), cfg, "tigs"); err == nil || !strings.Contains(err.Error(), `no part "tigs"; there are connections, bytes`) {
		t.Errorf("%v", err)
	}
}

func TestCollectorsShareFromTheCyclesOfASpan(t *testing.T) {
	e := effort{micros: 20, gcShare: 0.015, collections: vitals.Collections{Cycles: 5}}
	e.Requests = 1_000_000
	share, cycles, err := collector(t.Context(), nil, &e, followEmpty(t))
	if err != nil || share != 0.015 || cycles != 5e-6 {
		t.Errorf("%g %g %v", share, cycles, err)
	}
	e.collections.Cycles = 0 // and there was none before either
	if share, cycles, err := collector(t.Context(), nil, &e, followEmpty(t)); err != nil || share != 0 || cycles != 0 {
		t.Errorf("%g %g %v", share, cycles, err)
	}
}

func followEmpty(t *testing.T) *vitals.Collector {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := vitals.Follow(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTextOfATable(t *testing.T) {
	var b bytes.Buffer
	table := result.Table{
		Title: "Things", Columns: []result.Column{{Name: "things"}, {Name: "CPU", Unit: "µs"}}, Rows: [][]float64{{1, 0.01234}, {1000, 1234.56}}, Labels: []string{"one", "many"},
		Gates: []result.Row{atMost("1", "CPU", "µs", single(2), 1, 1, ""), atMost("1", "CPU", "µs", single(0.5), 1, 1, "")},
	}
	table.Gates = append(table.Gates, table.Gates[0])
	table.Gates[2].Unsure = true
	if table.Gates[2].Missed() {
		t.Error("what cannot be told was missed")
	}
	WriteText(&b, &table)
	want := `
Things
        things  CPU, µs
  one        1   0.0123
  many    1000     1235
  gate: CPU 2 µs, at most 1: MISSED
  gate: CPU 0.5 µs, at most 1: held
  gate: CPU 2 µs, at most 1: unsure
`
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	if n := Missed([]result.Table{table}); n != 1 {
		t.Errorf("%d gates missed", n)
	}
}

func TestStartTimesAreMeasured(t *testing.T) {
	b, err := newBench(&Config{Binaries: weirAlone(t), Out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		b.stop(&err)
		if err != nil {
			t.Error(err)
		}
	}()
	up, err := b.origin()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := b.write("schema.graphql", schemaSDL)
	if err != nil {
		t.Fatal(err)
	}
	s := setting{name: "alone", args: []string{"run", "--upstream", up.URL(), "--schema", schema}}
	ready, answered, err := b.startOnce(t.Context(), s, 1)
	if err != nil || ready <= 0 || answered < ready || answered > startLimit {
		t.Errorf("ready %s, answered %s: %v", ready.Round(time.Millisecond), answered, err)
	}
}
