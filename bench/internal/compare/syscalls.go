package compare

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/peer"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	strace         = "strace"
	straceInstall  = "apt-get install strace"
	tracedRequests = 5000
)

// countSyscalls attaches strace to each server for a short load and counts its system calls.
func (s *stage) countSyscalls(ctx context.Context) error {
	path, err := exec.LookPath(strace)
	if err != nil {
		s.r.missing = append(s.r.missing, result.Missing{Name: strace, Install: straceInstall, Why: "system calls were asked for, and it is not in PATH"})
		return nil //nolint:nilerr // it is named as missing
	}
	for _, name := range s.r.names() {
		one := s.servers[name]
		if one == nil || heapOnly(name) {
			continue
		}
		fmt.Fprintf(s.r.cfg.Progress, "system calls of %s\n", name)
		n, err := s.traced(ctx, path, one)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.r.syscalls[name] = n
	}
	return nil
}

// traced is how many system calls a request takes. Tracing slows the server, and more requests wait for it at a time: what is counted per event and not per
// request comes out lower than it is.
func (s *stage) traced(ctx context.Context, path string, one *server) (float64, error) {
	tree, err := fleet.Tree(one.PID())
	if err != nil {
		return 0, err
	}
	out := filepath.Join(s.dir, "strace-"+one.Name)
	args := []string{"-c", "-f", "-q", "-o", out}
	for _, pid := range tree {
		args = append(args, "-p", strconv.Itoa(pid))
	}
	tracer, err := fleet.Start(ctx, fleet.Spec{Name: "strace-of-" + one.Name, Path: path, Args: args, Dir: s.dir, CPU: otherCPU, Ready: allTraced(tree)})
	if err != nil {
		return 0, err
	}
	cfg := load.Config{Source: newTraffic(byPopularity, one.want), Requests: tracedRequests}
	if one.role == peer.Miss {
		cfg.Source = newTraffic(fresh, one.want)
	}
	_, err = s.send(ctx, one, cfg)
	var exit *exec.ExitError
	if stopped := tracer.Stop(); stopped != nil && !errors.As(stopped, &exit) { // it ends by the signal that it was sent
		err = errors.Join(err, stopped)
	}
	if err != nil {
		return 0, err
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		return 0, err
	}
	calls, err := parseSummary(string(raw))
	return float64(calls) / tracedRequests, err
}

// allTraced waits until every process has its tracer.
func allTraced(tree []int) func(context.Context) error {
	return func(context.Context) error {
		for _, pid := range tree {
			raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			if err != nil {
				return err
			}
			if strings.Contains(string(raw), "\nTracerPid:\t0\n") {
				return fmt.Errorf("process %d is not traced yet", pid)
			}
		}
		return nil
	}
}

// parseSummary adds the calls of strace's table: share, seconds, µs per call, calls, errors where there were any, name.
func parseSummary(text string) (int64, error) {
	var sum int64
	rows := 0
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 || f[len(f)-1] == "total" || f[0] == "%" || strings.HasPrefix(f[0], "--") {
			continue
		}
		n, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("strace summary: %q: %w", strings.TrimSpace(line), err)
		}
		sum += n
		rows++
	}
	if rows == 0 {
		return 0, fmt.Errorf("strace summary has no row: %q", text)
	}
	return sum, nil
}
