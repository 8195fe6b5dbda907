package drive

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

func some(second int) map[string]int64 {
	if second%4 == 0 {
		return map[string]int64{"status": 2, "timeout": 1}
	}
	return nil
}

func TestLinesAndSummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{rate: 1234, latency: 2100 * time.Microsecond, failing: some}
		cfg := Config{Load: load.Config{Duration: 11 * time.Second}, Thresholds: thresholds(t, "p99=5ms,errors=0.04%", "City:rate=100")}
		f, out, lines, err := drive(t, t.Context(), cfg, s)
		if !errors.Is(err, ErrMissed) || ExitCode(err) != ExitMissed {
			t.Errorf("errors of 0.044 %% are missed: %v", err)
		}
		if f == nil || f.Partial != "" || f.Format != result.Format || len(f.Machines) != 1 || len(f.Run.Thresholds) != 3 {
			t.Errorf("%+v", f)
		}
		golden(t, "lines.txt", lines)
		golden(t, "summary.txt", out)
	})
}

func TestFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{rate: 98765, latency: 41 * time.Microsecond, failing: some}
		cfg := Config{Load: load.Config{Duration: 5500 * time.Millisecond}, Width: func() int { return 72 }, Title: "run"}
		cfg.Streams = []Stream{func(ctx context.Context, count func(open, events int64), failed func(string, error)) (*result.Subscriptions, error) {
			count(100, 4200)
			failed("connection", errors.New("reset by the peer"))
			<-ctx.Done()
			return &result.Subscriptions{
				Name: "Ticks", Protocol: "sse", Wanted: 100, Opened: 101, Open: 100, Events: 4200, PerSecond: 840, Errors: 1, Failures: map[string]int64{"connection": 1},
			}, nil
		}}
		f, out, frames, err := drive(t, t.Context(), cfg, s)
		if !errors.Is(err, ErrMissed) || f.Run.Subscriptions == nil || f.Run.Subscriptions.Events != 4200 {
			t.Errorf("%v %+v", err, f.Run.Subscriptions)
		}
		if !strings.Contains(out, "streams    100 wanted, 101 opened, 100 open at the end, errors 1 (connection 1)  4,200 events, 840/s") {
			t.Error(out)
		}
		golden(t, "frames.txt", strings.ReplaceAll(frames, "\x1b", "␛"))
	})
}

func TestHeldRunAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "result.json")
		s := &scripted{rate: 500, latency: time.Millisecond}
		cfg := Config{Load: load.Config{Duration: 2 * time.Second}, JSON: true, Quiet: true, Out: path, Command: []string{"run"}, Version: "v1"}
		_, out, lines, err := drive(t, t.Context(), cfg, s)
		var f result.File
		if err != nil || lines != "" || json.Unmarshal([]byte(out), &f) != nil || f.Run.Total.Requests != 1000 || f.Version != "v1" {
			t.Errorf("%v %q %s", err, lines, out)
		}
		if read, err := result.Read(path); err != nil || read.Run.Total.Requests != 1000 {
			t.Errorf("%v", err)
		}
	})
}

func TestInterruptedRunIsPartial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		s := &scripted{rate: 500, latency: time.Millisecond}
		f, out, _, err := drive(t, ctx, Config{Load: load.Config{Duration: 10 * time.Second}}, s)
		if !errors.Is(err, ErrMissed) || f.Partial != "interrupted after 3.0 s" || !strings.Contains(out, "PARTIAL RESULT: interrupted after 3.0 s") || f.Run.Total.Requests != 1500 {
			t.Errorf("%v %+v\n%s", err, f, out)
		}
	})
	synctest.Test(t, func(t *testing.T) { // without an end of its own nothing is missing
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if f, _, _, err := drive(t, ctx, Config{}, &scripted{rate: 500, latency: time.Millisecond}); err != nil || f.Partial != "" {
			t.Errorf("%v %+v", err, f)
		}
	})
}

func TestTargetThatDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{rate: 500, latency: time.Millisecond, dies: 6 * time.Second, failing: func(second int) map[string]int64 {
			if second > 2 {
				return map[string]int64{"connect": 500}
			}
			return nil
		}}
		f, out, lines, err := drive(t, t.Context(), Config{Load: load.Config{Duration: 10 * time.Second}}, s)
		if ExitCode(err) != ExitUnreachable || !errors.Is(err, load.ErrTargetDied) || f == nil || !strings.Contains(f.Partial, "127.0.0.1:8080/graphql: the target stopped answering") || !has(f.Warnings, result.WarnTarget) {
			t.Errorf("%v %+v", err, f)
		}
		if !strings.Contains(out, "PARTIAL RESULT: ") || strings.Count(lines, "nothing was answered in the last second: connect 500") != 1 {
			t.Errorf("%s\n%s", lines, out)
		}
	})
}

func TestTargetThatIsDownGetsOneMessage(t *testing.T) {
	down := &load.UnreachableError{Target: load.Target{Network: "tcp", Address: "127.0.0.1:8080"}, Err: syscall.ECONNREFUSED}
	f, out, lines, err := drive(t, t.Context(), Config{Load: load.Config{Duration: time.Second}}, &scripted{refuses: down})
	if ExitCode(err) != ExitUnreachable || err.Error() != down.Error() || out != "" || lines != "" || f != nil {
		t.Errorf("%v %q %q", err, out, lines)
	}
}

func TestSubscriptionThatCannotBeOpenedEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("subscription Ticks: 404")
		cfg := Config{Load: load.Config{Duration: time.Hour}, Streams: []Stream{func(context.Context, func(open, events int64), func(string, error)) (*result.Subscriptions, error) {
			return &result.Subscriptions{Name: "Ticks", Errors: 1}, broken
		}}}
		began := time.Now()
		_, _, _, err := drive(t, t.Context(), cfg, &scripted{rate: 1, latency: time.Millisecond})
		if ExitCode(err) != ExitUnreachable || !errors.Is(err, broken) || time.Since(began) > time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

func TestUnwritableOutIsRefusedBeforeTheRun(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{start: func(leg) (runner, error) { t.Error("it ran"); return nil, errors.New("") }}
	for _, path := range []string{dir, filepath.Join(dir, "no", "result.json"), "/proc/result.json"} {
		cfg.Out = path
		_, _, _, err := drive(t, t.Context(), cfg, nil)
		if ExitCode(err) != ExitInput || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "nothing was sent") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestFullDiskDoesNotLoseTheFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Load: load.Config{Duration: time.Second}, Out: "/dev/full"}
		f, out, _, err := drive(t, t.Context(), cfg, &scripted{rate: 500, latency: time.Millisecond})
		if ExitCode(err) != ExitMissed || !strings.Contains(err.Error(), "/dev/full") || f == nil || !strings.Contains(out, "requests   500 in") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func TestThresholdsThatAskForMoreThanTheRunTells(t *testing.T) {
	for slo, want := range map[string]int{"p99=1s": 0, "p99.9=1s": 1, "p99.5=1s": 1, "City:p99.9=1s": 0} { // of 1,000 answers
		if list := distrust(sample(), thresholds(t, slo)); len(list) != want {
			t.Errorf("%s: %v", slo, list)
		}
	}
}
