package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/weirproxy/weir/bench/internal/live"
	"github.com/weirproxy/weir/bench/internal/result"
)

// driver is one call of Run.
type driver struct {
	cfg     *Config
	screen  *live.Screen
	witness witness

	mu       sync.Mutex
	failures []string // first of each kind, of a quiet run
}

// Run does what cfg says, prints the summary to stdout and progress to stderr, and writes the result file. The error decides the exit code (ExitCode); when it
// is ErrMissed everything was printed. The file is nil when there is nothing to report.
func Run(ctx context.Context, cfg Config, stdout, stderr io.Writer) (*result.File, error) {
	if err := cfg.prepare(); err != nil {
		return nil, err
	}
	d := &driver{cfg: &cfg, screen: live.New(stderr, cfg.Width)}
	d.witness = witness{Source: cfg.Load.Source, tell: d.failed, seen: map[string]bool{}}
	if cfg.start == nil {
		cfg.start = d.generator
	}
	o, err := d.measure(ctx)
	switch {
	case err != nil:
		return nil, err
	case o.err != nil && o.run.Total.Requests == 0:
		return nil, o.err
	}
	f := d.file(o)
	holds := judge(cfg.Thresholds, f.Run) && (cfg.Search == nil || f.Run.HighestRate > 0)
	if cfg.JSON {
		err = f.Encode(stdout)
	} else {
		_, err = io.WriteString(stdout, d.summary(f))
	}
	if cfg.Out != "" {
		err = errors.Join(err, f.Write(cfg.Out)) // after the figures were printed: they are not lost with the file
	}
	switch {
	case o.err != nil:
		return f, errors.Join(o.err, err)
	case err == nil && (o.cut || !holds):
		err = ErrMissed
	}
	return f, err
}

// failed shows the first failure of a kind at once, or in the summary of a quiet run.
func (d *driver) failed(text string) {
	if !d.cfg.Quiet {
		d.screen.Say("%s", text)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures = append(d.failures, text)
}

func (d *driver) measure(ctx context.Context) (*outcome, error) {
	if err := d.await(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	var o *outcome
	var err error
	if d.cfg.Search != nil {
		o, err = d.search(ctx)
	} else {
		o, err = d.once(ctx, d.cfg.leg(), d.cfg.Title)
	}
	if err == nil {
		o.began, o.elapsed = began, time.Since(began)
	}
	return o, err
}

// file is what the outcome leaves behind.
func (d *driver) file(o *outcome) *result.File {
	f := &result.File{
		Format: result.Format, Command: d.cfg.Command, Version: d.cfg.Version, Started: o.began.UTC(), Seconds: o.elapsed.Seconds(),
		Machines: []result.Machine{result.Here()}, Run: &o.run,
	}
	f.Warnings = append(f.Warnings, o.warnings...)
	switch {
	case o.err != nil:
		f.Partial = o.err.Error()
		if ExitCode(o.err) == ExitUnreachable {
			f.Warnings = append(f.Warnings, result.Warning{Code: result.WarnTarget, Text: "the figures end with the target: " + o.err.Error()})
		}
	case o.cut:
		f.Partial = fmt.Sprintf("interrupted after %.1f s", o.elapsed.Seconds())
	}
	if !has(f.Warnings, result.WarnShort) {
		f.Warnings = append(f.Warnings, distrust(&o.run, d.cfg.Thresholds)...)
	}
	return f
}

// targets names where the load goes.
func (d *driver) targets() string { return strings.Join(d.cfg.targets(), " ") }

// prepare refuses what cannot work before anything is sent.
func (c *Config) prepare() error {
	if c.Title == "" {
		c.Title = "run"
	}
	if err := known(c.Thresholds, c.labels()); err != nil {
		return err
	}
	if s := c.Search; s != nil {
		copied := *s
		c.Search = &copied
		if err := c.Search.complete(c.Thresholds); err != nil {
			return err
		}
	}
	if c.Await < 0 {
		return inputf("--wait %s: a time to wait is not negative", c.Await)
	}
	if c.Out == "" {
		return nil
	}
	if err := writable(c.Out); err != nil {
		return inputf("--out %s: cannot be written, so nothing was sent: %w; choose another file", c.Out, err)
	}
	return nil
}

// writable tries whether a file can be made under path, without leaving or changing one.
func writable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return errors.New("it is a folder")
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			err = f.Close()
		}
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		var inner *os.PathError
		if errors.As(err, &inner) {
			err = inner.Err // the temporary name says nothing to anybody
		}
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
