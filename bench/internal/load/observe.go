package load

import (
	"context"
	"fmt"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// Window is what happened in a part of a run.
type Window struct {
	Seconds float64
	Busy    float64 // share of this time that the generator's threads were on a processor, 0..1
	result.Stats
}

// sample writes a row of the series each second, and ends the run when the target has died.
func (r *Runner) sample(finished <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(sampleInterval)
	defer tick.Stop()
	var asked, answered int64
	quiet := time.Now() // since when nothing was answered
	for {
		select {
		case now := <-tick.C:
			if now.Sub(r.counted) >= sampleInterval/2 { // what the warm-up leaves of its last second belongs to the next row
				r.row(now)
			}
			a, last := r.progress()
			if last != answered || a == asked && r.idle() {
				quiet = now
			}
			asked, answered = a, last
			if r.cfg.GiveUp > 0 && now.Sub(quiet) >= r.cfg.GiveUp {
				cancel(fmt.Errorf("%w: no answer for %s", ErrTargetDied, r.cfg.GiveUp))
				<-finished
				r.row(time.Now())
				return
			}
		case <-finished:
			r.row(time.Now())
			return
		}
	}
}

// idle reports whether nothing waits to be answered: an open loop between two arrivals.
func (r *Runner) idle() bool {
	for _, t := range r.threads {
		if t.asked.Load() != t.concluded.Load() {
			return false
		}
	}
	return true
}

// progress is how many requests were sent, and when the last answer came.
func (r *Runner) progress() (asked, last int64) {
	for _, t := range r.threads {
		asked += t.asked.Load()
		last = max(last, t.lastReply.Load())
	}
	return asked, last
}

// row ends a second of the series.
func (r *Runner) row(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold()
	s := &r.second
	if s.requests > 0 || len(r.series) > 0 {
		if len(r.series) < maxSeries {
			r.series = append(r.series, result.Second{
				At: now.Sub(r.counted).Seconds(), Requests: s.requests, Errors: s.errors, Hits: s.hits, Misses: s.misses,
				P50: s.latency.At(50), P90: s.latency.At(90), P99: s.latency.At(99), Max: s.latency.Max(),
			})
		}
		r.ended = now
	}
	s.reset()
}

// fold moves the threads' newest counts into the window and the second. The caller holds mu.
func (r *Runner) fold() {
	for _, t := range r.threads {
		t.mu.Lock()
		r.window.add(&t.delta)
		r.second.add(&t.delta)
		t.delta.reset()
		t.mu.Unlock()
	}
}

// running reports whether the threads have begun: what they share with others may be read then.
func (r *Runner) running() bool {
	select {
	case <-r.begun:
		return true
	default:
		return false
	}
}

// Window returns what happened since the last call of Window.
func (r *Runner) Window() Window {
	if !r.running() {
		return Window{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold()
	now := time.Now()
	elapsed := now.Sub(r.since)
	r.since = now
	used := r.cpu()
	w := Window{Seconds: elapsed.Seconds(), Busy: r.share(used-r.used, elapsed), Stats: r.window.stats(elapsed)}
	r.used = used
	r.window.reset()
	return w
}

// cpu is the processor time of the threads.
func (r *Runner) cpu() (sum time.Duration) {
	for _, t := range r.threads {
		sum += time.Duration(t.cpu.Load())
	}
	return sum
}

// share is the part of the threads' time that was processor time, 0..1.
func (r *Runner) share(cpu, elapsed time.Duration) float64 {
	whole := elapsed * time.Duration(len(r.threads))
	if whole <= 0 {
		return 0
	}
	return min(1, float64(cpu)/float64(whole))
}

// elapsed is the counted time until the last answer, or until the planned end where that was later and reached: what was due before the end may be answered
// after it, and then the target took longer.
func (r *Runner) elapsed() time.Duration {
	last := r.start
	for _, t := range r.threads {
		if at := r.start.Add(time.Duration(t.lastReply.Load())); at.After(last) {
			last = at
		}
	}
	reached := r.ended
	if !r.end.IsZero() && reached.After(r.end) {
		reached = r.end
	}
	if reached.After(last) && (!r.end.IsZero() && !reached.Before(r.end) || last.Equal(r.start)) {
		last = reached
	}
	return max(0, last.Sub(r.counted))
}

// Result is the run so far, or the whole after Run. Workload, arrivals and thresholds are the caller's to add.
func (r *Runner) Result() result.Run {
	run := result.Run{Loop: "closed", Connections: r.cfg.Connections, Seed: r.cfg.Seed}
	for _, t := range r.cfg.Targets {
		run.Targets = append(run.Targets, t.String())
	}
	if r.cfg.Arrivals != nil {
		run.Loop, run.Arrivals = "open", r.cfg.Arrivals.String()
	}
	if !r.running() {
		return run
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	elapsed := r.elapsed()
	run.Series = append(run.Series, r.series...)
	total := newTally()
	asked := int64(0)
	for i, label := range r.labels {
		sum := newTally()
		for _, t := range r.threads {
			t.mu.Lock()
			sum.add(&t.ops[i])
			t.mu.Unlock()
		}
		total.add(&sum)
		if sum.requests > 0 {
			run.Operations = append(run.Operations, result.Operation{Name: label.Name, Kind: label.Kind, Stats: sum.stats(elapsed)})
		}
	}
	run.Total = total.stats(elapsed)
	g := &run.Generator
	for _, t := range r.threads {
		t.mu.Lock()
		run.Total.Service.Merge(t.service)
		g.Lateness.Merge(t.lateness)
		g.Waited += t.waited
		t.mu.Unlock()
		asked += t.asked.Load()
	}
	g.CPUSeconds = r.cpu().Seconds()
	if asked > 0 {
		g.CPUPerRequest = 1e6 * g.CPUSeconds / float64(asked)
	}
	end := time.Now()
	if !r.ended.IsZero() {
		end = r.ended
	}
	g.Busy = r.share(r.cpu(), end.Sub(r.start))
	return run
}
