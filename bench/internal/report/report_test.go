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

// FuzzReport: whatever result.ReadAll takes can be shown.
func FuzzReport(f *testing.F) {
	for _, s := range samples() {
		if s.f.Run != nil {
			s.f.Run.Operations, s.f.Run.Series = s.f.Run.Operations[:1], s.f.Run.Series[:3]
			for _, h := range []*result.Histogram{&s.f.Run.Total.Latency, &s.f.Run.Total.Service, &s.f.Run.Generator.Lateness, &s.f.Run.Operations[0].Stats.Latency, &s.f.Run.Operations[0].Stats.Service} {
				h.Reset()
				h.Record(1234567) // small inputs are found out about sooner
			}
		}
		var raw bytes.Buffer
		if err := s.f.Encode(&raw); err != nil {
			f.Fatal(err)
		}
		f.Add(raw.Bytes())
	}
	f.Add([]byte(`{"format":"weir-bench/1","tables":[{"name":"a","columns":[{"name":"x"}],"rows":[[null],[3],[-2e9]],"plot":{"x":0,"y":[0,0],"log_y":true}}],"compare":{"subjects":[{"cpu_us_per_request":{"n":1,"median":1e-300}}],"rows":[{"gate":-1,"value":{"median":null}}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "r.json")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := result.Read(path)
		if err != nil {
			return
		}
		var page, text bytes.Buffer
		if err := HTML(&page, file, nil); err != nil {
			t.Fatal(err)
		}
		if err := Markdown(&text, file, nil); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(page.Bytes(), []byte("NaN")) && !bytes.Contains(raw, []byte("NaN")) {
			t.Fatalf("a number is none: %s", &page)
		}
		if n := bytes.Count(page.Bytes(), []byte("<script")); n != 1 {
			t.Fatalf("%d scripts", n)
		}
	})
}
