package drive

import (
	"errors"
	"strings"

	"github.com/weirproxy/weir/bench/internal/load"
)

// leg is the run as configured.
func (c *Config) leg() leg {
	return leg{duration: c.Load.Duration, requests: c.Load.Requests, seed: c.Load.Seed}
}

func (c *Config) labels() []load.Label { return nil }

func (c *Config) targets() []string {
	var list []string
	for _, t := range c.Load.Targets {
		list = append(list, t.Address+t.Path)
	}
	return list
}

// generator makes the runner of one leg.
func (c *Config) generator(leg) (runner, error) { return nil, errors.New("no generator") }

// steady reports whether the arrivals, as typed, keep one rate; "" is a closed loop.
func steady(arrivals string) bool {
	return arrivals == "" || strings.HasPrefix(arrivals, "constant:") || strings.HasPrefix(arrivals, "poisson:")
}
