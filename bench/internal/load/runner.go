package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Config of a run. Target and Mix are needed.
type Config struct {
	Targets     []Target
	Mix         *Mix
	Connections int           // in all, spread evenly over the targets; 16 when 0
	Rate        float64       // requests per second in all: open loop; 0: closed loop
	Requests    int64         // end after so many; 0: no bound
	Duration    time.Duration // end after so long; 0: no bound but the context
	Timeout     time.Duration // of one request; 5 s when 0
	Mutations   float64       // share of mutations, 0..1
	Seed        uint64
	Ledger      *Ledger // nil: staleness is not checked
	OnStale     func(Stale)
}

const (
	maxConnections = 4096
	reconnectPause = 50 * time.Millisecond
)

// Runner is one run. Make it with New, call Run once; Window, Report and Excuse may be called at any time from elsewhere.
type Runner struct {
	cfg     Config
	workers []*worker
	begun   atomic.Int64 // requests begun, for the bound
	excused atomic.Bool
	start   time.Time

	mu     sync.Mutex // guards what follows
	total  tally
	window tally
	since  time.Time // of the current window
	ended  time.Time
}

// New checks the configuration; it connects to nobody.
func New(cfg Config) (*Runner, error) {
	if len(cfg.Targets) == 0 || cfg.Mix == nil {
		return nil, errors.New("load: a run needs a target and a mix")
	}
	if cfg.Connections == 0 {
		cfg.Connections = 16
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Connections < 1 || cfg.Connections > maxConnections {
		return nil, fmt.Errorf("load: %d connections, it must be 1 to %d", cfg.Connections, maxConnections)
	}
	if cfg.Rate < 0 || cfg.Mutations < 0 || cfg.Mutations > 1 || cfg.Requests < 0 || cfg.Duration < 0 {
		return nil, errors.New("load: rate, requests and duration cannot be negative, mutations is a share 0..1")
	}
	if cfg.Ledger != nil && cfg.Timeout > memory/2 {
		return nil, fmt.Errorf("load: with a staleness check the timeout is at most %s", memory/2)
	}
	r := &Runner{cfg: cfg, total: newTally(), window: newTally()}
	for i := range cfg.Connections {
		target := i % len(cfg.Targets)
		r.workers = append(r.workers, &worker{
			r: r, index: i, target: target, conn: NewConn(cfg.Targets[target]), draw: cfg.Mix.Draw(cfg.Seed, uint64(i)), tally: newTally(),
		})
	}
	return r, nil
}

// Run sends until the bounds or the context end it. Failing requests are counted, never an error of the run.
func (r *Runner) Run(ctx context.Context) {
	if r.cfg.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.cfg.Duration)
		defer cancel()
	}
	r.mu.Lock()
	r.start = time.Now()
	r.since = r.start
	r.mu.Unlock()
	var wg sync.WaitGroup
	for _, w := range r.workers {
		wg.Go(func() { w.run(ctx) })
	}
	wg.Wait()
	r.mu.Lock()
	r.ended = time.Now()
	r.mu.Unlock()
}

// Excuse tells that failures are expected from now on (the origin is down on purpose), or no longer; they are then counted
// apart, and the latencies of that time show in windows but not in the report.
func (r *Runner) Excuse(expected bool) { r.excused.Store(expected) }

// Window returns what happened since the last call of Window.
func (r *Runner) Window() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold()
	now := r.now()
	elapsed := now.Sub(r.since)
	r.since = now
	report := r.window.report(elapsed)
	r.window.reset()
	return report
}

// Report returns the whole run so far.
func (r *Runner) Report() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold()
	return r.total.report(r.now().Sub(r.start))
}

// now is the present within the run: its start before, its end after.
func (r *Runner) now() time.Time {
	switch {
	case r.start.IsZero():
		return time.Time{}
	case !r.ended.IsZero():
		return r.ended
	}
	return time.Now()
}

// fold moves the workers' counts into the window and the total. The caller holds mu.
func (r *Runner) fold() {
	for _, w := range r.workers {
		w.mu.Lock()
		r.window.add(&w.tally)
		r.window.latency.Merge(w.tally.excusedLatency)
		r.total.add(&w.tally)
		w.tally.reset()
		w.mu.Unlock()
	}
}

type worker struct {
	r             *Runner
	index, target int
	conn          *Conn
	draw          *Draw
	body          []byte

	mu    sync.Mutex
	tally tally
}

func (w *worker) run(ctx context.Context) {
	defer w.conn.Close()
	stop := context.AfterFunc(ctx, w.conn.Abort) // a request under way ends with the run
	defer stop()
	cfg := &w.r.cfg
	wait := newPause()
	defer wait.close()
	for k := 0; ctx.Err() == nil; k++ {
		intended := time.Time{}
		if cfg.Rate > 0 {
			at := float64(w.index+k*len(w.r.workers)) / cfg.Rate
			intended = w.r.start.Add(time.Duration(at * float64(time.Second)))
			if !wait.until(ctx, intended) {
				return
			}
		}
		if n := w.r.begun.Add(1); cfg.Requests > 0 && n > cfg.Requests {
			return
		}
		if !w.one(ctx, intended) && !wait.until(ctx, time.Now().Add(reconnectPause)) {
			return
		}
	}
}

// one sends one request; false when there was no answer.
func (w *worker) one(ctx context.Context, intended time.Time) bool {
	cfg := &w.r.cfg
	op := w.draw.pick(cfg.Mutations)
	w.body = op.AppendBody(w.body[:0], w.draw)
	expected := w.r.excused.Load()
	began := time.Now()
	a, err := w.conn.Post(ctx, w.body, cfg.Timeout)
	if err != nil && ctx.Err() != nil {
		return false // the run ended, not the server failed
	}
	if intended.IsZero() {
		intended = began
	}
	expected = expected || w.r.excused.Load()
	var stale int
	if err == nil && cfg.Ledger != nil && a.OK() {
		if op.Mutation {
			cfg.Ledger.AcknowledgeAnswer(w.target, a.Body, a.Done)
		} else {
			cfg.Ledger.Check(w.target, a.Body, began, func(s Stale) {
				stale++
				if cfg.OnStale != nil {
					cfg.OnStale(s)
				}
			})
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tally.count(op, a, err, time.Since(intended), expected, stale)
	return err == nil
}

// pause is a reusable timer.
type pause struct{ timer *time.Timer }

func newPause() *pause {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &pause{t}
}

func (p *pause) close() { p.timer.Stop() }

// until waits for a moment; false when the context ended first.
func (p *pause) until(ctx context.Context, at time.Time) bool {
	d := time.Until(at)
	if d <= 0 {
		return ctx.Err() == nil
	}
	p.timer.Reset(d)
	select {
	case <-p.timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
