package coherence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/lapse"
	"github.com/weirproxy/weir/bench/internal/load"
)

// Config of a run. Binaries are needed.
type Config struct {
	Binaries  fleet.Binaries
	Out       io.Writer     // progress; nil: none
	Sidecars  int           // 4 when 0
	Reads     int64         // scenes are played again until there were so many
	Outage    time.Duration // how long Redis is away
	Calm      time.Duration // how long a scene without an outage takes
	Grace     time.Duration // what other sidecars have to obey in: Grace when 0
	NeedSpace bool          // fail where network namespaces are refused; false: cut a relay instead, and say so
	Cities    int           // 200 when 0: few, so that each is cached everywhere when it changes
	Users     int           // 8 when 0
}

// Full is the long form.
func Full() Config {
	return Config{Reads: 1_000_000, Outage: 14 * time.Second, Calm: 12 * time.Second}
}

// Short is the form of the tests: the outages end before the limit of a sidecar that is cut off, and other tests may keep the machine busy.
func Short() Config {
	return Config{Outage: 3 * time.Second, Calm: 2 * time.Second, Grace: time.Second}
}

const (
	connections = 4 // of each sidecar
	requestTime = 5 * time.Second
	lineEvery   = 10 * time.Second
)

func (c *Config) complete() {
	if c.Out == nil {
		c.Out = io.Discard
	}
	c.Out = &told{out: c.Out}
	if c.Sidecars == 0 {
		c.Sidecars = 4
	}
	if c.Cities == 0 {
		c.Cities = 200
	}
	if c.Grace == 0 {
		c.Grace = Grace
	}
	if c.Users == 0 {
		c.Users = 8
	}
}

// told is an output for several goroutines.
type told struct {
	mu  sync.Mutex
	out io.Writer
}

func (t *told) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(b)
}

func (c *Config) say(format string, a ...any) { fmt.Fprintf(c.Out, format+"\n", a...) }

// Row is what was seen in one scene.
type Row struct {
	Scene                                                      string
	Seconds                                                    float64
	Reads, Changes, Hits, Own, Stale, Foreign, Errors, Excused int64 // Own: hits of answers that are one user's
	Unlogged                                                   int64 // changes whose answer said that the log did not have them yet
}

// Outcome is what a run leaves behind.
type Outcome struct {
	Rows     []Row
	Examples []string // of what was wrong
	Blind    []Row    // fleets that must be found stale
	Cut      string   // how one sidecar was cut off from Redis
}

// Total adds the scenes.
func (o *Outcome) Total() (t Row) {
	t.Scene = "in all"
	for _, r := range o.Rows {
		t.Seconds += r.Seconds
		t.Reads += r.Reads
		t.Changes += r.Changes
		t.Hits += r.Hits
		t.Own += r.Own
		t.Stale += r.Stale
		t.Foreign += r.Foreign
		t.Errors += r.Errors
		t.Excused += r.Excused
		t.Unlogged += r.Unlogged
	}
	return t
}

// Pass reports whether nothing was wrong and the test has shown that it can fail.
func (o *Outcome) Pass() bool {
	t := o.Total()
	return t.Hits > t.Reads/4 && t.Own > 0 && t.Stale == 0 && t.Foreign == 0 && t.Errors == 0 && len(o.Blind) == 2 && o.Blind[0].Stale > 0 && o.Blind[1].Stale > 0
}

// String is the table.
func (o *Outcome) String() string {
	var b strings.Builder
	line := func(r Row) {
		fmt.Fprintf(&b, "%-38s %6.0f %9d %7d %6.1f%% %9d %6d %6d %6d %9d %10d\n", r.Scene, r.Seconds, r.Reads, r.Changes, 100*float64(r.Hits)/float64(max(1, r.Reads)), r.Own, r.Stale,
			r.Foreign, r.Errors, r.Excused, r.Unlogged)
	}
	fmt.Fprintf(&b, "%-38s %6s %9s %7s %7s %9s %6s %6s %6s %9s %10s\n", "scene", "s", "reads", "changes", "hits", "own hits", "stale", "other", "errors", "not bound", "not logged")
	for _, r := range o.Rows {
		line(r)
	}
	line(o.Total())
	for _, r := range o.Blind {
		line(r)
	}
	if o.Cut != "" {
		fmt.Fprintf(&b, "one sidecar was cut off by %s\n", o.Cut)
	}
	return b.String()
}

// Run plays all scenes. The error says what kept it from running.
func Run(ctx context.Context, cfg Config) (out *Outcome, err error) {
	cfg.complete()
	if cfg.NeedSpace { // before the minutes that come before the partition
		if err := trySpace(); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "weir-coherence-")
	if err != nil {
		return nil, err
	}
	out = &Outcome{}
	defer func() {
		if err == nil && out.Pass() {
			err = os.RemoveAll(dir)
			return
		}
		cfg.say("logs are in %s", dir)
	}()
	cfg.say("%s\n", Terms)
	for _, part := range []func(context.Context, *Config, string, *Outcome) error{cluster, single, blind} {
		if err := part(ctx, &cfg, dir, out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// single is a fleet on one Redis.
func single(ctx context.Context, cfg *Config, dir string, out *Outcome) (err error) {
	g, err := newStage(cfg, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.stop()) }()
	master, err := g.redis(ctx, "")
	if err != nil {
		return err
	}
	p := &play{stage: g, master: master}
	if err := g.behindRelays(ctx, cfg.Sidecars, master.address); err != nil {
		return err
	}
	out.Cut = g.cut
	return g.loaded(ctx, out, func(ctx context.Context) error {
		for round := 0; round == 0 || out.Total().Reads < cfg.Reads; round++ {
			for _, a := range acts() {
				if err := g.scene(ctx, a.name, out, func(ctx context.Context) error { return a.run(p, ctx) }); err != nil {
					return fmt.Errorf("%s: %w", a.name, err)
				}
			}
		}
		return nil
	})
}

// loaded runs f under the load, from the moment on in which all sidecars have the log.
func (g *stage) loaded(ctx context.Context, out *Outcome, f func(context.Context) error) (err error) {
	if len(g.relays) > 0 {
		if err := g.together(ctx, nil); err != nil {
			return err
		}
	}
	g.runner, err = load.New(load.Config{Targets: g.targets, Source: g.source, Connections: connections * len(g.targets), Timeout: requestTime, Seed: 1})
	if err != nil {
		return err
	}
	loading, end := context.WithCancel(ctx)
	defer end()
	var work sync.WaitGroup
	var loadErr error
	work.Go(func() {
		loadErr = g.runner.Run(loading)
		end()
	})
	work.Go(func() { g.progress(loading) })
	played := f(loading)
	end()
	work.Wait()
	out.Examples = append(out.Examples, g.source.examples...)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if loadErr != nil {
		return loadErr
	}
	return played
}

// scene counts what happens while f runs.
func (g *stage) scene(ctx context.Context, name string, out *Outcome, f func(context.Context) error) error {
	s := &scene{name: name}
	g.runner.Window()
	begin := time.Now()
	g.source.scene.Store(s)
	err := f(ctx)
	w := g.runner.Window()
	row := Row{
		Scene: name, Seconds: time.Since(begin).Seconds(), Reads: s.reads.Load(), Changes: s.changes.Load(), Hits: s.hits.Load(), Own: s.own.Load(), Stale: s.stale.Load(), Foreign: s.foreign.Load(),
		Errors: w.Errors, Excused: s.excused.Load(), Unlogged: s.unlogged.Load(),
	}
	if len(w.Failures) > 0 {
		out.Examples = append(out.Examples, fmt.Sprintf("%s: %v", name, w.Failures))
	}
	out.add(row)
	g.cfg.say("%-38s %4.0f s, %d reads, %d changes, %d stale, %d of another user, %d errors", name, row.Seconds, row.Reads, row.Changes, row.Stale, row.Foreign, row.Errors)
	return err
}

// add adds a row to the one of the same scene.
func (o *Outcome) add(r Row) {
	for i := range o.Rows {
		if o.Rows[i].Scene == r.Scene {
			sum := (&Outcome{Rows: []Row{o.Rows[i], r}}).Total()
			sum.Scene = r.Scene
			o.Rows[i] = sum
			return
		}
	}
	o.Rows = append(o.Rows, r)
}

func (g *stage) progress(ctx context.Context) {
	tick := time.NewTicker(lineEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s := g.source.scene.Load()
			g.cfg.say("  %s: %d reads so far, %d stale", s.name, s.reads.Load(), s.stale.Load())
		}
	}
}

// blind are two fleets that the same eyes must find stale: one without a log, and one without hold-off before an origin whose replicas lag.
func blind(ctx context.Context, cfg *Config, dir string, out *Outcome) error {
	for _, c := range []struct {
		name, policy string
		lag          time.Duration
	}{
		{"found stale: no log", "", 0},
		{"found stale: no hold-off, replicas lag", policyText + "0s}\n", replicaLag},
	} {
		if err := found(ctx, cfg, dir, c.name, c.policy, c.lag, out); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func found(ctx context.Context, cfg *Config, dir, name, policy string, lag time.Duration, out *Outcome) (err error) {
	g, err := newStage(cfg, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.stop()) }()
	redis, late := "", max(cfg.Calm/2, 3*cfg.Grace) // what is older than the grace is judged
	if lag > 0 {
		if err := os.WriteFile(g.policy, []byte(policy), 0o644); err != nil {
			return err
		}
		server, err := g.redis(ctx, "")
		if err != nil {
			return err
		}
		redis = server.address
		g.origin.SetLag(lag)
		g.source.promise.lag(HeldOff)
		late = HeldOff + max(late, 4*time.Second) // what is stale stays so until its time is up
	}
	for i := range 2 {
		if err := g.sidecar(ctx, i, redis); err != nil {
			return err
		}
	}
	seen := &Outcome{}
	err = g.loaded(ctx, seen, func(ctx context.Context) error {
		return g.scene(ctx, name, seen, func(ctx context.Context) error { return lapse.Wait(ctx, late) })
	})
	out.Blind = append(out.Blind, seen.Rows...)
	return err
}
