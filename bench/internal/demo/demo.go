package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/scrape"
)

const (
	drainTime = 10 * time.Second
	probeTime = 800 * time.Millisecond
)

// show is one running demo.
type show struct {
	cfg    *Config
	view   *view
	script *script
	start  time.Time
	step   atomic.Pointer[string]
	steps  []Step
}

// Run starts everything, plays the script, ends everything. The error says what kept it from running; a step that failed is in the result.
func Run(ctx context.Context, cfg Config) (res *Result, err error) {
	if cfg.Duration != 0 && cfg.Duration < MinDuration {
		return nil, fmt.Errorf("demo: the script needs at least %s", MinDuration)
	}
	d := &show{cfg: &cfg, view: newView(cfg.Out, cfg.Width), script: &script{stage: &stage{}}}
	d.setStep("starting")
	defer func() {
		err = errors.Join(err, d.script.stop())
		if d.script.dir == "" {
			return
		}
		if err == nil && res.OK {
			err = os.RemoveAll(d.script.dir)
		} else {
			d.view.say("logs are in %s", d.script.dir)
		}
	}()
	if err := d.script.start(ctx, &cfg, d.view.say); err != nil {
		return nil, err
	}
	d.start = time.Now()
	loading, endLoad := context.WithCancel(ctx)
	defer endLoad()
	var running sync.WaitGroup
	running.Go(func() {
		if err := d.script.runner.Run(loading); err != nil {
			d.view.say("the load ended: %v", err) // the steps that need it then fail
		}
	})
	watching, endWatch := context.WithCancel(ctx)
	running.Go(func() { d.watch(watching) })
	d.play(ctx)
	if ctx.Err() == nil {
		d.next()
	}
	d.setStep("go on trying; Ctrl-C ends it")
	if cfg.Duration > 0 {
		d.setStep("load until the end")
		d.waitUntil(ctx, d.start.Add(cfg.Duration))
	} else {
		<-ctx.Done()
	}
	endLoad()
	endWatch()
	running.Wait()
	d.view.close()
	return d.finish(context.WithoutCancel(ctx))
}

func (d *show) setStep(s string) { d.step.Store(&s) }

func (d *show) waitUntil(ctx context.Context, at time.Time) {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// scriptTime is what the steps are spread over.
func (d *show) scriptTime() time.Duration {
	if d.cfg.Duration > 0 {
		return d.cfg.Duration
	}
	return 30 * time.Second
}

// play runs the script. A failed step does not keep the later ones from running.
func (d *show) play(ctx context.Context) {
	acts := d.script.acts()
	for i, a := range acts {
		d.waitUntil(ctx, d.start.Add(time.Duration(a.at*float64(d.scriptTime()))))
		if ctx.Err() != nil {
			return
		}
		label := fmt.Sprintf("%d/%d %s", i+1, len(acts), a.name)
		d.setStep(label)
		d.view.say("▶ %s\n    expected: %s", label, a.expected)
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, a.limit)
		saw, err := a.run(limited)
		cancel()
		if ctx.Err() != nil {
			return
		}
		step := Step{Name: a.name, Expected: a.expected, Saw: saw, Seconds: time.Since(began).Seconds(), OK: err == nil}
		if err != nil {
			step.Saw = err.Error()
			d.view.say("    FAILED after %.1f s: %s", step.Seconds, step.Saw)
		} else {
			d.view.say("    saw: %s", saw)
		}
		d.steps = append(d.steps, step)
	}
}

// watch draws frames until ctx ends.
func (d *show) watch(ctx context.Context) {
	tick := time.NewTicker(frameTime)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f := frame{elapsed: time.Since(d.start), total: d.cfg.Duration, window: d.script.runner.Window(), sum: d.script.consumer.totals(), step: *d.step.Load()}
		f.whole = d.script.runner.Result().Total
		d.facts(ctx, &f)
		d.view.show(n, &f)
	}
}

// facts adds what only the sidecars and the control plane know; what cannot be had in time stays 0.
func (d *show) facts(ctx context.Context, f *frame) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	for _, sidecar := range d.script.sidecars {
		m, err := sidecar.Metrics(ctx)
		if err != nil {
			continue
		}
		queued, _ := m.Sum("weir_events_queued_total")
		f.produced += int64(queued)
		f.score = max(f.score, highest(m, "weir_anomaly_score"), highest(m, "weir_upstream_anomaly_score"))
	}
	if list, err := d.script.api.Sidecars(ctx); err == nil {
		for i, s := range list {
			if i == 0 || s.Version < f.version {
				f.version = s.Version
			}
		}
	} else {
		f.version = d.script.version.Load()
	}
}

func highest(m scrape.Metrics, name string) (v float64) {
	for _, s := range m[name] {
		v = max(v, s.Value)
	}
	return v
}

// next prints what to try.
func (d *show) next() {
	s, bin := d.script, d.cfg.Binaries
	a, b := s.sidecars[0], s.sidecars[1]
	lines := []string{
		"try next, in another terminal while this runs (without --duration it runs until Ctrl-C):",
		"  export WEIR_CONTROL_URL=" + s.control.URL() + " WEIR_CONTROL_TOKEN=" + s.control.Token,
		"  curl -si " + a.URL() + `/graphql -H 'Content-Type: application/json' -d '{"query":"{ city(id: 1796236) { name population } }"}'`,
		"  curl -s " + b.AdminURL() + "/metrics | grep ^weir_",
		"  curl -s " + a.AdminURL() + `/cache/invalidate -d '{"types":["City"]}'`,
		"  " + bin.Control + " get sidecars",
		"  " + bin.Control + " command serve_stale --ttl 30s --reason 'trying it'",
		"  " + bin.Control + " apply -f " + s.dir + "/policy.yaml",
		"  " + bin.Bench + " run " + a.URL() + " " + b.URL() + " --rate 1000 --duration 10s --mutations 0.02 --check-staleness",
	}
	d.view.say("\n%s\n", strings.Join(lines, "\n"))
}

// finish lets the events arrive and adds everything up.
func (d *show) finish(ctx context.Context) (*Result, error) {
	s := d.script
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	var produced, lost int64
	began := time.Now()
	err := until(ctx, 50*time.Millisecond, func() error {
		var err error
		if produced, lost, err = s.produced(ctx); err != nil {
			return err
		}
		if got := s.consumer.totals().Events; got != produced {
			return fmt.Errorf("%d events were produced, %d consumed", produced, got)
		}
		return nil
	})
	sum, r := s.consumer.totals(), s.runner.Result().Total
	step := Step{Name: "read the events", Expected: "every produced cost event is consumed from Kafka, none was lost", Seconds: time.Since(began).Seconds()}
	step.Saw = fmt.Sprintf("%d produced, %d consumed, %d lost; cost %s, saved %s", produced, sum.Events, lost, sum.Cost.Short(), sum.Saved.Short())
	switch {
	case err != nil:
		step.Saw = err.Error()
	case sum.Broken > 0:
		step.Saw = fmt.Sprintf("%d events cannot be read: %s", sum.Broken, sum.BrokenWhy)
	case lost > 0 || sum.Events == 0 || sum.Cost <= 0:
	default:
		step.OK = true
	}
	d.steps = append(d.steps, step)
	d.view.say("▶ %s\n    expected: %s\n    saw: %s", step.Name, step.Expected, step.Saw)
	res := &Result{
		Requests: r.Requests, Hits: r.Hits, HitRatio: r.HitRatio(), P50: r.Latency.At(50), P99: r.Latency.At(99), EventsProduced: produced, EventsConsumed: sum.Events,
		CostUSD: sum.Cost, SavedUSD: sum.Saved, Anomalies: sum.Anomalies, ConfigVersion: s.version.Load(), CommandsApplied: s.commands,
		StaleAfterInvalidate: s.stale + r.StaleEntities, Errors: r.Errors, OutageErrors: r.Excused, StaleServed: s.staleServed, Steps: d.steps,
	}
	res.OK = res.StaleAfterInvalidate == 0 && res.Errors == 0 && len(d.steps) == len(s.acts())+1
	for _, st := range d.steps {
		res.OK = res.OK && st.OK
	}
	if res.Errors > 0 {
		d.view.say("    %d requests of the load failed outside the outage: %v", res.Errors, r.Failures)
	}
	return res, nil
}
