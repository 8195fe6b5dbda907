package drive

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/result"
)

// leg is what differs from one run of the generator to the next.
type leg struct {
	arrivals         arrival.Plan // nil: closed loop
	warmup, duration time.Duration
	requests         int64
	seed             uint64
}

// whole is how long the leg takes; 0: not known.
func (l *leg) whole() time.Duration {
	if l.duration == 0 {
		return 0
	}
	return l.warmup + l.duration
}

// outcome is one leg that ended.
type outcome struct {
	run      result.Run
	warnings []result.Warning
	began    time.Time
	elapsed  time.Duration
	err      error // that ended it: the target was not reached, or died
	cut      bool  // ended from outside before its time
}

func has(list []result.Warning, code string) bool {
	for _, w := range list {
		if w.Code == code {
			return true
		}
	}
	return false
}

// once runs one leg with its progress. An error is one of the configuration.
func (d *driver) once(ctx context.Context, l leg, label string) (*outcome, error) {
	r, err := d.cfg.start(l)
	if err != nil {
		return nil, Input(err)
	}
	o := &outcome{began: time.Now()}
	p := &progress{screen: d.screen, quiet: d.cfg.Quiet, label: label, targets: d.targets(), total: l.whole(), warmup: l.warmup, requests: l.requests}
	ended := make(chan error, 1)
	running, end := context.WithCancel(ctx)
	defer end()
	go func() { ended <- r.Run(running) }()
	streams := d.open(running, end, p)
	o.err = d.reached(watch(ctx, r, p, ended, o.began))
	o.elapsed = time.Since(o.began)
	end()
	o.run = r.Result()
	if o.run.Subscriptions, err = streams.wait(); err != nil && o.err == nil && ctx.Err() == nil {
		o.err = &Error{ExitUnreachable, err}
	}
	o.warnings = r.Warnings()
	o.run.Workload = d.cfg.Workload
	o.cut = o.err == nil && ctx.Err() != nil && !l.over(o)
	return o, nil
}

// over reports whether the leg had reached its own end.
func (l *leg) over(o *outcome) bool {
	switch {
	case l.requests > 0 && o.run.Total.Requests >= l.requests:
		return true
	case l.duration > 0:
		return o.elapsed >= l.whole()
	}
	return l.requests == 0 && endless(l.arrivals) // only Ctrl-C ends it
}

// endless reports whether a plan has no end of its own.
func endless(p arrival.Plan) bool {
	if p == nil {
		return true
	}
	times := p.Times(0, 1, 1)
	const far = 1 << 22 // arrivals
	for range far {
		if _, more := times.Next(); !more {
			return false
		}
	}
	return true
}

// watch shows a window each second until the leg has ended.
func watch(ctx context.Context, r runner, p *progress, ended <-chan error, began time.Time) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	stopped := ctx.Done()
	for {
		select {
		case <-stopped:
			stopped = nil
			p.stopping()
		case err := <-ended:
			p.end()
			return err
		case <-tick.C:
			p.show(time.Since(began), r.Window())
		}
	}
}

// streams are the subscriptions of a leg.
type streams struct {
	running sync.WaitGroup
	mu      sync.Mutex
	results []*result.Subscriptions
	errs    []error
}

// open starts the subscriptions; they end with ctx. One that cannot be opened at all ends the whole leg.
func (d *driver) open(ctx context.Context, end func(), p *progress) *streams {
	s := &streams{}
	for i, stream := range d.cfg.Streams {
		s.running.Go(func() {
			got, err := stream(ctx, func(open, events int64) { p.streams.set(i, open, events) }, p.streamFailed)
			s.mu.Lock()
			defer s.mu.Unlock()
			if got != nil {
				s.results = append(s.results, got)
			}
			if err != nil {
				s.errs = append(s.errs, err)
				end()
			}
		})
	}
	return s
}

// wait adds all of them up.
func (s *streams) wait() (*result.Subscriptions, error) {
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.results) == 0 {
		return nil, errors.Join(s.errs...)
	}
	sum := *s.results[0]
	for _, o := range s.results[1:] {
		add(&sum, o)
	}
	return &sum, errors.Join(s.errs...)
}

func add(sum, o *result.Subscriptions) {
	sum.Name += ", " + o.Name
	if sum.Protocol != o.Protocol {
		sum.Protocol += ", " + o.Protocol
	}
	sum.Wanted += o.Wanted
	sum.Opened += o.Opened
	sum.Open += o.Open
	sum.Errors += o.Errors
	failures := map[string]int64{}
	for _, m := range []map[string]int64{sum.Failures, o.Failures} {
		for kind, n := range m {
			failures[kind] += n
		}
	}
	if sum.Failures = nil; len(failures) > 0 {
		sum.Failures = failures
	}
	sum.Events += o.Events
	sum.Bytes += o.Bytes
	sum.PerSecond += o.PerSecond
	sum.Setup = merged(sum.Setup, o.Setup)
	sum.Delay = merged(sum.Delay, o.Delay)
}

func merged(a, b result.Histogram) result.Histogram {
	c := a.Clone()
	c.Merge(b)
	return c
}
