package growth

import (
	"context"
	"fmt"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	fewItems  = 1000
	smallBody = 1 << 10
)

func item(size int) func([]byte, int) []byte {
	return func(dst []byte, n int) []byte { return itemBody(dst, "Item", n, size) }
}

// fill asks for every thing of the source once.
func (b *bench) fill(ctx context.Context, s *fleet.Sidecar, src *source) error {
	once := *src
	once.inOrder = true
	once.next.Store(0)
	_, err := b.drive(ctx, s, plan{source: &once, requests: int64(src.things)})
	return err
}

func connectionsTable(ctx context.Context, cfg *Config) (t result.Table, err error) {
	t = result.Table{
		Name: "growth-connections", Title: "Client connections",
		Text: "Cache hits of 1 KiB in a closed loop over so many keep-alive connections; idle ones have sent one request and then stay. Bound: limits.connections (10,000 as shipped); " +
			"one more is answered 503. A connection costs one goroutine and its read buffer.",
		Columns: []result.Column{
			{Name: "connections"},
			{Name: "hits", Unit: "1/s"},
			{Name: "CPU per request", Unit: "µs"},
			{Name: "p99", Unit: "ms"},
			{Name: "PSS idle", Unit: "MiB"},
			{Name: "PSS busy", Unit: "MiB"},
			{Name: "per idle connection", Unit: "B"},
			{Name: "per busy connection", Unit: "B"},
		},
		Plot: &result.Plot{X: 0, Y: []int{2, 5}, LogX: true},
	}
	if err := pin(); err != nil {
		return t, err
	}
	fit, cure, err := raiseFiles()
	if err != nil {
		return t, err
	}
	points, span := pick(cfg, []int{1, 10, 100, 1000, maxConnections}, []int{1, 10, 100}, 4*time.Second)
	b, err := newBench(cfg)
	if err != nil {
		return t, err
	}
	defer b.stop(&err)
	up, err := b.origin()
	if err != nil {
		return t, err
	}
	s, err := b.weir(ctx, "connections", up, fmt.Sprintf("limits: {connections: %d}\n", maxConnections+100))
	if err != nil {
		return t, err
	}
	src := newSource(fewItems, true, item(smallBody))
	if err := b.fill(ctx, s, src); err != nil {
		return t, err
	}
	base, err := b.pss(ctx, s)
	if err != nil {
		return t, err
	}
	for _, n := range points {
		if n > fit {
			t.Text += fmt.Sprintf(" %d connections were not tried: %s.", n, cure)
			b.say("%d connections are more than fit: %s", n, cure)
			continue
		}
		idle, err := b.idleConnections(ctx, s, n)
		if err != nil {
			return t, err
		}
		var busy int64
		e, err := b.drive(ctx, s, plan{source: src.drawn(0), connections: n, span: span, during: func() (err error) {
			busy, err = b.pss(ctx, s)
			return err
		}})
		if err != nil {
			return t, err
		}
		if e.hitShare() < 0.99 {
			return t, fmt.Errorf("%d connections: only %.1f %% of the answers were hits", n, 100*e.hitShare())
		}
		per := func(pss int64) float64 { return float64(max(0, pss-base)) / float64(n) }
		t.Rows = append(t.Rows, []float64{
			float64(n), e.Rate, e.micros, float64(e.Latency.At(99)) / 1e3, mib(idle), mib(busy), per(idle), per(busy),
		})
		b.say("%6d connections: %8.0f hits/s, %5.1f µs, PSS %.1f MiB idle, %.1f busy", n, e.Rate, e.micros, mib(idle), mib(busy))
	}
	return t, nil
}

// idleConnections reads weir's memory while n connections rest.
func (b *bench) idleConnections(ctx context.Context, s *fleet.Sidecar, n int) (pss int64, err error) {
	open, err := connect(ctx, s, n)
	defer closeAll(open)
	if err != nil {
		return 0, err
	}
	return b.pss(ctx, s)
}

// connect opens n connections and sends one request over each; those that are open come with an error too.
func connect(ctx context.Context, s *fleet.Sidecar, n int) (open []*load.Conn, err error) {
	target, err := load.ParseTarget(s.URL())
	if err != nil {
		return nil, err
	}
	body := itemBody(nil, "Item", 1, smallBody)
	for range n {
		c := load.NewConn(target)
		open = append(open, c)
		a, err := c.Post(ctx, body, requestTimeout)
		if err != nil {
			return open, fmt.Errorf("connection %d of %d: %w", len(open), n, err)
		}
		if !a.OK() {
			return open, fmt.Errorf("connection %d of %d: %s answered %d %s", len(open), n, s.Name, a.Status, a.WeirError)
		}
	}
	return open, nil
}

func closeAll(open []*load.Conn) {
	for _, c := range open {
		c.Close()
	}
}
