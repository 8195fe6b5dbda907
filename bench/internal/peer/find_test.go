package peer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/targets"
)

func TestMissingIsNamed(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		target Target
		why    string
	}{
		{Target{Name: "a", Binary: "no-such-program-here", Install: "apt-get install a"}, "no-such-program-here is not in PATH"},
		{Target{Name: "b", Binary: "sh", Needs: []string{empty + "/*.so"}, Install: "apt-get install b"}, "no file matches"},
		{Target{Name: "c", Binary: "sh", NPM: "@x/y", Install: "npm"}, "npm package @x/y is not in " + empty},
	} {
		found, missing, err := Programs{NPM: empty}.Find(t.Context(), &c.target)
		if err != nil || found != nil || missing == nil {
			t.Fatalf("%v %v %v", found, missing, err)
		}
		if missing.Name != c.target.Name || missing.Install != c.target.Install || !strings.Contains(missing.Why, c.why) {
			t.Errorf("%+v", missing)
		}
	}
}

func TestVersions(t *testing.T) {
	dir := t.TempDir()
	pkg := filepath.Join(dir, "node_modules", "@x", "y")
	if err := os.MkdirAll(pkg, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pkg, "package.json"), []byte(`{"name":"@x/y","version":"2.15.1"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		target  Target
		version string
	}{
		{Target{Binary: "sh", Version: []string{"-c", "echo server v1.22.1-beta >&2; exit 1"}}, "1.22.1"},
		{Target{Binary: "sh", Version: []string{"-c", "echo 2.6"}}, "2.6"},
		{Target{Binary: "sh", NPM: "@x/y"}, "2.15.1"},
		{Target{Binary: "sh"}, ""},
	} {
		found, missing, err := Programs{NPM: dir}.Find(t.Context(), &c.target)
		if err != nil || missing != nil || found.Version != c.version {
			t.Errorf("%v: %v %v %v", c.target.Version, found, missing, err)
		}
	}
	if _, _, err := (Programs{}).Find(t.Context(), &Target{Name: "mute", Binary: "sh", Version: []string{"-c", "exit 0"}}); err == nil {
		t.Error("a program without version passed")
	}
}

func TestStartWritesFilesAndWaits(t *testing.T) {
	dir := t.TempDir()
	target, err := Parse("shell.yaml", []byte(`
title: a shell
role: const
binary: sh
dirs: [state/deep]
files: { conf/x.conf: "listen {{.Listen}} dir {{.Dir}} size {{.Size}}" }
args: [-c, "exec sleep 60"]
`))
	if err != nil {
		t.Fatal(err)
	}
	found, missing, err := Programs{}.Find(t.Context(), target)
	if err != nil || missing != nil {
		t.Fatal(missing, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan struct{})
	go func() { // it never listens: once its files are there the wait is broken off
		defer close(written)
		for ctx.Err() == nil {
			if raw, err := os.ReadFile(filepath.Join(dir, "shell", "conf", "x.conf")); err == nil && len(raw) > 0 {
				cancel()
			}
		}
	}()
	_, err = Start(ctx, target, found, Place{Dir: dir})
	<-written
	if err == nil || !strings.Contains(err.Error(), "did not become ready") {
		t.Errorf("%v", err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "shell", "conf", "x.conf"))
	if err != nil || !strings.Contains(string(raw), "dir "+dir+"/shell size 1024") {
		t.Errorf("%q %v", raw, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "shell", "state", "deep")); err != nil {
		t.Error(err)
	}
}

func TestStartNeedsWhatTheTargetNeeds(t *testing.T) {
	_, err := Start(t.Context(), &Target{Name: "k", Listen: overTCP, Kafka: true}, &Found{Path: "sh"}, Place{Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "broker") {
		t.Error(err)
	}
}

func TestEachTargetHasItsBroker(t *testing.T) {
	at := Place{Dir: t.TempDir(), Kafka: "127.0.0.1:1", IdleBroker: "127.0.0.1:2"}
	for want, target := range map[string]*Target{
		at.Kafka:      {Name: "k", Listen: overTCP, Kafka: true},
		at.IdleBroker: {Name: "i", Listen: overTCP, Kafka: true, IdleBroker: true},
	} {
		if d, err := at.data(target); err != nil || d.Kafka != want {
			t.Errorf("%s: %q, %v; its broker is %s", target.Name, d.Kafka, err, want)
		}
	}
	at.IdleBroker = ""
	if d, err := at.data(&Target{Name: "i", Listen: overTCP, Kafka: true, IdleBroker: true}); err == nil {
		t.Errorf("it was given %q", d.Kafka)
	}
}

// A server of somebody else may end by the signal; one that has to be killed is told.
func TestStopForgivesTheExitStatus(t *testing.T) {
	p, err := fleet.Start(t.Context(), fleet.Spec{Name: "sleep", Path: "/bin/sleep", Args: []string{"60"}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := (&Server{Process: p}).Stop(); err != nil {
		t.Error(err)
	}
}

func TestNPMFilesAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "npm")
	if err := WriteNPM(dir, targets.Files); err != nil {
		t.Fatal(err)
	}
	for _, name := range npmFiles {
		if raw, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(raw) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
