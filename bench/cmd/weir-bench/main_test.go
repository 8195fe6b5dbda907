package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/bench/internal/drive"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/origin/origintest"
	"github.com/weirproxy/weir/bench/internal/result"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func execute(t *testing.T, ctx context.Context, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(ctx)
	return out.String(), err
}

// TestWrongUseIsExitCode2 holds the one code for what was typed wrongly, whatever the command.
func TestWrongUseIsExitCode2(t *testing.T) {
	for want, args := range map[string][]string{
		`unknown command "rum"; did you mean run?`: {"rum"},
		"weir-bench --help lists them":             {"bicycle"},
		"unknown flag: --bell":                     {"soak", "--bell"},
		`no part "bell"; there are connections`:    {"growth", "tags", "bell"},
		"name a folder of target files":            {"compare", "--list", "--targets", "/no/such/folder"},
		`kind "bogus" is unknown`:                  {"origin", "--fault", "bogus=1"},
		"port 99999 is none of 1 to 65535":         {"run", "http://127.0.0.1:99999"},
	} {
		_, err := execute(t, t.Context(), args...)
		if err == nil || !strings.Contains(err.Error(), want) || drive.ExitCode(err) != drive.ExitInput {
			t.Errorf("%v: %v with exit code %d, want %q with %d", args, err, drive.ExitCode(err), want, drive.ExitInput)
		}
	}
}

// TestExamplesAreCommands: what the help shows can be typed.
func TestExamplesAreCommands(t *testing.T) {
	word := regexp.MustCompile(`'[^']*'|\S+`)
	examples := 0
	for _, c := range newRoot().Commands() {
		for line := range strings.Lines(c.Example) {
			line, _, _ = strings.Cut(line, " # ")
			line, _, _ = strings.Cut(line, " && ")
			_, line, isCall := strings.Cut(" "+line, " weir-bench ")
			if !isCall { // of another program, beside it
				continue
			}
			words := word.FindAllString(line, -1)
			for i := range words {
				words[i] = strings.Trim(words[i], "'")
			}
			found, rest, err := newRoot().Find(words)
			if err == nil {
				err = found.ParseFlags(rest)
			}
			if err == nil {
				err = found.ValidateArgs(found.Flags().Args())
			}
			if err != nil || found.Name() != c.Name() {
				t.Errorf("%s: %q: %v", c.Name(), line, err)
			}
			examples++
		}
	}
	if examples < 30 {
		t.Errorf("%d examples", examples)
	}
}

func TestRunReportsAsJSON(t *testing.T) {
	o := origintest.Start(t)
	out, err := execute(t, t.Context(), "run", o.URL(), "--requests", "200", "--connections", "2", "--mutations", "0.1", "--check-staleness", "--json", "-q")
	if err != nil {
		t.Fatal(err)
	}
	var f result.File
	if err := json.Unmarshal([]byte(out), &f); err != nil || f.Run.Total.Requests != 200 || f.Run.Total.Errors != 0 || f.Run.Total.Latency.Count() != 200 {
		t.Errorf("%v %s", err, out)
	}
	if out, err = execute(t, t.Context(), "run", o.URL(), "--requests", "10"); err != nil || !strings.Contains(out, "requests   10 in ") {
		t.Errorf("%v %s", err, out)
	}
	if err := o.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err = execute(t, t.Context(), "run", o.URL(), "--requests", "2"); err == nil || !strings.Contains(err.Error(), "accepts no connection") {
		t.Errorf("a server that is gone: %v", err)
	}
}

func TestOriginAndBrokerRunUntilInterrupted(t *testing.T) {
	schema := filepath.Join(t.TempDir(), "schema.graphql")
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // they start, say where, and end
	out, err := execute(t, ctx, "origin", "--listen", "127.0.0.1:0", "--write-schema", schema, "--error-rate", "0.5")
	if err != nil || !strings.HasPrefix(out, "origin on http://127.0.0.1:") {
		t.Errorf("%v %s", err, out)
	}
	if raw, err := os.ReadFile(schema); err != nil || string(raw) != origin.Schema() {
		t.Errorf("schema: %v", err)
	}
	if out, err = execute(t, ctx, "broker", "--listen", "127.0.0.1:0"); err != nil || !strings.HasPrefix(out, "broker on 127.0.0.1:") {
		t.Errorf("%v %s", err, out)
	}
}

// TestAnIdleBrokerGivesWay: all of its threads run at idle priority from the moment it listens, and without the flag at the priority it was given.
func TestAnIdleBrokerGivesWay(t *testing.T) {
	t.Setenv(asProgram, "1")
	own, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags  []string
		policy uint32
	}{{[]string{"--idle"}, unix.SCHED_IDLE}, {nil, own.Policy}} {
		p, _, err := fleet.StartBench(t.Context(), os.Args[0], "broker", t.TempDir(), 0, func(address string) []string {
			return append([]string{"broker", "--listen", address}, c.flags...)
		})
		if err != nil {
			t.Fatal(err)
		}
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.PID()))
		if err != nil {
			t.Error(err)
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				t.Error(err)
			}
			if a, err := unix.SchedGetAttr(id, 0); err != nil || a.Policy != c.policy {
				t.Errorf("%v: thread %d has %+v, %v; want policy %d", c.flags, id, a, err, c.policy)
			}
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestWrongUseIsRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"write http://HOST:PORT": {"run", "ftp://x"},
		"requires at least 1":    {"run"},
		"--error-rate is 0..1":   {"origin", "--error-rate", "2"},
		"missing port":           {"broker", "--listen", "x"},
		"unknown command":        {"score"},
		"must be 1 to":           {"run", "http://127.0.0.1:1", "--connections", "-1"},
	} {
		if _, err := execute(t, t.Context(), args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}

func TestHelpListsWhatThereIs(t *testing.T) {
	out, err := execute(t, t.Context(), "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"demo", "run", "origin", "broker", "compare"} {
		if !strings.Contains(out, "\n  "+name+" ") {
			t.Errorf("%s is not listed:\n%s", name, out)
		}
	}
	for _, name := range []string{"reference", "score"} {
		if strings.Contains(out, "\n  "+name+" ") {
			t.Errorf("%s is listed", name)
		}
	}
}
