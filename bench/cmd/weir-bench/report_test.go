package main

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// measured writes the result of half a minute at 100 requests/s whose latencies lie around a median.
func measured(t *testing.T, path string, seed uint64, median time.Duration, thresholds ...string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	r := &result.Run{Loop: "open", Arrivals: "constant:100", Workload: "shop.yaml", Targets: []string{"http://shop"}, Connections: 8, Seed: seed}
	for second := range 30 {
		var row result.Histogram
		for range 100 {
			row.Record(time.Duration(float64(median) * math.Exp(0.1*rng.NormFloat64())))
		}
		r.Total.Latency.Merge(row)
		r.Series = append(r.Series, result.Second{At: float64(second + 1), Requests: 100, P50: row.At(50), P90: row.At(90), P99: row.At(99), Max: row.Max()})
	}
	r.Total.Requests, r.Total.Rate = 3000, 100
	for _, c := range thresholds {
		r.Thresholds = append(r.Thresholds, result.Threshold{Condition: c, Pass: true})
	}
	f := &result.File{Format: result.Format, Started: time.Unix(1_780_000_000, int64(seed)), Seconds: 30, Machines: []result.Machine{{CPU: "one"}}, Run: r}
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
}

func TestReportOfOneResult(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	measured(t, at("a.json"), 1, 2*time.Millisecond)
	out, err := execute(t, t.Context(), "report", at("a.json"))
	if err != nil || !strings.HasPrefix(out, "# shop.yaml against http://shop\n") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = execute(t, t.Context(), "report", at("a.json"), "--html", at("a.html"), "--md", at("a.md"), "--svg", at("plots"))
	if err != nil || !strings.HasPrefix(out, "3 pictures in ") {
		t.Errorf("%v\n%s", err, out)
	}
	page, _ := os.ReadFile(at("a.html"))
	text, _ := os.ReadFile(at("a.md"))
	if _, err := os.Stat(at("plots/rate.svg")); err != nil || !strings.Contains(string(page), "</html>") || !strings.Contains(string(text), "](plots/rate.svg)") {
		t.Errorf("%v\n%s\n%s", err, page, text)
	}
}

func TestReportSaysWhatChanged(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	measured(t, at("before.json"), 1, 2*time.Millisecond)
	measured(t, at("same.json"), 2, 2*time.Millisecond)
	measured(t, at("slow.json"), 3, 3*time.Millisecond)
	if out, err := execute(t, t.Context(), "report", at("same.json"), "--base", at("before.json"), "--check"); err != nil || !strings.Contains(out, "0 better, 0 worse") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := execute(t, t.Context(), "report", at("slow.json"), "--base", at("before.json"), "--check")
	if err == nil || !strings.Contains(out, "worse than the base: p99 of a second, median") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestReportMergesMachinesAndJudgesAgain(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	measured(t, at("1.json"), 1, 2*time.Millisecond, "p99=5ms", "rate=150")
	measured(t, at("2.json"), 2, 9*time.Millisecond, "p99=5ms", "rate=150")
	out, err := execute(t, t.Context(), "report", at("1.json"), at("2.json"), "--merge", at("all.json"), "--check")
	if err == nil || !strings.Contains(out, "all.json holds the results of 2 machines") || !strings.Contains(out, "missed p99=5ms") || strings.Contains(out, "missed rate") {
		t.Errorf("%v\n%s", err, out)
	}
	f, err := result.Read(at("all.json"))
	if err != nil || f.Run.Total.Requests != 6000 || f.Run.Thresholds[0].Pass || f.Run.Thresholds[1].Value != 200 {
		t.Fatalf("%v %+v", err, f)
	}
	one, _ := os.ReadFile(at("1.json"))
	two, _ := os.ReadFile(at("2.json"))
	if err := os.WriteFile(at("pods.log"), append(append([]byte("pod 1 starts\n"), one...), two...), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = execute(t, t.Context(), "report", at("pods.log")); err != nil || !strings.Contains(out, "2 machines") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestReportRefusesWithAReason(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	measured(t, at("a.json"), 1, time.Millisecond)
	if err := os.WriteFile(at("no.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"requires at least 1 result file":                            {},
		"a.json: result 2 of 2 cannot be merged: it is there twice":  {at("a.json"), at("a.json")},
		`no.json: is JSON but no result file: "format" is missing; `: {at("no.json")},
		"nothing.json: cannot read: no such file":                    {at("nothing.json")},
		"make the folder first":                                      {at("a.json"), "--html", at("no/a.html")},
		"no.json: is JSON but":                                       {at("a.json"), "--base", at("no.json")},
	} {
		if _, err := execute(t, t.Context(), append([]string{"report"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}
