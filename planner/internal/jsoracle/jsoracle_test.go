package jsoracle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRunKeepsTheOrderOfCases(t *testing.T) {
	type read struct{ Values []string }
	answers := Run[string, *read](t, "strings", nil, []string{`{f(a: ["x"])}`, `{`, `{f(a: ["y", "é"])}`})
	if answers[0] == nil || answers[0].Values[0] != "x" || answers[1] != nil || answers[2] == nil || answers[2].Values[1] != "é" {
		t.Errorf("%+v", answers)
	}
}

func TestMissingNodeIsAnErrorWithItsCure(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := installed(); err == nil || !strings.Contains(err.Error(), "apt-get install nodejs npm") {
		t.Errorf("%v", err)
	}
}

func TestAnInstallationIsCurrentOnceItEnded(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, age time.Duration) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("package-lock.json", time.Hour)
	write(filepath.Join("node_modules", "graphql", "package.json"), 0)
	if current(dir) {
		t.Error("packages alone count as an installation")
	}
	write(filepath.Join("node_modules", ".package-lock.json"), 2*time.Hour)
	if current(dir) {
		t.Error("an installation older than the lock file counts as one")
	}
	write(filepath.Join("node_modules", ".package-lock.json"), 0)
	if !current(dir) {
		t.Error("the installation does not count")
	}
}

// TestLockFileNamesNoHost: packages come from wherever npm is told to get them; their digests say that they are the right ones.
func TestLockFileNamesNoHost(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), `"resolved"`) {
		t.Error("package-lock.json names where a package came from; leave the resolved entries out")
	}
}
