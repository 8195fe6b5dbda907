package growth

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/lapse"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/scrape"
	"github.com/weirproxy/weir/bench/internal/vitals"
)

const (
	serverCPU, otherCPU = 2, 1
	connections         = 64
	maxConnections      = 10_000
	requestTimeout      = 20 * time.Second
	warmTime            = 700 * time.Millisecond
	readyLimit          = 15 * time.Second
)

// pin puts this process on the first processor, away from weir.
func pin() error { return fleet.PinSelf(otherCPU) }

// weir starts weir with a configuration file beside the upstream; yaml is added to it.
func (b *bench) weir(ctx context.Context, name string, up *origin, yaml string, flags ...string) (*fleet.Sidecar, error) {
	schema, err := b.write("schema.graphql", schemaSDL)
	if err != nil {
		return nil, err
	}
	config, err := b.write(name+".yaml", "upstream: "+up.URL()+"\nschema: "+schema+"\n"+yaml)
	if err != nil {
		return nil, err
	}
	return b.weirArgs(ctx, name, append([]string{"-c", config}, flags...))
}

// weirArgs starts weir run with these arguments and the collector's trace in its log.
func (b *bench) weirArgs(ctx context.Context, name string, args []string) (*fleet.Sidecar, error) {
	s := &fleet.Sidecar{Name: name}
	var err error
	if s.Listen, err = fleet.FreeAddress(); err != nil {
		return nil, err
	}
	if s.Admin, err = fleet.FreeAddress(); err != nil {
		return nil, err
	}
	state := filepath.Join(b.dir, name+"-state")
	if err := os.MkdirAll(state, 0o755); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	s.Process, err = fleet.Start(ctx, fleet.Spec{
		Name: name, Path: b.cfg.Binaries.Weir, Dir: b.dir, CPU: serverCPU, Env: []string{"GODEBUG=gctrace=1"},
		Args: append([]string{"run", "--listen", s.Listen, "--admin", s.Admin, "--state", state, "--instance", name}, args...),
		Ready: func(ctx context.Context) error {
			_, err := scrape.Body(ctx, s.AdminURL()+"/readyz")
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	b.onStop(s.Stop)
	return s, nil
}

// effort is what a span of load took.
type effort struct {
	result.Stats
	micros      float64 // of weir's processor per request
	busy        float64 // share of one processor that weir used
	collections vitals.Collections
	gcShare     float64 // of weir's processor time
	heapBytes   float64 // allocated per request
}

// plan of one run of load.
type plan struct {
	source      load.Source
	connections int
	arrivals    arrival.Plan  // nil: closed loop
	requests    int64         // run so many and measure nothing
	span        time.Duration // else measure so long, after a warm-up
	warm        time.Duration
	during      func() error // called when the span is over and the load still runs
}

// drive runs load against weir. The processor time of connecting and of the end of the run is not within what is measured.
func (b *bench) drive(ctx context.Context, s *fleet.Sidecar, p plan) (e effort, err error) {
	target, err := load.ParseTarget(s.URL())
	if err != nil {
		return e, err
	}
	if p.connections == 0 {
		p.connections = connections
	}
	if p.warm == 0 {
		p.warm = min(warmTime, p.span)
	}
	r, err := load.New(load.Config{
		Targets: []load.Target{target}, Source: p.source, Arrivals: p.arrivals, Connections: p.connections, Requests: p.requests, Timeout: requestTimeout,
		GiveUp: requestTimeout, Seed: 1,
	})
	if err != nil {
		return e, err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- r.Run(running) }()
	if p.requests > 0 {
		if err := <-ended; err != nil {
			return e, err
		}
		e.Stats = r.Window().Stats
		return e, failures(s.Name, &e.Stats)
	}
	err = b.measure(ctx, s, r, p, &e)
	cancel()
	if over := <-ended; over != nil && err == nil {
		err = over
	}
	if err == nil {
		err = failures(s.Name, &e.Stats)
	}
	return e, err
}

func failures(name string, s *result.Stats) error {
	if s.Errors > 0 {
		return fmt.Errorf("%s: %d of %d requests failed: %v", name, s.Errors, s.Requests, s.Failures)
	}
	if s.Requests == 0 {
		return fmt.Errorf("%s: nothing was answered in the span: the machine has no processor time left, or the server hangs", name)
	}
	return nil
}

// measure looks at a span of a running load.
func (b *bench) measure(ctx context.Context, s *fleet.Sidecar, r *load.Runner, p plan, e *effort) error {
	if err := lapse.Wait(ctx, p.warm); err != nil {
		return err
	}
	follow, err := vitals.Follow(s.LogPath())
	if err != nil {
		return err
	}
	heap, err := allocated(ctx, s)
	if err != nil {
		return err
	}
	before, err := vitals.CPU(s.PID())
	if err != nil {
		return err
	}
	began := time.Now()
	_ = r.Window() // what was before does not count
	if err := lapse.Wait(ctx, p.span); err != nil {
		return err
	}
	after, err := vitals.CPU(s.PID())
	if err != nil {
		return err
	}
	e.Stats = r.Window().Stats
	e.busy = float64(after-before) / float64(time.Since(began))
	if e.collections, err = follow.Next(); err != nil {
		return err
	}
	more, err := allocated(ctx, s)
	if err != nil {
		return err
	}
	if e.Requests > 0 {
		e.micros = float64((after - before).Nanoseconds()) / 1e3 / float64(e.Requests)
		e.heapBytes = (more - heap) / float64(e.Requests)
	}
	e.gcShare = float64(e.collections.CPU) / float64(after-before)
	if p.during != nil {
		return p.during()
	}
	return nil
}

func allocated(ctx context.Context, s *fleet.Sidecar) (float64, error) {
	return gauge(ctx, s, "go_memstats_alloc_bytes_total")
}

// gauge reads one metric of weir.
func gauge(ctx context.Context, s *fleet.Sidecar, name string, labels ...string) (float64, error) {
	m, err := s.Metrics(ctx)
	if err != nil {
		return 0, err
	}
	v, ok := m.Sum(name, labels...)
	if !ok {
		return 0, fmt.Errorf("%s: /metrics has no %s", s.Name, name)
	}
	return v, nil
}

// hitShare keeps a table from calling something a hit that was none.
func (e *effort) hitShare() float64 {
	if n := e.Hits + e.Misses; n > 0 {
		return float64(e.Hits) / float64(n)
	}
	return 0
}

// pss is weir's memory once it has rested a moment.
func (b *bench) pss(ctx context.Context, s *fleet.Sidecar) (int64, error) {
	if err := lapse.Wait(ctx, 300*time.Millisecond); err != nil {
		return 0, err
	}
	m, err := vitals.ReadMemory(s.PID())
	return m.PSS, err
}

// raiseFiles raises the soft limit of open files to the hard one, for this process and those it starts, and says how many connections fit.
func raiseFiles() (connections int, cure string, err error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, "", err
	}
	if l.Cur < l.Max {
		l.Cur = l.Max
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
			return 0, "", fmt.Errorf("raise the limit of open files to %d: %w", l.Max, err)
		}
	}
	const spare = 200 // what is open beside the connections
	fit := int(min(l.Max, 1<<30)) - spare
	return fit, fmt.Sprintf("the hard limit of open files is %d; raise it with: ulimit -Hn %d", l.Max, maxConnections+spare), nil
}
