package compare

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

func tiny(t *testing.T) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Binaries: fleet.Binaries{Bench: self}, Rows: []string{"5"}, Peers: []string{}, Instances: 1, Rounds: 1, Piece: 100 * time.Millisecond, NPM: t.TempDir(),
	}
}

// The proxy is measured beside the constant server, both as processes of their own.
var proxyByConst = []pair{
	{row: "5", what: "minproxy ÷ const", top: minproxy, by: constSmall, gate: 50},
	{row: "5 floor", what: "relay ÷ const", top: tcpRelay, by: constSmall},
	{row: "5 paced", what: "minproxy ÷ const", top: minproxy, by: constSmall, shape: paced, figure: tail},
	{row: "5 idle", what: "minproxy ÷ const", top: minproxy, by: constSmall, shape: pacedIdle, figure: tail},
}

func TestRealComparison(t *testing.T) {
	cfg := tiny(t)
	var progress bytes.Buffer
	cfg.Progress = &progress
	c, warnings, err := execute(t.Context(), cfg, proxyByConst)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Rows) != 4 || c.Rows[0].Value.Median < 1.1 || !c.Rows[0].Pass || c.Rows[1].Value.Median <= 0 || c.Rows[2].Value.Median <= 0 || c.Rows[3].Value.Median <= 0 {
		t.Errorf("%+v", c.Rows)
	}
	if len(c.Subjects) != 7 {
		t.Errorf("%+v", c.Subjects)
	}
	for _, s := range c.Subjects {
		if s.Micros.Median <= 0 || !strings.Contains(s.Name, "4,000/s") && s.PSSBytes < 1<<20 {
			t.Errorf("%+v", s)
		}
	}
	if len(warnings) == 0 || warnings[0].Code != result.WarnShort {
		t.Errorf("%+v: one instance should be too few", warnings)
	}
	if !strings.Contains(progress.String(), "instance 1 of 1, round 1 of 1; about 0s left") {
		t.Errorf("%s", &progress)
	}
}

func TestInterruptedComparison(t *testing.T) {
	cfg := tiny(t)
	cfg.Rounds = 1000
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg.Progress = writerFunc(func(line string) {
		if strings.Contains(line, "round 2 of") {
			cancel()
		}
	})
	c, _, err := execute(ctx, cfg, proxyByConst[:1])
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "interrupted after 2 of 1000 rounds") {
		t.Errorf("%v", err)
	}
	if c == nil || len(c.Rows) != 1 || c.Rows[0].Value.N != 2 {
		t.Fatalf("%+v", c)
	}
}

type writerFunc func(string)

func (f writerFunc) Write(p []byte) (int, error) { f(string(p)); return len(p), nil }

// What is not installed, and what is installed and gives wrong answers, is named; the rest is measured.
func TestPeersThatCannotBeMeasuredAreNamed(t *testing.T) {
	cfg := tiny(t)
	cfg.Peers = nil
	cfg.Targets = fstest.MapFS{}
	files := fstest.MapFS{
		"absent.yaml": &fstest.MapFile{Data: []byte("title: Absent\nrole: pass\npeer: true\nbinary: no-such-program-here\ninstall: apt-get install absent\nargs: [x]\n")},
		"wrong.yaml": &fstest.MapFile{Data: []byte("title: Wrong\nrole: pass\npeer: true\nbinary: weir-bench\ninstall: apt-get install wrong\nsize: 2048\n" +
			"args: [serve-target, --kind, const, --listen, '{{.Listen}}']\n")},
		"cached.yaml": &fstest.MapFile{Data: []byte("title: Cached\nrole: pass\npeer: true\nbinary: weir-bench\ninstall: apt-get install cached\n" +
			"args: [serve-target, --kind, const, --listen, '{{.Listen}}']\n")},
	}
	for _, name := range []string{"apollo-server", "caddy", "envoy", "haproxy", "hive-gateway", "nginx-cache", "nginx-pass", "varnish"} {
		files[name+".yaml"] = &fstest.MapFile{Data: []byte("title: another\nrole: floor\nbinary: sh\nargs: [x]\n")}
	}
	cfg.Targets = files
	c, _, err := execute(t.Context(), cfg, []pair{{row: "5", what: "minproxy ÷ const", top: minproxy, by: constSmall}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"absent": "no-such-program-here is not in PATH",
		"wrong":  "the answer is wrong: status 200",
		"cached": "the others came from a cache",
	}
	for _, m := range c.Missing {
		if !strings.Contains(m.Why, want[m.Name]) || m.Install != "apt-get install "+m.Name {
			t.Errorf("%+v", m)
		}
		delete(want, m.Name)
	}
	if len(want) > 0 || len(c.Rows) != 1 {
		t.Errorf("not named: %v; rows %+v", want, c.Rows)
	}
	var out bytes.Buffer
	WriteText(&out, c)
	if !strings.Contains(out.String(), "not measured: absent, no-such-program-here is not in PATH\n    apt-get install absent") {
		t.Errorf("%s", &out)
	}
}

func TestWrongConfigurations(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"0 instances":           func(c *Config) { c.Instances = 0 },
		"pieces of 1ms":         func(c *Config) { c.Piece = time.Millisecond },
		`"11" is no row`:        func(c *Config) { c.Rows = []string{"11"} },
		`no peer "nginx"`:       func(c *Config) { c.Peers = []string{"nginx"} },
		"holds no *.yaml":       func(c *Config) { c.Targets = fstest.MapFS{} },
		"x.yaml:1:1: title: is": func(c *Config) { c.Targets = fstest.MapFS{"x.yaml": &fstest.MapFile{Data: []byte("role: hit\n")}} },
	} {
		cfg := tiny(t)
		change(&cfg)
		if _, _, err := Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; it should say %q", err, want)
		}
	}
}

func TestTraffic(t *testing.T) {
	for _, o := range []order{byPopularity, inTurn, fresh} {
		source := newTraffic(o, []byte("yes"))
		s := source.Stream(1, 0)
		to := &load.Target{Host: "localhost", Path: "/graphql"}
		seen := map[string]bool{}
		var raw []byte
		for range keys {
			raw, _ = s.Next(raw[:0], to, 0)
			head, body, ok := strings.Cut(string(raw), "\r\n\r\n")
			if !ok || len(body) != bodyBytes || !strings.HasPrefix(head, "POST /graphql HTTP/1.1\r\nHost: localhost\r\n") {
				t.Fatalf("%d bytes of body: %q", len(body), raw)
			}
			seen[body] = true
		}
		if n := len(seen); o == byPopularity && (n < 100 || n == keys) || o != byPopularity && n != keys {
			t.Errorf("order %d: %d different bodies", o, n)
		}
		if n := testing.AllocsPerRun(100, func() { raw, _ = s.Next(raw[:0], to, 0) }); n != 0 {
			t.Errorf("order %d: %v allocations", o, n)
		}
		for reply, want := range map[*load.Reply]string{
			{Status: 200, Body: []byte("yes")}: "", {Status: 500, Body: []byte("yes")}: "status 500", {Status: 200, Body: []byte("no")}: "wrong body of 2 bytes",
		} {
			if got, again := s.Judge(reply, 0); got != want || again {
				t.Errorf("%q", got)
			}
		}
	}
}
