package pgo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/workload"
)

const (
	entities    = 2000
	mutations   = 0.02
	connections = 24
	warmTime    = 2 * time.Second
	slack       = 500 * time.Millisecond // the load lasts longer than the profile
)

// stage is what the mixed workload needs.
type stage struct {
	dir   string
	stops []func() error
}

func (s *stage) stop() (err error) {
	for _, f := range slices.Backward(s.stops) {
		err = errors.Join(err, f())
	}
	return err
}

// mixed sends reads and mutations of the GeoNames workload through a sidecar with Redis and Kafka for span, after a warm-up, and calls look meanwhile.
func mixed(ctx context.Context, b fleet.Binaries, span time.Duration, look func(ctx context.Context, adminURL string) error) (err error) {
	s := &stage{}
	defer func() { err = errors.Join(err, s.stop()) }()
	sidecar, err := s.start(ctx, b)
	if err != nil {
		return err
	}
	w, err := workload.GeoNames(workload.GeoOptions{Entities: entities, Mutations: mutations})
	if err != nil {
		return err
	}
	target, err := load.ParseTarget(sidecar.URL())
	if err != nil {
		return err
	}
	cfg := load.Config{Targets: []load.Target{target}, Source: w, Connections: connections, Seed: 1, Duration: min(warmTime, span)}
	if err := send(ctx, cfg); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	cfg.Seed, cfg.Duration = 2, span+slack
	both, end := context.WithCancelCause(ctx)
	defer end(nil)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if err := send(both, cfg); err != nil {
			end(err)
		}
	}()
	if err := look(both, sidecar.AdminURL()); err != nil {
		end(err)
	}
	<-sent
	return context.Cause(both)
}

// send runs one load; a failed request is an error.
func send(ctx context.Context, cfg load.Config) error {
	r, err := load.New(cfg)
	if err != nil {
		return err
	}
	if err := r.Run(ctx); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if total := r.Result().Total; total.Errors > 0 || total.Requests == 0 {
		return fmt.Errorf("%d of %d requests failed: %v", total.Errors, total.Requests, total.Failures)
	}
	return nil
}

// start starts everything but the load.
func (s *stage) start(ctx context.Context, b fleet.Binaries) (*fleet.Sidecar, error) {
	var err error
	if s.dir, err = os.MkdirTemp("", "weir-pgo-"); err != nil {
		return nil, err
	}
	s.stops = append(s.stops, func() error { return os.RemoveAll(s.dir) })
	schema, settings := filepath.Join(s.dir, "schema.graphql"), filepath.Join(s.dir, "weir.yaml")
	if err := os.WriteFile(settings, []byte("pprof: true\n"), 0o644); err != nil {
		return nil, err
	}
	origin, err := s.bench(ctx, b, "origin", "--write-schema", schema)
	if err != nil {
		return nil, err
	}
	kafka, err := s.bench(ctx, b, "broker")
	if err != nil {
		return nil, err
	}
	redis, redisAt, err := fleet.StartPinnedRedis(ctx, s.dir, otherCPU)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, redis.Stop)
	sidecar, err := fleet.StartSidecar(ctx, fleet.SidecarConfig{
		Binary: b.Weir, Name: "weir-mixed", Dir: s.dir, Upstream: "http://" + origin, Schema: schema, Service: "pgo", Redis: []string{redisAt}, Kafka: []string{kafka},
		Args: []string{"-c", settings}, CPU: serverCPU,
	})
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, sidecar.Stop)
	return sidecar, nil
}

// bench starts a command of weir-bench that serves.
func (s *stage) bench(ctx context.Context, b fleet.Binaries, command string, args ...string) (string, error) {
	p, address, err := fleet.StartBench(ctx, b.Bench, command, s.dir, otherCPU, func(address string) []string {
		return append([]string{command, "--listen", address}, args...)
	})
	if err != nil {
		return "", err
	}
	s.stops = append(s.stops, p.Stop)
	return address, nil
}
