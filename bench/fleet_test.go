package bench

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/weirproxy/weir/bench/internal/coherence"
	"github.com/weirproxy/weir/bench/internal/fleet"
)

// binaries builds the shipped programs as `make build` does.
func binaries(t *testing.T) fleet.Binaries {
	t.Helper()
	dir := t.TempDir()
	for name, pkg := range map[string]string{"weir": "../proxy/cmd/weir", "weir-control": "../controlplane/cmd/weir-control", "weir-bench": "./cmd/weir-bench"} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	b, err := fleet.FindBinaries(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestShippedBinaries runs what needs the programs; they are built once.
func TestShippedBinaries(t *testing.T) {
	programs := binaries(t)
	t.Run("a fleet serves nothing stale while Redis is hurt", func(t *testing.T) { fleetServesNothingStale(t, programs) })
	t.Run("entities are fresh everywhere", func(t *testing.T) { entitiesAreFreshEverywhere(t, programs) })
	t.Run("requests that differ share no answer", func(t *testing.T) { echoesItsOwn(t, programs) })
	t.Run("the page about caching shows what happens", func(t *testing.T) { docsSay(t, programs) })
	t.Run("the demo does what it says", func(t *testing.T) { demoDoesWhatItSays(t, programs) })
}

// fleetServesNothingStale is the short form of `make fleet`. At its end two fleets show that it can fail.
func fleetServesNothingStale(t *testing.T, programs fleet.Binaries) {
	var progress bytes.Buffer
	cfg := coherence.Short()
	cfg.Binaries, cfg.Out = programs, &progress
	out, err := coherence.Run(t.Context(), cfg)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	t.Logf("\n%s", out)
	if !out.Pass() {
		t.Errorf("%q\n%s", out.Examples, &progress)
	}
}
