package growth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/lapse"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

const eventsDrain = 5 * time.Second

func eventsTable(ctx context.Context, cfg *Config) (t result.Table, err error) {
	t = result.Table{
		Name: "growth-events", Title: "Cost events per second",
		Text: "Cache hits in an open loop, one cost event each, sent to a broker that speaks Kafka's protocol in a process of its own; the last row is a closed loop, as fast as it goes. " +
			"Beside it the same without a broker, where events are priced and counted but not encoded. Bound: the ring of 16,384 records (4.4 MiB); what does not fit is dropped, counted and told on weir.loss, " +
			"and no request waits.",
		Columns: []result.Column{
			{Name: "requests", Unit: "1/s"},
			{Name: "events acknowledged", Unit: "1/s"},
			{Name: "CPU per request", Unit: "µs"},
			{Name: "CPU per request without a broker", Unit: "µs"},
			{Name: "weir's processor", Unit: "%"},
			{Name: "dropped", Unit: "%"},
			{Name: "waiting at the end"},
			{Name: "PSS", Unit: "MiB"},
		},
		Plot: &result.Plot{X: 0, Y: []int{2, 3}, LogX: true},
	}
	if err := pin(); err != nil {
		return t, err
	}
	rates, span := pick(cfg, []float64{500, 1000, 2000, 5000, 10_000, 20_000, 0}, []float64{1000, 5000, 0}, 4*time.Second)
	b, err := newBench(cfg)
	if err != nil {
		return t, err
	}
	defer b.stop(&err)
	kafka, without, err := b.eventPair(ctx)
	if err != nil {
		return t, err
	}
	src := newSource(fewItems, true, item(smallBody))
	if err := errors.Join(b.fill(ctx, kafka, src), b.fill(ctx, without, src)); err != nil {
		return t, err
	}
	for _, rate := range rates {
		row, err := b.events(ctx, kafka, without, src.drawn(0), rate, span)
		if err != nil {
			return t, fmt.Errorf("%g events a second: %w", rate, err)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// eventPair starts the broker, and weir with and without it.
func (b *bench) eventPair(ctx context.Context) (kafka, without *fleet.Sidecar, err error) {
	up, err := b.origin()
	if err != nil {
		return nil, nil, err
	}
	address, err := fleet.FreeAddress()
	if err != nil {
		return nil, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	broker, err := fleet.Start(limited, fleet.Spec{
		Name: "broker", Path: b.cfg.Binaries.Bench, Args: []string{"broker", "--listen", address}, Dir: b.dir, CPU: otherCPU, Ready: fleet.Listens(address),
	})
	if err != nil {
		return nil, nil, err
	}
	b.onStop(broker.Stop)
	if kafka, err = b.weir(ctx, "events", up, "", "--kafka", address); err != nil {
		return nil, nil, err
	}
	without, err = b.weir(ctx, "no-events", up, "")
	return kafka, without, err
}

// events measures one rate; 0 is a closed loop.
func (b *bench) events(ctx context.Context, kafka, without *fleet.Sidecar, src *source, rate float64, span time.Duration) ([]float64, error) {
	var arrivals arrival.Plan
	if rate > 0 {
		arrivals = arrival.Constant(rate)
	}
	p := plan{source: src, arrivals: arrivals, span: span}
	var before, after eventCounts
	var err error
	if before, err = countEvents(ctx, kafka); err != nil {
		return nil, err
	}
	began := time.Now()
	p.during = func() (err error) {
		after, err = countEvents(ctx, kafka)
		return err
	}
	e, err := b.drive(ctx, kafka, p)
	if err != nil {
		return nil, err
	}
	seconds := time.Since(began).Seconds()
	p.during = nil
	bare, err := b.drive(ctx, without, p)
	if err != nil {
		return nil, err
	}
	pss, err := b.pss(ctx, kafka)
	if err != nil {
		return nil, err
	}
	dropped := 0.0
	if n := after.emitted - before.emitted; n > 0 {
		dropped = 100 * (after.dropped - before.dropped) / n
	}
	acked := (after.acked - before.acked) / seconds
	b.say("%8.0f/s: %8.0f events/s acknowledged, %.1f µs a request (%.1f without), %.2f %% dropped, %.0f waiting", e.Rate, acked, e.micros, bare.micros, dropped, after.waiting)
	if err := b.drained(ctx, kafka); err != nil {
		return nil, err
	}
	return []float64{e.Rate, acked, e.micros, bare.micros, 100 * e.busy, dropped, after.waiting, mib(pss)}, nil
}

type eventCounts struct{ emitted, acked, dropped, waiting float64 }

func countEvents(ctx context.Context, s *fleet.Sidecar) (c eventCounts, err error) {
	m, err := s.Metrics(ctx)
	if err != nil {
		return c, err
	}
	return countsOf(m), nil
}

func countsOf(m scrape.Metrics) (c eventCounts) {
	c.emitted, _ = m.Sum("weir_events_emitted_total")
	c.acked, _ = m.Sum("weir_events_acked_total")
	c.dropped, _ = m.Sum("weir_events_dropped_total")
	c.waiting, _ = m.Sum("weir_events_waiting")
	return c
}

// drained waits until what waited has been sent, so that one point does not burden the next.
func (b *bench) drained(ctx context.Context, s *fleet.Sidecar) error {
	until := time.Now().Add(eventsDrain)
	for {
		c, err := countEvents(ctx, s)
		if err != nil || c.waiting == 0 || time.Now().After(until) {
			return err
		}
		if err := lapse.Wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}
