package soak

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/result"
)

func build(t *testing.T, dir, name, pkg string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, name), pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
}

func binaries(t *testing.T) fleet.Binaries {
	t.Helper()
	dir := t.TempDir()
	build(t, dir, "weir", "../../../proxy/cmd/weir")
	build(t, dir, "weir-control", "../../../controlplane/cmd/weir-control")
	build(t, dir, "weir-bench", "../../cmd/weir-bench")
	b, err := fleet.FindBinaries(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestASoakRunsAndAnswersNothingStale(t *testing.T) {
	out, err := Run(t.Context(), Config{Binaries: binaries(t), Duration: 14 * time.Second, Rate: 150, Out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	if out.Run.Total.Requests < 500 || out.Run.Total.Hits == 0 {
		t.Errorf("%d requests, %d hits", out.Run.Total.Requests, out.Run.Total.Hits)
	}
	facts := out.Tables[slices.IndexFunc(out.Tables, func(table result.Table) bool { return table.Name == "soak-facts" })]
	value := map[string]float64{}
	for i, label := range facts.Labels {
		value[label] = facts.Rows[i][0]
	}
	for _, a := range (&play{}).acts() {
		if value["times: "+a.name] == 0 {
			t.Errorf("%s: never", a.name)
		}
	}
	if value["stale reads"] != 0 || value["defects that were caught (panics)"] != 0 {
		t.Errorf("%v %+v", value, facts.Gates)
	}
	slopes := out.Tables[slices.IndexFunc(out.Tables, func(table result.Table) bool { return table.Name == "soak-slopes" })]
	for _, want := range []string{"weir-a RSS", "weir-b goroutines", "weir-a open files", "weir-b events waiting", "weir-a live heap", "weir-control RSS", "weir-control open files"} {
		if !slices.ContainsFunc(slopes.Labels, func(l string) bool { return strings.HasPrefix(l, want) }) {
			t.Errorf("%s is not judged: %v", want, slopes.Labels)
		}
	}
	heap := slices.IndexFunc(out.Tables, func(table result.Table) bool { return table.Name == "soak-heap-weir-b" })
	if heap < 0 || len(out.Tables[heap].Rows) == 0 {
		t.Errorf("no difference of the heap profiles: %d", heap)
	}
	if v := out.Verdict(); v != Unsure {
		t.Errorf("after seconds the verdict is %s", v)
	}
}

// A broker or a Redis that dies must cost a soak of an hour nothing but a word about it.
func TestWhatDiedIsToldAndStartedAgain(t *testing.T) {
	dir := t.TempDir()
	build(t, dir, "weir-bench", "../../cmd/weir-bench")
	s := &stage{dir: dir, bench: filepath.Join(dir, "weir-bench")}
	p := &play{stage: s}
	for _, c := range []struct {
		name           string
		at             *string
		process        **fleet.Process
		start, restart func(context.Context) error
	}{
		{"broker", &s.kafkaAt, &s.kafka, s.startKafka, p.restartKafka},
		{"redis", &s.redisAt, &s.redis, s.startRedis, p.restartRedis},
	} {
		var err error
		if *c.at, err = fleet.FreeAddress(); err != nil {
			t.Fatal(err)
		}
		if err := c.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = (*c.process).Kill() })
		died := *c.process
		if err := died.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := c.restart(t.Context()); err == nil || !strings.Contains(err.Error(), c.name+": signal: killed") {
			t.Errorf("a %s that was killed is told as %v", c.name, err)
		}
		if err := fleet.Listens(*c.at)(t.Context()); err != nil || *c.process == died {
			t.Errorf("%s was not started again: %v", c.name, err)
		}
		s.dir = "/nowhere" // without a place for its log it does not start
		if err := c.restart(t.Context()); err == nil || *c.process == nil {
			t.Errorf("a %s that does not start: %v", c.name, err)
		}
		s.dir = dir
	}
}

func TestASoakThatCannotBe(t *testing.T) {
	for _, c := range []Config{{Duration: time.Second, Rate: 1}, {Duration: time.Minute}} {
		if out, err := Run(t.Context(), c); err == nil || out != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestOutages(t *testing.T) {
	var o outages
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	o.begin(at(10))
	if !o.within(at(10)) || !o.within(at(99)) || o.within(at(9)) {
		t.Error("an outage that goes on")
	}
	o.end(at(20))
	o.begin(at(30))
	o.end(at(31))
	for s, want := range map[int]bool{9: false, 10: true, 19: true, 20: false, 30: true, 31: false} {
		if o.within(at(s)) != want {
			t.Errorf("at %d s: %t", s, !want)
		}
	}
}
