package soak

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// Watcher samples subjects at an interval.
type Watcher struct {
	subjects []Subject
	begun    time.Time

	mu      sync.Mutex
	samples [][]sample // by subject
	heaps   [][]heap   // by subject
	errors  int
	lastErr error
}

type sample struct {
	at     float64 // seconds since the start
	values map[string]float64
}

// NewWatcher makes a watcher; time counts from now.
func NewWatcher(subjects ...Subject) *Watcher {
	return &Watcher{subjects: subjects, begun: time.Now(), samples: make([][]sample, len(subjects)), heaps: make([][]heap, len(subjects))}
}

// Run samples until ctx ends. A sample that cannot be had is counted: a subject that is busy or restarted costs no more than its point.
func (w *Watcher) Run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		w.once(ctx, n%heapStride == 0)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// once takes one sample of every subject, with a collection forced first and the live heap read where that is wanted.
func (w *Watcher) once(ctx context.Context, collect bool) {
	for i := range w.subjects {
		limited, cancel := context.WithTimeout(ctx, sampleTime)
		v, err := w.subjects[i].read(limited)
		if err == nil && collect {
			err = w.readHeap(limited, i, v)
		}
		cancel()
		if ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		if err != nil {
			w.errors, w.lastErr = w.errors+1, err
		} else {
			w.samples[i] = append(w.samples[i], sample{time.Since(w.begun).Seconds(), v})
		}
		w.mu.Unlock()
	}
}

// Last is the newest sample of a subject, nil when there is none.
func (w *Watcher) Last(subject int) map[string]float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.samples[subject]); n > 0 {
		return w.samples[subject][n-1].values
	}
	return nil
}

// series of one gauge of one subject from a time on.
func (w *Watcher) series(subject int, name string, from float64) (seconds, values []float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.samples[subject] {
		if v, ok := s.values[name]; ok && s.at >= from {
			seconds, values = append(seconds, s.at), append(values, v)
		}
	}
	return seconds, values
}

// Judged is one gauge of one subject.
type Judged struct {
	Subject, Gauge, Unit string
	Slope                Slope
	Limit                float64 // per hour
	Verdict              string
}

const (
	maxBlocks = 120
	// maxFigure stands for an interval without bounds in files, which hold finite numbers only.
	maxFigure = 1e15
)

// remark says what a verdict asks for.
func remark(verdict string) string {
	if verdict == Unsure {
		return "unsure: run longer"
	}
	return verdict
}

// Judge estimates every slope after the warm-up.
func (w *Watcher) Judge(warmup time.Duration) (out []Judged) {
	for i, s := range w.subjects {
		for _, g := range gauges() {
			seconds, values := w.series(i, g.name, warmup.Seconds())
			if len(values) == 0 {
				continue
			}
			slope := TheilSen(Blocks(seconds, values, maxBlocks))
			out = append(out, Judged{s.Name, g.name, g.unit, slope, g.tolerance.Limit(slope.Level), g.tolerance.Verdict(slope)})
		}
	}
	return out
}

// SlopeTable shows what was judged, in MiB where bytes were counted, with one gate for each gauge.
func SlopeTable(judged []Judged, warmup, whole time.Duration) result.Table {
	t := result.Table{
		Name: "soak-slopes", Title: "What grows",
		Text: fmt.Sprintf("Theil–Sen slopes per hour, with 95 %% intervals, over %s after %s of warm-up. Growing: the whole interval lies beyond the tolerance. Flat: the whole interval lies within it. "+
			"Unsure: it holds both, run longer.", (whole - warmup).Round(time.Second), warmup.Round(time.Second)),
		Columns: []result.Column{{Name: "level"}, {Name: "slope", Unit: "1/h"}, {Name: "low", Unit: "1/h"}, {Name: "high", Unit: "1/h"}, {Name: "tolerance", Unit: "1/h"}, {Name: "samples"}},
	}
	for _, j := range judged {
		scale, unit := 1.0, j.Unit
		if unit == "B" {
			scale, unit = 1.0/mib, "MiB"
		}
		finite := func(v float64) float64 { return math.Max(-maxFigure, math.Min(maxFigure, v*scale)) }
		label := j.Subject + " " + j.Gauge
		if unit != "" {
			label += ", " + unit
		}
		t.Labels = append(t.Labels, label)
		t.Rows = append(t.Rows, []float64{
			finite(j.Slope.Level), finite(j.Slope.PerHour), finite(j.Slope.Low), finite(j.Slope.High), finite(j.Limit), float64(j.Slope.N),
		})
		t.Gates = append(t.Gates, result.Row{
			Row: "soak", What: j.Subject + " " + j.Gauge, Unit: unit + "/h", Gate: finite(j.Limit), Pass: j.Verdict == Flat, Unsure: j.Verdict == Unsure, Remark: remark(j.Verdict),
			Value: result.Interval{
				Median: finite(j.Slope.PerHour), Low: finite(j.Slope.Low), High: finite(j.Slope.High), Min: finite(j.Slope.Low), Max: finite(j.Slope.High), N: j.Slope.N,
			},
		})
	}
	return t
}
