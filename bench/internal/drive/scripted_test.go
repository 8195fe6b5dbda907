package drive

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// scripted is a generator that plays a target of known behaviour; it lives in the bubble of a synctest.
type scripted struct {
	leg      leg
	rate     float64       // achieved
	latency  time.Duration // of each answer
	failing  func(second int) map[string]int64
	warnings []result.Warning
	dies     time.Duration // 0: never
	refuses  error
	punctual bool

	began   time.Time
	seconds int

	answers, served result.Histogram // of each second
}

var errDied = fmt.Errorf("%w: no answer for 5s", load.ErrTargetDied)

func (s *scripted) Run(ctx context.Context) error {
	if s.refuses != nil {
		return s.refuses
	}
	s.began = time.Now()
	var end, death <-chan time.Time
	if whole := s.leg.whole(); whole > 0 {
		end = time.After(whole)
	}
	if s.dies > 0 {
		death = time.After(s.dies)
	}
	select {
	case <-end:
	case <-ctx.Done():
	case <-death:
		return errDied
	}
	return nil
}

// late is the part of each latency before the request was sent: half of it unless the script says that there is none.
func (s *scripted) late() time.Duration {
	if s.punctual {
		return 0
	}
	return s.latency / 2
}

// second is one second of the script.
func (s *scripted) second(n int) result.Stats {
	st := result.Stats{Requests: int64(s.rate), Rate: s.rate, Hits: int64(s.rate * 0.9), Misses: int64(s.rate * 0.1), Bytes: int64(s.rate) << 10}
	if s.failing != nil {
		st.Failures = s.failing(n)
		for _, n := range st.Failures {
			st.Errors += n
		}
	}
	if st.Errors < st.Requests {
		if s.answers.Count() == 0 {
			s.answers.Record(s.latency / 2)
			for range min(int(s.rate), 50) {
				s.answers.Record(s.latency)
				s.served.Record(s.latency - s.late())
			}
		}
		st.Latency, st.Service = s.answers, s.served
	}
	return st
}

func (s *scripted) Window() load.Window {
	s.seconds++
	return load.Window{Seconds: 1, Busy: 0.12, Stats: s.second(s.seconds)}
}

func (s *scripted) Result() result.Run {
	r := result.Run{Targets: []string{"127.0.0.1:8080/graphql"}, Loop: "closed", Connections: 16, Seed: 1, Generator: result.Generator{
		CPUSeconds: 0.5, CPUPerRequest: 4.2, Busy: 0.12,
	}}
	if s.leg.arrivals != nil {
		r.Loop, r.Arrivals = "open", s.leg.arrivals.String()
	}
	seconds := int(time.Since(s.began) / time.Second)
	if s.began.IsZero() {
		seconds = 0
	}
	r.Total.Failures = map[string]int64{}
	for n := range seconds {
		st := s.second(n + 1)
		r.Total.Requests += st.Requests
		r.Total.Errors += st.Errors
		r.Total.Hits += st.Hits
		r.Total.Misses += st.Misses
		r.Total.Bytes += st.Bytes
		r.Total.Latency.Merge(st.Latency)
		r.Total.Service.Merge(st.Service)
		for kind, n := range st.Failures {
			r.Total.Failures[kind] += n
		}
		r.Series = append(r.Series, result.Second{At: float64(n + 1), Requests: st.Requests})
	}
	r.Total.Rate = s.rate
	half := r.Total
	half.Requests /= 2
	half.Rate /= 2
	r.Operations = []result.Operation{{Name: "City", Kind: load.KindQuery, Stats: half}, {Name: "SetPopulation", Kind: load.KindMutation, Stats: result.Stats{Requests: 1, Rate: 0.1}}}
	return r
}

func (s *scripted) Warnings() []result.Warning { return s.warnings }

// golden compares got with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s (%v): go test -update rewrites it; got\n%s\nwant\n%s", path, err, got, want)
	}
}

// drive runs cfg with a scripted generator and returns what was printed.
func drive(t *testing.T, ctx context.Context, cfg Config, s *scripted) (f *result.File, stdout, stderr string, err error) {
	t.Helper()
	var out, progress bytes.Buffer
	if cfg.start == nil {
		cfg.start = func(l leg) (runner, error) { s.leg = l; return s, nil }
	}
	cfg.Load.Targets = []load.Target{{Network: "tcp", Address: "127.0.0.1:8080", Host: "127.0.0.1:8080", Path: "/graphql"}}
	cfg.Workload = "geonames"
	f, err = Run(ctx, cfg, &out, &progress)
	return f, out.String(), progress.String(), err
}

func thresholds(t *testing.T, texts ...string) []Threshold {
	t.Helper()
	list, err := ParseThresholds(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
