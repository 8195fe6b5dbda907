package pgo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/bench/internal/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// binaries builds what the roles need.
func binaries(t *testing.T) fleet.Binaries {
	t.Helper()
	dir := t.TempDir()
	b := fleet.Binaries{Weir: filepath.Join(dir, "weir"), Bench: filepath.Join(dir, "weir-bench")}
	for path, pkg := range map[string]string{b.Weir: "../../../proxy/cmd/weir", b.Bench: "../../cmd/weir-bench"} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	}
	return b
}

func TestRolesAreRecordedOfTheShippedBinary(t *testing.T) {
	b := binaries(t)
	var out bytes.Buffer
	p, all, err := Run(t.Context(), Config{Binaries: b, Roles: []string{"mixed", "hit-kafka", "miss"}, Seconds: 1, Out: &out})
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if len(all) != 3 || all[0].Role != "hit-kafka" || all[1].Role != "miss" || all[2].Role != "mixed" {
		t.Fatalf("%+v", all)
	}
	functions := 0
	for _, s := range all { // on a busy machine a second has few samples
		if s.Samples == 0 || len(s.Top) == 0 || len(s.Top) > topShares {
			t.Errorf("%+v", s)
		}
		functions += len(s.Top)
	}
	ours := 0
	for _, f := range p.Function {
		if strings.HasPrefix(f.Name, "github.com/weirproxy/weir/") && f.StartLine > 0 {
			ours++
		}
		if f.Filename != "" || strings.HasPrefix(f.Name, "crypto/") {
			t.Errorf("%s, file %q", f.Name, f.Filename)
		}
	}
	if ours == 0 {
		t.Error("no function is of weir")
	}
	if len(p.Mapping) > 0 || bytes.Contains(plainOf(t, written(t, p)), []byte(filepath.Dir(b.Weir))) {
		t.Error("the profile knows where weir stood")
	}
	var text bytes.Buffer
	if WriteText(&text, all); !strings.Contains(text.String(), "\nmiss ") || strings.Count(text.String(), " %  ") != functions {
		t.Errorf("%s", &text)
	}
	if !strings.Contains(out.String(), "2 of 3, miss (every key for the first time): starting, warming, 1 s of profile\n") {
		t.Errorf("%s", &out)
	}
}

func TestRecordingsThatCannotBe(t *testing.T) {
	nowhere := fleet.Binaries{Weir: "/nowhere/weir", Bench: "/nowhere/weir-bench"}
	for want, cfg := range map[string]Config{
		"0 seconds; it is 1 to 300":          {Binaries: nowhere},
		`no role "hits"; there are hit, `:    {Binaries: nowhere, Seconds: 1, Roles: []string{"hits"}},
		"pgo: hit: upstream-1024: fork/exec": {Binaries: nowhere, Seconds: 1, Roles: []string{"hit"}},
		"pgo: mixed: origin: fork/exec":      {Binaries: nowhere, Seconds: 1, Roles: []string{"mixed"}},
	} {
		if _, _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Run(ended, Config{Binaries: nowhere, Seconds: 1}); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "interrupted at hit, 1 of 6") {
		t.Errorf("%v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, _, err := Run(t.Context(), Config{Binaries: nowhere, Seconds: 1}); err == nil || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("%v: redis-server is missing", err)
	}
}
