package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/result"
)

// Config of a run. Targets and Source are needed.
type Config struct {
	Targets     []Target
	Source      Source
	Arrivals    arrival.Plan  // nil: closed loop
	Connections int           // in all, spread evenly over targets and threads; 16 when 0
	Threads     int           // event loops, each on a thread of the system; 1 when 0
	Requests    int64         // end after so many; 0: no bound
	Warmup      time.Duration // sent before the counting begins
	Duration    time.Duration // end after so long, the warm-up apart; 0: no bound but the plan's end and the context
	Timeout     time.Duration // of one request; 5 s when 0
	GiveUp      time.Duration // end the run when requests were sent for so long and none was answered; 0: never
	Seed        uint64
	Ledger      *Ledger // nil: staleness is not checked
	OnStale     func(Stale)
}

// ErrTargetDied ends a run whose target stopped answering.
var ErrTargetDied = errors.New("the target stopped answering")

const (
	maxConnections = 65_536
	maxThreads     = 256
	openWithin     = 5 * time.Second
	sampleInterval = time.Second
	maxSeries      = 86_400 // rows
)

func (c *Config) complete() error {
	if len(c.Targets) == 0 || c.Source == nil || len(c.Source.Labels()) == 0 {
		return errors.New("load: a run needs a target and operations to send")
	}
	if c.Connections == 0 {
		c.Connections = max(16, len(c.Targets))
	}
	if c.Threads == 0 {
		c.Threads = 1
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	switch {
	case c.Connections < len(c.Targets) || c.Connections > maxConnections:
		return fmt.Errorf("load: %d connections, it must be %d to %d, with one for each target", c.Connections, len(c.Targets), maxConnections)
	case c.Threads < 1 || c.Threads > min(maxThreads, c.Connections):
		return fmt.Errorf("load: %d threads, it must be 1 to %d and not more than connections", c.Threads, maxThreads)
	case c.Requests < 0 || c.Duration < 0 || c.Warmup < 0 || c.Timeout < 0 || c.GiveUp < 0:
		return errors.New("load: requests, duration, warm-up and timeouts cannot be negative")
	case c.Ledger != nil && c.Timeout > memory/2:
		return fmt.Errorf("load: with a staleness check the timeout is at most %s", memory/2)
	}
	return nil
}

// Runner is one run. Make it with New, call Run once; the other methods may be called at any time from elsewhere.
type Runner struct {
	cfg       Config
	labels    []Label
	addresses []address
	threads   []*thread
	excused   atomic.Bool
	start     time.Time // these three are written before the threads begin
	counted   time.Time // end of the warm-up
	end       time.Time // zero: none
	begun     chan struct{}

	mu      sync.Mutex // guards what follows
	reached []error    // by target: errUntried, nil when a connection was accepted, else the last failure
	failed  error
	window  tally
	since   time.Time     // of the window
	used    time.Duration // processor time of the threads at its start
	second  tally
	series  []result.Second
	ended   time.Time
}

var errUntried = errors.New("no connection was tried")

// New checks the configuration; it connects to nobody.
func New(cfg Config) (*Runner, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	r := &Runner{cfg: cfg, labels: cfg.Source.Labels(), window: newTally(), second: newTally(), begun: make(chan struct{})}
	for range cfg.Targets {
		r.reached = append(r.reached, errUntried)
	}
	return r, nil
}

// Run opens the connections and sends until the bounds or the context end it. Failing requests are counted and no error of the run. The error says that a
// target accepted no connection at the start, that GiveUp was reached (ErrTargetDied), or that the system refused what the generator needs.
func (r *Runner) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := r.prepare(); err != nil {
		return err
	}
	defer func() {
		for _, t := range r.threads {
			t.close()
		}
	}()
	var opened, done sync.WaitGroup
	begin := make(chan struct{})
	opened.Add(len(r.threads))
	for _, t := range r.threads {
		done.Go(func() { t.run(ctx, opened.Done, begin) })
	}
	opened.Wait()
	if err := r.unreachable(); err != nil && ctx.Err() == nil {
		cancel(err)
	}
	r.setTimes()
	close(begin)
	var sampling sync.WaitGroup
	finished := make(chan struct{})
	sampling.Go(func() { r.sample(finished, cancel) })
	done.Wait()
	close(finished)
	sampling.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return r.failed
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// prepare resolves the targets and makes the threads.
func (r *Runner) prepare() error {
	for i := range r.cfg.Targets {
		a, err := resolve(&r.cfg.Targets[i])
		if err != nil {
			return err
		}
		r.addresses = append(r.addresses, a)
	}
	given := 0
	for i := range r.cfg.Threads {
		connections := share(int64(r.cfg.Connections), i, r.cfg.Threads)
		left := int64(-1)
		if r.cfg.Requests > 0 {
			left = share(r.cfg.Requests, i, r.cfg.Threads)
		}
		t, err := newThread(r, i, int(connections), given, left)
		if err != nil {
			for _, made := range r.threads {
				made.close()
			}
			return err
		}
		given += int(connections)
		r.threads = append(r.threads, t)
	}
	return nil
}

// share is the i-th of n parts of a whole; the parts differ by one at most and add up to it.
func share(whole int64, i, n int) int64 {
	return whole*int64(i+1)/int64(n) - whole*int64(i)/int64(n)
}

func (r *Runner) setTimes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start = time.Now()
	r.counted = r.start.Add(r.cfg.Warmup)
	if r.cfg.Duration > 0 {
		r.end = r.counted.Add(r.cfg.Duration)
	}
	r.since = r.start
	close(r.begun)
}

// connected and connectError note what became of a connection.
func (r *Runner) connected(target int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached[target] = nil
}

func (r *Runner) connectError(target int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reached[target] != nil {
		r.reached[target] = err
	}
}

// unreachable is the error of a target that accepted no connection.
func (r *Runner) unreachable() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, err := range r.reached {
		if err != nil {
			return &UnreachableError{Target: r.cfg.Targets[i], Err: err}
		}
	}
	return nil
}

// UnreachableError is a target that accepts no connection.
type UnreachableError struct {
	Target Target
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s %s accepts no connection: %v; is the server running, and is this its address?", e.Target.Network, e.Target.Address, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// fail ends the run because of the system.
func (r *Runner) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = errors.Join(r.failed, err)
}

// Excuse tells that failures are expected from now on (the origin is down on purpose), or no longer; they are then counted apart, and the latencies of that
// time show in windows but not in the result.
func (r *Runner) Excuse(expected bool) { r.excused.Store(expected) }
