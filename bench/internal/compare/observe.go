package compare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/peer"
	"github.com/weirproxy/weir/bench/internal/result"
)

const (
	observedConfig = "weir.yaml" // of an observed server, in its folder
	observedSlack  = 500 * time.Millisecond
)

// Observe starts the built-in server of this name, checks and warms it as a comparison does, sends the load of its role for span and calls look meanwhile with
// the URL of the admin listener, whose profiles are open. Of cfg it uses Binaries alone. A hit that reaches the upstream, a miss that does not, and a failed
// request are errors. What is not installed is an error with the line that installs it.
func Observe(ctx context.Context, cfg Config, name string, span time.Duration, look func(ctx context.Context, adminURL string) error) (err error) {
	cfg = Config{Binaries: cfg.Binaries, Peers: []string{}, Instances: 1, Rounds: 1, Piece: span}
	if err := cfg.complete(); err != nil {
		return err
	}
	t, found, err := cfg.observed(ctx, name)
	if err != nil {
		return err
	}
	s, err := newStage(&run{cfg: cfg, targets: map[string]*peer.Target{name: t}, found: map[string]*peer.Found{name: found}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.start(ctx, []string{name}); err != nil {
		return err
	}
	if err := s.observe(ctx, s.servers[name], span, look); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// observed is the target with its profiles open.
func (c *Config) observed(ctx context.Context, name string) (*peer.Target, *peer.Found, error) {
	all, err := Targets(nil)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(all, func(t *peer.Target) bool { return t.Name == name })
	if i < 0 || !all[i].Admin || all[i].Files[observedConfig] != "" {
		return nil, nil, fmt.Errorf("compare: %s is no built-in server that can be observed", name)
	}
	found, missing, err := peer.Programs{Weir: c.Binaries.Weir, Bench: c.Binaries.Bench}.Find(ctx, all[i])
	if err != nil {
		return nil, nil, err
	}
	if missing != nil {
		return nil, nil, fmt.Errorf("compare: %s", lacking([]result.Missing{*missing}))
	}
	t := *all[i]
	t.Files = maps.Clone(t.Files)
	if t.Files == nil {
		t.Files = map[string]string{}
	}
	t.Files[observedConfig] = "pprof: true\n"
	t.Args = append(slices.Clone(t.Args), "-c", "{{.Dir}}/"+observedConfig)
	return &t, found, nil
}

// observe sends load until look has had its time. The first of the two that fails ends the other.
func (s *stage) observe(ctx context.Context, one *server, span time.Duration, look func(context.Context, string) error) error {
	keys := byPopularity
	if one.role == peer.Miss {
		keys = fresh
	}
	before, err := s.reached(ctx, one)
	if err != nil {
		return err
	}
	both, end := context.WithCancelCause(ctx)
	defer end(nil)
	sent := make(chan int64, 1)
	go func() {
		run, err := s.send(both, one, load.Config{Source: newTraffic(keys, one.want), Duration: span + observedSlack})
		if err != nil {
			end(err)
		}
		sent <- run.Total.Requests
	}()
	if err := look(both, "http://"+one.Admin); err != nil {
		end(err)
	}
	requests := <-sent
	if err := context.Cause(both); err != nil {
		return err
	}
	return s.expect(ctx, one, popular, before, requests)
}
