package truth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/weirproxy/weir/bench/internal/result"
)

// Config of the checks. Bench is needed.
type Config struct {
	Bench string // path of weir-bench, which serves the constant answer
	Quick bool   // short: for a look, not for the record
	Out   io.Writer
}

// Run makes both checks; one that fails costs the other nothing.
func Run(ctx context.Context, cfg Config) (tables []result.Table, err error) {
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	dir, err := os.MkdirTemp("", "weir-truth-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t, pairs := trial{cycle: Cycle{Stall: time.Second, Every: 10 * time.Second}, rate: 1000, cycles: 3, closed: closedLoop}, 15
	if cfg.Quick {
		t, pairs = trial{cycle: Cycle{Stall: 100 * time.Millisecond, Every: time.Second}, rate: 1000, cycles: 3, closed: closedLoop}, 3
	}
	var errs []error
	for _, c := range []struct {
		name string
		run  func() (result.Table, error)
	}{
		{"latency", func() (result.Table, error) { return latencyTable(ctx, t, dir) }},
		{"cpu", func() (result.Table, error) { return cpuTable(ctx, cfg.Bench, pairs, time.Second, dir) }},
	} {
		fmt.Fprintf(cfg.Out, "truth %s\n", c.name)
		table, err := c.run()
		if err != nil {
			errs = append(errs, fmt.Errorf("truth %s: %w", c.name, err))
		}
		if len(table.Rows) > 1 || len(table.Gates) > 0 { // the known answer alone is no measurement
			tables = append(tables, table)
		}
	}
	return tables, errors.Join(errs...)
}
