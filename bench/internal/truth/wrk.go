package truth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// Wrk is what one run of wrk reported.
type Wrk struct {
	Requests           int64
	Rate               float64
	P50, P90, P99, Max time.Duration
	CPU                time.Duration // of its process
}

// InstallWrk is the cure when it is missing.
const InstallWrk = "apt-get install wrk"

// runWrk runs wrk in a closed loop of one thread. body is posted when it is not empty; dir takes the script.
func runWrk(ctx context.Context, dir, url string, connections int, d time.Duration, body []byte) (Wrk, error) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		return Wrk{}, fmt.Errorf("%w (%s)", err, InstallWrk)
	}
	args := []string{"-t1", "-c" + strconv.Itoa(connections), "-d" + strconv.Itoa(max(1, int(d.Seconds()))) + "s", "--latency", "--timeout", "20s"}
	if len(body) > 0 {
		script := filepath.Join(dir, "post.lua")
		if err := os.WriteFile(script, postScript(body), 0o644); err != nil {
			return Wrk{}, err
		}
		args = append(args, "-s", script)
	}
	cmd := exec.CommandContext(ctx, path, append(args, url)...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s%s", err, out, exit.Stderr)
		}
		return Wrk{}, fmt.Errorf("wrk %s: %w", url, err)
	}
	w, err := parseWrk(out)
	w.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return w, err
}

// postScript makes wrk post a JSON body; the long quotes of Lua take it as it is.
func postScript(body []byte) []byte {
	return fmt.Appendf(nil, "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [==[%s]==]\n", body)
}

var (
	wrkPercentile = regexp.MustCompile(`(?m)^\s*(50|90|99)%\s+([0-9.]+)(us|ms|s|m)\s*$`)
	wrkLatency    = regexp.MustCompile(`(?m)^\s*Latency\s+[0-9.]+\w+\s+[0-9.]+\w+\s+([0-9.]+)(us|ms|s|m)\b`)
	wrkRequests   = regexp.MustCompile(`(?m)^\s*(\d+) requests in `)
	wrkRate       = regexp.MustCompile(`(?m)^Requests/sec:\s+([0-9.]+)`)
	wrkTrouble    = regexp.MustCompile(`(?m)^\s*(Socket errors|Non-2xx).*$`)
)

func parseWrk(out []byte) (w Wrk, err error) {
	if m := wrkTrouble.Find(out); m != nil {
		return w, fmt.Errorf("wrk: %s", bytes.TrimSpace(m))
	}
	requests, rate, latency := wrkRequests.FindSubmatch(out), wrkRate.FindSubmatch(out), wrkLatency.FindSubmatch(out)
	percentiles := wrkPercentile.FindAllSubmatch(out, -1)
	if requests == nil || rate == nil || latency == nil || len(percentiles) != 3 {
		return w, fmt.Errorf("wrk printed something else than its report with --latency: %q", out)
	}
	if w.Requests, err = strconv.ParseInt(string(requests[1]), 10, 64); err != nil {
		return w, err
	}
	if w.Rate, err = strconv.ParseFloat(string(rate[1]), 64); err != nil {
		return w, err
	}
	if w.Max, err = wrkTime(latency[1], latency[2]); err != nil {
		return w, err
	}
	for i, into := range []*time.Duration{&w.P50, &w.P90, &w.P99} {
		if *into, err = wrkTime(percentiles[i][2], percentiles[i][3]); err != nil {
			return w, err
		}
	}
	return w, nil
}

func wrkTime(number, unit []byte) (time.Duration, error) {
	v, err := strconv.ParseFloat(string(number), 64)
	if err != nil {
		return 0, err
	}
	of := map[string]time.Duration{"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute}[string(unit)]
	return time.Duration(v * float64(of)), nil
}
