package pgo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/weirproxy/weir/bench/internal/compare"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/scrape"
)

// Config of a recording. Binaries and Seconds are needed.
type Config struct {
	Binaries fleet.Binaries
	Roles    []string // names; nil: all
	Seconds  int      // of processor profile for each role
	Out      io.Writer
}

// MaxSeconds is the longest profile of a role.
const MaxSeconds = 300

const (
	serverCPU, otherCPU = 2, 1
	fewSamples          = 20 // a second; with fewer weir hardly ran
)

// role is a work that weir does.
type role struct {
	name, about string
	target      string // the server of a comparison that does it; "": the mixed workload
	redis       bool
}

func roles() []role {
	return []role{
		{"hit", "answers from the cache of the process", "weir-hit", false},
		{"hit-kafka", "hits, one Kafka record each", "weir-hit-kafka", false},
		{"miss", "every key for the first time", "weir-miss", false},
		{"miss-redis", "misses with Redis behind", "weir-miss-redis", true},
		{"relay", "the cache is off", "weir-relay", false},
		{"mixed", "reads of several shapes and 2 % mutations, with Redis and Kafka", "", true},
	}
}

// Names of the roles, and what each does.
func Names() (names, about []string) {
	for _, r := range roles() {
		names, about = append(names, r.name), append(about, r.about)
	}
	return names, about
}

// Run records the roles one after the other and merges them. weir is pinned to the second processor, all else to the first. The first role that fails ends it:
// a profile without one of its roles would look whole.
func Run(ctx context.Context, cfg Config) (p *profile.Profile, all []Summary, err error) {
	todo, err := cfg.complete()
	if err == nil {
		err = needs(todo)
	}
	if err != nil {
		return nil, nil, err
	}
	restore, err := fleet.PinSelfUntil(otherCPU)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, restore()) }()
	var recordings []Recording
	for i, r := range todo {
		fmt.Fprintf(cfg.Out, "%d of %d, %s (%s): starting, warming, %d s of profile\n", i+1, len(todo), r.name, r.about, cfg.Seconds)
		recorded, err := cfg.record(ctx, r)
		if cause := context.Cause(ctx); cause != nil {
			return nil, nil, fmt.Errorf("pgo: interrupted at %s, %d of %d: %w", r.name, i+1, len(todo), cause)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("pgo: %s: %w", r.name, err)
		}
		recordings = append(recordings, Recording{Role: r.name, Profile: recorded})
	}
	if p, all, err = Merge(recordings); err != nil {
		return nil, nil, err
	}
	for _, s := range all {
		if n := s.Samples + s.Dropped; n < fewSamples*int64(cfg.Seconds) {
			fmt.Fprintf(cfg.Out, "warning: %s has %d samples in %d s, at most %d were possible: the machine is busy; wait until it is quiet, or record for longer (--seconds)\n",
				s.Role, n, cfg.Seconds, 100*cfg.Seconds)
		}
	}
	return p, all, nil
}

// Check refuses what is wrong in the configuration itself.
func (c Config) Check() error {
	_, err := c.complete()
	return err
}

// complete checks and says which roles are to be recorded.
func (c *Config) complete() (todo []role, err error) {
	if c.Out == nil {
		c.Out = io.Discard
	}
	if c.Seconds < 1 || c.Seconds > MaxSeconds {
		return nil, fmt.Errorf("pgo: %d seconds; it is 1 to %d", c.Seconds, MaxSeconds)
	}
	names, _ := Names()
	for _, name := range c.Roles {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("pgo: no role %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	for _, r := range roles() {
		if c.Roles == nil || slices.Contains(c.Roles, r.name) {
			todo = append(todo, r)
		}
	}
	return todo, nil
}

// needs says what this machine lacks, before the first process is started.
func needs(todo []role) error {
	if n := runtime.NumCPU(); n < 2 {
		return fmt.Errorf("pgo: this machine has %d processor; one for weir and one for the load are needed", n)
	}
	if slices.ContainsFunc(todo, func(r role) bool { return r.redis }) {
		if _, err := fleet.RedisPath(); err != nil {
			return fmt.Errorf("pgo: %w", err)
		}
	}
	return nil
}

// record profiles one role.
func (c *Config) record(ctx context.Context, r role) (recorded *profile.Profile, err error) {
	look := func(ctx context.Context, adminURL string) error {
		raw, err := scrape.Body(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", adminURL, c.Seconds))
		if err != nil {
			return err
		}
		recorded, err = profile.ParseData(raw)
		return err
	}
	span := time.Duration(c.Seconds) * time.Second
	if r.target == "" {
		err = mixed(ctx, c.Binaries, span, look)
	} else {
		err = compare.Observe(ctx, compare.Config{Binaries: c.Binaries}, r.target, span, look)
	}
	return recorded, err
}
