package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/workload"
)

const (
	fleetSize   = 4
	fleetReads  = 100_000
	fleetShare  = 0.02 // of mutations
	fleetCities = 200  // few, so that a city is cached everywhere when it changes
	testTime    = 75 * time.Second
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

// startFleet starts n sidecars in front of one origin, all on the given Redis.
func startFleet(t *testing.T, programs fleet.Binaries, n int, redis []string) (targets []load.Target, sidecars []*fleet.Sidecar) {
	t.Helper()
	o, err := origin.New("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Stop(); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	schema := filepath.Join(dir, "schema.graphql")
	if err := os.WriteFile(schema, []byte(origin.Schema()), 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		s, err := fleet.StartSidecar(t.Context(), fleet.SidecarConfig{
			Binary: programs.Weir, Name: fmt.Sprintf("sidecar-%d", i), Dir: dir, Upstream: o.URL(), Schema: schema, Service: "fleet", Redis: redis,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Stop(); err != nil {
				t.Errorf("%v\n%s", err, s.Tail())
			}
		})
		target, err := load.ParseTarget(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		targets, sidecars = append(targets, target), append(sidecars, s)
	}
	return targets, sidecars
}

func fleetRun(t *testing.T, targets []load.Target, requests int64, seen func(load.Stale)) result.Run {
	t.Helper()
	geo, err := workload.GeoNames(workload.GeoOptions{Entities: fleetCities, Mutations: fleetShare})
	if err != nil {
		t.Fatal(err)
	}
	r, err := load.New(load.Config{
		Targets: targets, Source: geo, Connections: 4 * len(targets), Requests: requests, Duration: testTime, Seed: 1,
		Ledger: load.NewLedger(), OnStale: seen,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.Result()
}

// TestShippedBinaries runs what needs the programs; they are built once.
func TestShippedBinaries(t *testing.T) {
	programs := binaries(t)
	t.Run("a fleet serves nothing stale", func(t *testing.T) { fleetServesNothingStale(t, programs) })
	t.Run("a fleet without a shared log is found stale", func(t *testing.T) { fleetWithoutSharedLogIsFoundStale(t, programs) })
	t.Run("the demo does what it says", func(t *testing.T) { demoDoesWhatItSays(t, programs) })
}

// fleetServesNothingStale is the coherence test: the shipped binary four times on one real Redis, an origin that changes all the time, and no answer older
// than an acknowledged invalidation allows: at once on the sidecar that acknowledged, after 200 ms on the others.
func fleetServesNothingStale(t *testing.T, programs fleet.Binaries) {
	redis, address, err := fleet.StartRedis(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := redis.Stop(); err != nil {
			t.Error(err)
		}
	})
	targets, sidecars := startFleet(t, programs, fleetSize, []string{address})
	run := fleetRun(t, targets, fleetReads*103/100, func(s load.Stale) {
		t.Errorf("stale: city %s through sidecar %d had revision %d, %d was acknowledged %s before", s.Entity, s.Target, s.Read, s.Need, s.Late)
	})
	reads, mutations := run.Of(load.KindQuery), run.Of(load.KindMutation)
	got, ratio := run.Total, float64(run.Total.Hits)/float64(reads)
	t.Logf("%d reads, %d mutations, hit ratio %.3f, %d stale, %.0f/s", reads, mutations, ratio, got.StaleEntities, got.Rate)
	if reads < fleetReads || got.Errors > 0 || got.StaleEntities > 0 {
		t.Errorf("%d reads (want %d), %d errors %v, %d stale", reads, fleetReads, got.Errors, got.Failures, got.StaleEntities)
	}
	if ratio < 0.3 || mutations < fleetReads*fleetShare/2 {
		t.Errorf("hit ratio %.2f and %d mutations: the test proves little", ratio, mutations)
	}
	for _, s := range sidecars {
		if got.StaleEntities > 0 {
			t.Logf("%s", s.Tail())
		}
		m, err := s.Metrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if hits, _ := m.Sum("weir_operations_total", "cache_status", "hit"); hits == 0 {
			t.Errorf("%s had no hit", s.Name)
		}
	}
}

// fleetWithoutSharedLogIsFoundStale proves that the test above can fail: two sidecars that know nothing of each other must be caught.
func fleetWithoutSharedLogIsFoundStale(t *testing.T, programs fleet.Binaries) {
	targets, _ := startFleet(t, programs, 2, nil)
	if got := fleetRun(t, targets, 30_000, nil).Total; got.StaleEntities == 0 {
		t.Errorf("no stale answer was found between two sidecars without a shared log: %+v", got)
	}
}
