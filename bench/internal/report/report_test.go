package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/weirproxy/weir/bench/internal/result"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is rendered now; look at it and run go test -update:\n%s", path, got)
	}
}

type sample struct {
	name    string
	f, base *result.File
}

func samples() []sample {
	return []sample{
		{"run", sampleRun(1, 1), sampleRun(2, 0.84)},
		{"search", sampleSearch(), nil},
		{"compare", sampleCompare(1, 1), sampleCompare(2, 1.2)},
	}
}

func TestMarkdown(t *testing.T) {
	for _, s := range samples() {
		var out bytes.Buffer
		if err := MarkdownWithPlots(&out, s.f, s.base, "plots"); err != nil {
			t.Fatal(err)
		}
		golden(t, s.name+".md", out.Bytes())
	}
}
