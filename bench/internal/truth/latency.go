package truth

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/lapse"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	p99Tolerance = 0.02
	openLoop     = 256 // connections
	closedLoop   = 64
	givenTime    = 20 * time.Second
)

// trial is one check of latencies.
type trial struct {
	cycle  Cycle
	rate   float64
	cycles int
	closed int // connections of a closed loop
}

// afterStall waits until a stall has just ended, so that a run of whole cycles ends outside one too.
func (s *Server) afterStall(ctx context.Context) error {
	margin := min((s.cycle.Every-s.cycle.Stall)/10, 100*time.Millisecond)
	age := time.Since(s.begun) % s.cycle.Every
	return lapse.Wait(ctx, (s.cycle.Stall+margin-age+s.cycle.Every)%s.cycle.Every)
}

// drive measures whole cycles with the generator: an open loop at the rate, or a closed one when it is 0.
func (t trial) drive(ctx context.Context, s *Server, rate float64) (result.Stats, error) {
	target, err := load.ParseTarget(s.URL())
	if err != nil {
		return result.Stats{}, err
	}
	cfg := load.Config{
		Targets: []load.Target{target}, Source: sameBody(), Connections: t.closed, Duration: time.Duration(t.cycles) * t.cycle.Every, Timeout: givenTime, Seed: 1,
	}
	if rate > 0 {
		cfg.Connections, cfg.Arrivals = openLoop, arrival.Constant(rate)
	}
	r, err := load.New(cfg)
	if err != nil {
		return result.Stats{}, err
	}
	if err := s.afterStall(ctx); err != nil {
		return result.Stats{}, err
	}
	if err := r.Run(ctx); err != nil {
		return result.Stats{}, err
	}
	total := r.Result().Total
	if ctx.Err() != nil {
		return total, context.Cause(ctx)
	}
	if total.Errors > 0 {
		return total, fmt.Errorf("%d of %d requests failed: %v", total.Errors, total.Requests, total.Failures)
	}
	return total, nil
}

// percentiles of a histogram in ms, as the columns of the table.
func percentiles(h result.Histogram) []float64 {
	var row []float64
	for _, p := range []float64{50, 90, 95, 99} {
		row = append(row, float64(h.At(p))/1e3)
	}
	return append(row, float64(h.Max())/1e3)
}

// latencyTable compares what must come out with what the generator, and wrk, report. A missing wrk is said in the text and costs the rest nothing.
func latencyTable(ctx context.Context, t trial, dir string) (table result.Table, err error) {
	table = result.Table{
		Name: "truth-latency", Title: "The generator under a server that stalls",
		Text: fmt.Sprintf("The server answers nothing for %s of every %s. At a constant %.0f requests a second the latency from the due time is known: the quantile q is max(0, %[1]s − (1 − q) · %[2]s). "+
			"A closed loop sends one request per connection into each stall and then waits, so almost none of its answers are late: its percentiles hide the stall. wrk adds latencies of requests "+
			"that it never sent, at the mean interval of its connections, to what it measured.", t.cycle.Stall, t.cycle.Every, t.rate),
		Columns: []result.Column{{Name: "p50", Unit: "ms"}, {Name: "p90", Unit: "ms"}, {Name: "p95", Unit: "ms"}, {Name: "p99", Unit: "ms"}, {Name: "highest", Unit: "ms"}, {Name: "requests"}},
	}
	s, err := Start(t.cycle)
	if err != nil {
		return table, err
	}
	defer func() {
		if e := s.Close(); err == nil {
			err = e
		}
	}()
	row := func(label string, v []float64, requests int64) {
		table.Labels, table.Rows = append(table.Labels, label), append(table.Rows, append(v, float64(requests)))
	}
	var known []float64
	for _, q := range []float64{0.50, 0.90, 0.95, 0.99, 1} {
		known = append(known, float64(t.cycle.Quantile(q))/1e6)
	}
	row("known", known, int64(t.rate*(time.Duration(t.cycles)*t.cycle.Every).Seconds()))
	open, err := t.drive(ctx, s, t.rate)
	if err != nil {
		return table, fmt.Errorf("open loop: %w", err)
	}
	row("weir-bench, open loop", percentiles(open.Latency), open.Requests)
	off := math.Abs(float64(open.Latency.At(99))/1e3/known[3] - 1)
	table.Gates = append(table.Gates, result.Row{
		Row: "truth", What: "p99 in the open loop, off the known answer", Unit: "%", Value: interval(100 * off), Gate: 100 * p99Tolerance, Aim: 100 * p99Tolerance, Pass: off <= p99Tolerance,
	})
	closed, err := t.drive(ctx, s, 0)
	if err != nil {
		return table, fmt.Errorf("closed loop: %w", err)
	}
	row("weir-bench, closed loop, as measured", percentiles(closed.Latency), closed.Requests)
	if err := s.afterStall(ctx); err != nil {
		return table, err
	}
	w, err := runWrk(ctx, dir, s.URL(), t.closed, time.Duration(t.cycles)*t.cycle.Every, sameBody().body)
	if err != nil {
		table.Text += fmt.Sprintf(" wrk was not measured: %v.", err)
		return table, ctx.Err()
	}
	inMS := func(d time.Duration) float64 { return float64(d) / 1e6 }
	row("wrk, closed loop, as it reports (no p95)", []float64{inMS(w.P50), inMS(w.P90), 0, inMS(w.P99), inMS(w.Max)}, w.Requests)
	return table, nil
}

func interval(v float64) result.Interval {
	return result.Interval{Median: v, Low: v, High: v, Min: v, Max: v, N: 1}
}
