package drive

import (
	"context"
	"errors"
	"fmt"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/result"
)

// runner is what is used of the generator.
type runner interface {
	Run(ctx context.Context) error
	Window() load.Window
	Result() result.Run
	Warnings() []result.Warning
}

// generator makes the runner of one leg.
func (d *driver) generator(l leg) (runner, error) {
	cfg := d.cfg.Load
	if cfg.Source != nil {
		cfg.Source = &d.witness
	}
	cfg.Arrivals, cfg.Warmup, cfg.Duration, cfg.Requests, cfg.Seed = l.arrivals, l.warmup, l.duration, l.requests, l.seed
	return load.New(cfg)
}

// leg is the run as configured.
func (c *Config) leg() leg {
	l := &c.Load
	return leg{arrivals: l.Arrivals, warmup: l.Warmup, duration: l.Duration, requests: l.Requests, seed: l.Seed}
}

func (c *Config) labels() []load.Label {
	if c.Load.Source == nil {
		return nil
	}
	return c.Load.Source.Labels()
}

func (c *Config) targets() []string {
	var list []string
	for i := range c.Load.Targets {
		list = append(list, c.Load.Targets[i].String())
	}
	return list
}

// reached gives an error of the generator its exit code: 3 when it is the target's.
func (d *driver) reached(err error) error {
	var unreachable *load.UnreachableError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unreachable):
		return &Error{ExitUnreachable, err}
	case errors.Is(err, load.ErrTargetDied):
		return &Error{ExitUnreachable, fmt.Errorf("%s: %w; see whether it still runs, and its log", d.targets(), err)}
	}
	return err
}
