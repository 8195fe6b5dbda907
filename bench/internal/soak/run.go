package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/workload"
)

// Config of a soak. Binaries are needed.
type Config struct {
	Binaries fleet.Binaries
	Duration time.Duration
	Rate     float64 // requests per second
	Out      io.Writer
}

// MinDuration is the shortest soak in which anything can be seen.
const MinDuration = 10 * time.Second

const (
	entities    = 2000
	mutations   = 0.02
	connections = 24
	maxRound    = time.Minute
	lineEvery   = 10 * time.Second
	minJudged   = 5 * time.Minute // caches, pools and heap need minutes to fill: below it nothing is called flat or growing
)

// Outcome is what a soak leaves behind.
type Outcome struct {
	Run    result.Run
	Tables []result.Table
}

// Verdict is Growing when a gate was missed, else Unsure when one could not be judged, else Flat.
func (o *Outcome) Verdict() string {
	verdict := Flat
	for i := range o.Tables {
		for _, g := range o.Tables[i].Gates {
			switch {
			case g.Missed():
				return Growing
			case g.Unsure:
				verdict = Unsure
			}
		}
	}
	return verdict
}

// Run soaks. The error says what kept it from running, or what it could not do while it ran; the outcome holds what was measured until then.
func Run(ctx context.Context, cfg Config) (out *Outcome, err error) {
	if cfg.Duration < MinDuration || cfg.Rate <= 0 {
		return nil, fmt.Errorf("soak: %s at %g requests a second: at least %s and a positive rate are needed", cfg.Duration, cfg.Rate, MinDuration)
	}
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	s := &stage{}
	defer func() {
		err = errors.Join(err, s.stop())
		switch {
		case s.dir == "":
		case err == nil && out.Verdict() != Growing:
			err = os.RemoveAll(s.dir)
		default:
			fmt.Fprintf(cfg.Out, "logs are in %s\n", s.dir)
		}
	}()
	if err := s.start(ctx, cfg.Binaries); err != nil {
		return nil, err
	}
	k, err := newSoak(&cfg, s)
	if err != nil {
		return nil, err
	}
	ran := k.run(ctx)
	return k.outcome(), ran
}

// soak is a running one.
type soak struct {
	cfg     *Config
	play    *play
	watcher *Watcher
	runner  *load.Runner
	begun   time.Time
	ran     time.Duration

	stale, staleAway, staleSaid atomic.Int64
	mu                          sync.Mutex
	example                     string // of a stale read
}

func newSoak(cfg *Config, s *stage) (*soak, error) {
	cities, err := origin.TopCities(entities)
	if err != nil {
		return nil, err
	}
	w, err := workload.GeoNames(workload.GeoOptions{Entities: entities, Mutations: mutations})
	if err != nil {
		return nil, err
	}
	k := &soak{cfg: cfg}
	k.play = &play{stage: s, cities: cities, say: func(format string, a ...any) { fmt.Fprintf(cfg.Out, format+"\n", a...) }}
	k.runner, err = load.New(load.Config{
		Targets: s.targets, Source: w, Arrivals: arrival.Poisson(cfg.Rate), Connections: connections, Duration: cfg.Duration, Seed: 1, Ledger: load.NewLedger(), OnStale: k.onStale,
	})
	k.play.runner = k.runner
	return k, err
}

// onStale tells a defect from what nobody could know: while Redis is away the sidecars do not hear of each other.
func (k *soak) onStale(s load.Stale) {
	switch {
	case k.play.away.within(s.Sent):
		k.staleAway.Add(1)
		return
	case s.Announced:
		k.staleSaid.Add(1)
		return
	}
	k.stale.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.example == "" {
		k.example = fmt.Sprintf("%s through %s showed revision %d, %s after %d was acknowledged", s.Entity, k.play.sidecars[s.Target].Name, s.Read, s.Late.Round(time.Millisecond), s.Need)
	}
}

// run drives load, disturbances and samples until the duration is over.
func (k *soak) run(ctx context.Context) error {
	if err := k.play.origin.SetFaults(faultsOfARound()); err != nil {
		return err
	}
	k.begun = time.Now()
	k.watcher = NewWatcher(k.play.subjects()...)
	loading, endLoad := context.WithTimeout(ctx, k.cfg.Duration)
	defer endLoad()
	var all sync.WaitGroup
	var loadErr error
	all.Go(func() {
		loadErr = k.runner.Run(loading)
		endLoad()
	})
	all.Go(func() { k.play.run(loading, min(maxRound, k.cfg.Duration)) })
	all.Go(func() { k.watcher.Run(loading, min(2*time.Second, max(200*time.Millisecond, k.cfg.Duration/200))) })
	all.Go(func() { k.progress(loading) })
	all.Wait()
	k.ran = time.Since(k.begun)
	errs := append([]error{loadErr}, k.play.failed...)
	if cause := context.Cause(ctx); cause != nil {
		errs = append(errs, fmt.Errorf("ended after %s of %s: %w", k.ran.Round(time.Second), k.cfg.Duration, cause))
	}
	return errors.Join(errs...)
}

func (k *soak) progress(ctx context.Context) {
	tick := time.NewTicker(min(lineEvery, k.cfg.Duration/5))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w := k.runner.Window()
		line := fmt.Sprintf("%5.0f s of %.0f: %6.0f/s, %d errors, p99 %.1f ms, %d stale", time.Since(k.begun).Seconds(), k.cfg.Duration.Seconds(), w.Rate, w.Errors,
			float64(w.Latency.At(99))/1e3, k.stale.Load())
		for i, s := range k.play.sidecars {
			if v := k.watcher.Last(i); v != nil {
				line += fmt.Sprintf("; %s %.1f MiB, %.0f goroutines, %.0f files", s.Name, v["RSS"]/mib, v["goroutines"], v["open files"])
			}
		}
		fmt.Fprintln(k.cfg.Out, line)
	}
}

// warmup is how much of the run is not judged.
func (k *soak) warmup() time.Duration { return min(k.ran/3, 5*time.Minute) }

func (k *soak) outcome() *Outcome {
	o := &Outcome{Run: k.runner.Result()}
	o.Run.Workload, o.Run.Arrivals = "geonames", arrival.Poisson(k.cfg.Rate).String()
	if k.watcher == nil {
		return o
	}
	judged := k.watcher.Judge(k.warmup())
	if k.ran-k.warmup() < minJudged {
		for i := range judged { // what starts grows
			judged[i].Verdict = Unsure
		}
	}
	o.Tables = append(o.Tables, SlopeTable(judged, k.warmup(), k.ran), k.facts(&o.Run.Total))
	o.Tables = append(o.Tables, k.watcher.HeapTables(k.warmup())...)
	o.Tables = append(o.Tables, k.watcher.PlotTables()...)
	return o
}

// facts is what was done and what must be zero.
func (k *soak) facts(total *result.Stats) result.Table {
	t := result.Table{
		Name: "soak-facts", Title: "What was done, and what must not happen", Columns: []result.Column{{Name: "count"}},
		Text: "Mixed load with faults of the origin all the time: reads, mutations, invalidations, reloads, restarts of Redis, broker and origin, clients that come and go. A stale read is one " +
			"that shows an older revision than was acknowledged; while Redis is away the sidecars cannot hear of each other, and such reads are counted apart. So are those for " +
			"10.5 s after a mutation whose answer said that the log did not have it yet (Cache-Status: detail=not-logged).",
	}
	row := func(name string, v float64) { t.Labels, t.Rows = append(t.Labels, name), append(t.Rows, []float64{v}) }
	row("requests", float64(total.Requests))
	row("hits", float64(total.Hits))
	row("errors that the origin's faults made", float64(total.Errors))
	row("errors while the origin was away", float64(total.Excused))
	row("p99, ms", float64(total.Latency.At(99))/1e3)
	for i, a := range k.play.acts() {
		row("times: "+a.name, float64(k.play.counts[i].Load()))
	}
	row("stale reads while Redis was away", float64(k.staleAway.Load()))
	row("stale reads after an answer that said so", float64(k.staleSaid.Load()))
	row("samples that failed", float64(k.watcher.errors))
	zero := func(what string, v float64, remark string) {
		row(what, v)
		t.Gates = append(t.Gates, result.Row{Row: "soak", What: what, Value: result.Interval{Median: v, Low: v, High: v, Min: v, Max: v, N: 1}, Pass: v == 0, Remark: remark})
	}
	zero("stale reads", float64(k.stale.Load()), k.example)
	caught, evicted := 0.0, 0.0
	for i := range k.play.sidecars {
		v := k.watcher.Last(i)
		caught, evicted = caught+v[panics], evicted+v[evictions]
	}
	row("entries that the bound of the cache pushed out", evicted)
	zero("defects that were caught (panics)", caught, "")
	return t
}
