package workload

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files are what workloads of tests may name.
var files = map[string]string{
	"people.csv":   "id,name,mail\n7,Ada,ada@example\n8,Bob,bob@example\n",
	"ids.csv":      "id\n1\n2\n3\n",
	"ragged.csv":   "id,name\n1,a\n2\n",
	"twice.csv":    "id,id\n1,2\n",
	"unnamed.csv":  "id,\n1,2\n",
	"header.csv":   "id\n",
	"empty.csv":    "",
	"lines.csv":    "v\n\"a\r\nSet-Cookie: x\"\n",
	"a.graphql":    "query A { a }\n",
	"bad.graphql":  "query A {\n  a(\n}\n",
	"apollo.json":  `{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"apollo-a","name":"A","type":"query","body":"query A { a }"}]}`,
	"plain.json":   `{"plain-a":"query A { a }"}`,
	"garbage.json": `[1]`,
}

func readTestFile(name string) ([]byte, error) {
	if text, ok := files[name]; ok {
		return []byte(text), nil
	}
	return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
}

func compileText(text string) (*Workload, error) {
	return compile("w.yaml", []byte(text), readTestFile)
}

// testdata/problems.txt holds workloads and what is said about them: ==== before each, ---- between the two.
func TestProblemsAreToldAllAtOnceWithPlaceAndCure(t *testing.T) {
	path := filepath.Join("testdata", "problems.txt")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, block := range strings.Split(string(data), "====\n")[1:] {
		text, want, _ := strings.Cut(block, "----\n")
		w, err := compileText(text)
		got := "no problem\n"
		if err != nil {
			got = err.Error() + "\n"
			var ps Problems
			if !errors.As(err, &ps) {
				t.Errorf("block %d: %T", i+1, err)
			}
		} else if w == nil {
			t.Errorf("block %d: neither workload nor error", i+1)
		}
		if got != want && !*update {
			t.Errorf("block %d:\n%s\ngot:\n%s\nwant:\n%s", i+1, text, got, want)
		}
		out.WriteString("====\n" + text + "----\n" + got)
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHostileFilesAreRefusedAndEndNothing(t *testing.T) {
	deep := strings.Builder{}
	for i := range 1000 {
		deep.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, text := range map[string]string{
		"brackets": "operations: " + strings.Repeat("[", 300_000), "braces": "variables: " + strings.Repeat("{a: ", 100_000),
		"dashes": strings.Repeat("- ", 200_000), "questions": strings.Repeat("? ", 200_000), "indent": deep.String(),
		"lines": "operations:" + strings.Repeat("\n", 100_000), "returns": "operations: |\n " + strings.Repeat("\r", 1000), "size": "#" + strings.Repeat("x", 600_000),
		"unknown keys":      strings.Repeat("k: 1\nl: 2\n", 2000),
		"nested selections": "operations: [{document: |\n  " + strings.Repeat("a ", 100_000) + "}]\n",
		"deep document":     "operations:\n  - document: |\n      " + strings.Repeat("\n      a", 100) + "\n",
		"zero bytes":        "\x00\x00",
	} {
		if _, err := compileText(text); err == nil || len(err.Error()) > 10_000 {
			t.Errorf("%s: %.1000v", name, err)
		}
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	folder := t.TempDir()
	big := filepath.Join(folder, "big.yaml")
	if err := os.WriteFile(big, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		folder + "/missing.yaml": "no such file", folder: "is no regular file", big: "the maximum is",
	} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func FuzzCompile(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "problems.txt"))
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range strings.Split(string(data), "====\n")[1:] {
		text, _, _ := strings.Cut(block, "----\n")
		f.Add(text)
	}
	if text, err := os.ReadFile("../../workload.example.yaml"); err == nil {
		f.Add(strings.ReplaceAll(string(text), "workload.example.csv", "people.csv"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 8<<10 {
			return
		}
		w, err := compileText(text)
		if err != nil {
			if strings.Contains(err.Error(), "BUG") {
				t.Fatal(err)
			}
			return
		}
		if len(w.Labels()) == 0 {
			return
		}
		s := w.Stream(1, 3)
		for range 20 { // what is accepted can be sent
			request, op := s.Next(nil, &here, 1)
			if op < 0 || op >= len(w.Labels()) {
				t.Fatal(op)
			}
			server(t, request)
		}
	})
}
