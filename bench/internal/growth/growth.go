package growth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/result"
)

// Config of a run. Binaries are needed.
type Config struct {
	Binaries fleet.Binaries
	Quick    bool // small points and short pieces: for a look, not for the record
	Out      io.Writer

	tiny bool // two points of an instant, for tests
}

// pick chooses the points of a part and how long each is measured.
func pick[P any](cfg *Config, all, quick []P, span time.Duration) ([]P, time.Duration) {
	switch {
	case cfg.tiny:
		return quick[:2], span / 20
	case cfg.Quick:
		return quick, span / 4
	}
	return all, span
}

// part is one table.
type part struct {
	name  string
	short string
	run   func(context.Context, *Config) (result.Table, error)
}

func parts() []part {
	return []part{
		{"connections", "client connections, busy and idle", connectionsTable},
		{"bytes", "cached entries and bytes, with the collector's share", bytesTable},
		{"operations", "distinct operations, beyond the bound of the plans", operationsTable},
		{"tags", "tags of an entry", tagsTable},
		{"tombstones", "names remembered as invalidated, beyond their bound", tombstonesTable},
		{"events", "cost events per second, with a broker", eventsTable},
		{"hits", "hit ratio against LRU and a cache that knows the future", hitsTable},
		{"footprint", "start to ready, size of the binaries, idle processor time", footprintTable},
	}
}

// Names of the parts, in order, each with a few words.
func Names() (names, words []string) {
	for _, p := range parts() {
		names, words = append(names, p.name), append(words, p.short)
	}
	return names, words
}

// Check says which of the names is no part's.
func Check(names ...string) error {
	all, _ := Names()
	for _, name := range names {
		if !slices.Contains(all, name) {
			return fmt.Errorf("growth: no part %q; there are %s", name, strings.Join(all, ", "))
		}
	}
	return nil
}

// Run measures the named parts, all when there are none. A part that fails costs the others nothing: its error is among those returned beside the tables.
func Run(ctx context.Context, cfg Config, names ...string) ([]result.Table, error) {
	if err := Check(names...); err != nil {
		return nil, err
	}
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	var tables []result.Table
	var errs []error
	for _, p := range parts() {
		if len(names) > 0 && !slices.Contains(names, p.name) {
			continue
		}
		if ctx.Err() != nil {
			errs = append(errs, fmt.Errorf("growth %s: %w", p.name, context.Cause(ctx)))
			continue
		}
		began := time.Now()
		fmt.Fprintf(cfg.Out, "growth %s: %s\n", p.name, p.short)
		t, err := p.run(ctx, &cfg)
		if err != nil {
			errs = append(errs, fmt.Errorf("growth %s: %w", p.name, err))
			fmt.Fprintf(cfg.Out, "  failed after %.0f s: %v\n", time.Since(began).Seconds(), err)
		}
		if len(t.Rows) > 0 { // what was measured before an error counts
			tables = append(tables, t)
			fmt.Fprintf(cfg.Out, "  done in %.0f s\n", time.Since(began).Seconds())
		}
	}
	return tables, errors.Join(errs...)
}

// bench is what one part runs on: a folder, and what has to be undone.
type bench struct {
	cfg   *Config
	dir   string
	stops []func() error
}

func newBench(cfg *Config) (*bench, error) {
	dir, err := os.MkdirTemp("", "weir-growth-")
	if err != nil {
		return nil, err
	}
	b := &bench{cfg: cfg, dir: dir}
	b.onStop(func() error { return os.RemoveAll(dir) })
	return b, nil
}

func (b *bench) onStop(f func() error) { b.stops = append(b.stops, f) }

// stop undoes everything, the last first, and joins what went wrong to *err.
func (b *bench) stop(err *error) {
	for _, f := range slices.Backward(b.stops) {
		*err = errors.Join(*err, f())
	}
	b.stops = nil
}

// say prints one line of progress.
func (b *bench) say(format string, a ...any) { fmt.Fprintf(b.cfg.Out, "  "+format+"\n", a...) }

// write puts a file into the folder.
func (b *bench) write(name, text string) (string, error) {
	path := filepath.Join(b.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// atMost makes the row of a gate that one value must hold.
func atMost(row, what, unit string, value result.Interval, gate, aim float64, remark string) result.Row {
	return result.Row{Row: row, What: what, Unit: unit, Value: value, Gate: gate, Aim: aim, Pass: value.Median <= gate, Remark: remark}
}

func single(v float64) result.Interval {
	return result.Interval{Median: v, Low: v, High: v, Min: v, Max: v, N: 1}
}
