package full

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/compare"
	"github.com/weirproxy/weir/bench/internal/federation"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/growth"
	"github.com/weirproxy/weir/bench/internal/result"
	"github.com/weirproxy/weir/bench/internal/soak"
	"github.com/weirproxy/weir/bench/internal/truth"
)

// Config of a run. Binaries and Dir are needed.
type Config struct {
	Binaries fleet.Binaries
	Dir      string        // takes RESULTS.md and the folder results
	Only     []string      // names of parts to measure; the others stay as they were
	Quick    bool          // short: for a look, not for the record
	Soak     time.Duration // length of the part soak; 20 minutes when 0
	NPM      string        // folder of npm packages, for compare; "": the user's
	Fedbench string        // folder of the federation kit, for federation
	Hive     string        // binary of Hive Router, for federation; "": that of PATH
	Version  string
	Command  []string
	Out      io.Writer
}

// part is one measurement. It fills in the file; an error beside what it filled in makes the file partial.
type part struct {
	name    string
	regular bool // measured when no part is named
	run     func(context.Context, *Config, *result.File) error
}

func parts() []part {
	return []part{
		{"truth", true, runTruth},
		{"compare", true, runCompare},
		{"growth", true, runGrowth("connections", "bytes", "operations", "tags", "tombstones", "events")},
		{"hits", true, runGrowth("hits")},
		{"footprint", true, runGrowth("footprint")},
		{"federation", false, runFederation},
		{"soak", false, runSoak},
	}
}

// Names of the parts.
func Names() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

func runTruth(ctx context.Context, cfg *Config, f *result.File) (err error) {
	f.Tables, err = truth.Run(ctx, truth.Config{Bench: cfg.Binaries.Bench, Quick: cfg.Quick, Out: cfg.Out})
	return err
}

func runCompare(ctx context.Context, cfg *Config, f *result.File) (err error) {
	c := compare.Config{Binaries: cfg.Binaries, Instances: 7, Rounds: 3, Piece: time.Second, Seed: 1, NPM: cfg.NPM, Progress: cfg.Out}
	if cfg.Quick {
		c.Instances, c.Rounds, c.Piece, c.Rows, c.Peers, c.HeapRequests = 3, 3, 500*time.Millisecond, []string{"1", "2", "3", "5", "7"}, []string{}, 100_000
	}
	f.Compare, f.Warnings, err = compare.Run(ctx, c)
	return err
}

func runGrowth(names ...string) func(context.Context, *Config, *result.File) error {
	return func(ctx context.Context, cfg *Config, f *result.File) (err error) {
		f.Tables, err = growth.Run(ctx, growth.Config{Binaries: cfg.Binaries, Quick: cfg.Quick, Out: cfg.Out}, names...)
		return err
	}
}

func runFederation(ctx context.Context, cfg *Config, f *result.File) (err error) {
	f.Tables, f.Warnings, err = federation.Run(ctx, federation.Config{
		Weir: cfg.Binaries.Weir, Kit: cfg.Fedbench, Hive: federation.FindHive(cfg.Hive), Quick: cfg.Quick, Out: cfg.Out,
	})
	return err
}

// SoakTime is the usual length of the part soak.
const SoakTime = 20 * time.Minute

const soakRate = 400

func runSoak(ctx context.Context, cfg *Config, f *result.File) error {
	c := soak.Config{Binaries: cfg.Binaries, Duration: cmp.Or(cfg.Soak, SoakTime), Rate: soakRate, Out: cfg.Out}
	if cfg.Quick {
		c.Duration = time.Minute
	}
	out, err := soak.Run(ctx, c)
	if out != nil {
		f.Tables = out.Tables
	}
	return err
}

// Run measures the parts and writes everything. The error joins what could not be measured and what could not be written; missed says how many gates were missed
// in all that RESULTS.md holds.
func Run(ctx context.Context, cfg Config) (missed int, err error) {
	for _, name := range cfg.Only {
		if !slices.Contains(Names(), name) {
			return 0, fmt.Errorf("full: no part %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, resultsFolder), 0o755); err != nil {
		return 0, err
	}
	var errs []error
	for _, p := range parts() {
		if len(cfg.Only) == 0 && !p.regular || len(cfg.Only) > 0 && !slices.Contains(cfg.Only, p.name) {
			continue
		}
		if ctx.Err() != nil {
			errs = append(errs, fmt.Errorf("%s: not measured: %w", p.name, context.Cause(ctx)))
			continue
		}
		if err := measure(ctx, &cfg, &p); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	missed, err = Write(cfg.Dir)
	return missed, errors.Join(append(errs, err)...)
}

// measure runs one part and stores its file. When nothing could be measured the file of an earlier run stays.
func measure(ctx context.Context, cfg *Config, p *part) error {
	fmt.Fprintf(cfg.Out, "== %s\n", p.name)
	f := &result.File{Format: result.Format, Command: cfg.Command, Version: cfg.Version, Started: time.Now(), Machines: []result.Machine{result.Here()}}
	err := p.run(ctx, cfg, f)
	f.Seconds = time.Since(f.Started).Seconds()
	if err != nil {
		f.Partial = err.Error()
	}
	fmt.Fprintf(cfg.Out, "== %s: %.0f s\n", p.name, f.Seconds)
	if f.Compare == nil && len(f.Tables) == 0 {
		if err == nil {
			err = errors.New("nothing was measured")
		}
		return err
	}
	return errors.Join(err, f.Write(filepath.Join(cfg.Dir, resultsFolder, p.name+".json")))
}

// stored reads what there is of each part.
func stored(dir string) (files map[string]*result.File, err error) {
	files = map[string]*result.File{}
	for _, name := range Names() {
		f, e := result.Read(filepath.Join(dir, resultsFolder, name+".json"))
		switch {
		case errors.Is(e, fs.ErrNotExist):
		case e != nil:
			err = errors.Join(err, e)
		default:
			files[name] = f
		}
	}
	return files, err
}
