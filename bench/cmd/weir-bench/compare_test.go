package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompareLists(t *testing.T) {
	out, err := execute(t, t.Context(), "compare", "--list", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var list []listed
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	byName := map[string]listed{}
	for _, l := range list {
		if l.Title == "" || l.About == "" || l.Role == "" || !l.Here && (l.Why == "" || l.Install == "") {
			t.Errorf("%+v", l)
		}
		byName[l.Name] = l
	}
	if !byName["const"].Here || byName["nginx-cache"].Install == "" {
		t.Errorf("%+v", byName)
	}
}

func TestCompareShowsAFileForOnesOwn(t *testing.T) {
	shown, err := execute(t, t.Context(), "compare", "--show", "haproxy")
	if err != nil || !strings.Contains(shown, "binary: haproxy") {
		t.Fatalf("%q %v", shown, err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.yaml"), []byte(shown), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := execute(t, t.Context(), "compare", "--targets", dir, "--list"); err != nil || !strings.Contains(out, "\nmine ") {
		t.Errorf("%s %v", out, err)
	}
}

func TestCompareSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.yaml"), []byte("title: x\nroll: hit\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"x.yaml:2:1: ":               {"--targets", dir, "--list"},
		"no-such-folder":             {"--targets", "no-such-folder", "--list"},
		`no target "nginx"`:          {"--show", "nginx"},
		"no such file or directory":  {"--quick"}, // nothing is beside a test program
		"kind \"x\", it is const, u": nil,
	} {
		args = append([]string{"compare"}, args...)
		if len(args) == 1 {
			args = []string{"serve-target", "--kind", "x"}
		}
		if _, err := execute(t, t.Context(), args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; it should say %q", args, err, want)
		}
	}
}
