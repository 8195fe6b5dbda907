package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/weirproxy/weir/bench/internal/arrival"
	"github.com/weirproxy/weir/bench/internal/broker"
	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
	"github.com/weirproxy/weir/bench/internal/workload"
	"github.com/weirproxy/weir/controlplane/client"
)

// stage is everything that runs.
type stage struct {
	dir      string
	weir     string // binary
	schema   string
	origin   *origin.Server
	kafka    []string
	redis    []string
	consumer *consumer
	control  *fleet.Control
	api      *client.Client
	sidecars []*fleet.Sidecar
	targets  []load.Target
	runner   *load.Runner
	cities   []string // by population; the load reads the first `entities` of them

	stops []func() error
}

// onStop registers what undoes a start; the last is undone first.
func (s *stage) onStop(f func() error) { s.stops = append(s.stops, f) }

func (s *stage) stop() error {
	var errs []error
	for _, f := range slices.Backward(s.stops) {
		errs = append(errs, f())
	}
	s.stops = nil
	return errors.Join(errs...)
}

// start starts everything but the load. say tells what is being started.
func (s *stage) start(ctx context.Context, cfg *Config, say func(string, ...any)) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "weir-demo-"); err != nil {
		return err
	}
	s.weir = cfg.Binaries.Weir
	s.schema = filepath.Join(s.dir, "schema.graphql")
	if err := os.WriteFile(s.schema, []byte(origin.Schema()), 0o644); err != nil {
		return err
	}
	if s.origin, err = origin.New("127.0.0.1:0"); err != nil {
		return err
	}
	if err := s.origin.Start(); err != nil {
		return err
	}
	s.onStop(s.origin.Stop)
	say("origin        %s/graphql: GeoNames cities and countries (CC BY 4.0, geonames.org)", s.origin.URL())
	if err := s.startKafka(ctx, cfg, say); err != nil {
		return err
	}
	if err := s.startRedis(ctx, cfg, say); err != nil {
		return err
	}
	if s.control, err = fleet.StartControl(ctx, cfg.Binaries.Control, s.dir, rand.Text()); err != nil {
		return err
	}
	s.onStop(s.control.Stop)
	say("weir-control  %s", s.control.URL())
	if s.api, err = client.New(client.Config{URL: s.control.URL(), Token: s.control.Token}); err != nil {
		return err
	}
	s.onStop(func() error { s.api.Close(); return nil })
	for _, name := range []string{"weir-a", "weir-b"} {
		if err := s.startSidecar(ctx, cfg, name); err != nil {
			return err
		}
		last := s.sidecars[len(s.sidecars)-1]
		say("%s        %s/graphql, admin %s", name, last.URL(), last.AdminURL())
	}
	return s.prepareLoad(cfg)
}

func (s *stage) startKafka(ctx context.Context, cfg *Config, say func(string, ...any)) error {
	if s.kafka = cfg.Kafka; len(s.kafka) == 0 {
		b, err := broker.Start()
		if err != nil {
			return err
		}
		s.onStop(func() error { b.Close(); return nil })
		s.kafka = b.Addresses()
		say("kafka         %s, a broker in this process", strings.Join(s.kafka, ","))
	} else {
		say("kafka         %s", strings.Join(s.kafka, ","))
	}
	var err error
	if s.consumer, err = newConsumer(ctx, s.kafka); err != nil {
		return err
	}
	consuming, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { s.consumer.run(consuming) })
	s.onStop(func() error {
		cancel()
		done.Wait()
		s.consumer.close()
		return nil
	})
	return nil
}

func (s *stage) startRedis(ctx context.Context, cfg *Config, say func(string, ...any)) error {
	if s.redis = cfg.Redis; len(s.redis) > 0 {
		say("redis         %s", strings.Join(s.redis, ","))
		return nil
	}
	p, address, err := fleet.StartRedis(ctx, s.dir)
	if err != nil {
		return fmt.Errorf("the two sidecars share invalidations over Redis (--redis HOST:PORT names a running one): %w", err)
	}
	s.onStop(p.Stop)
	s.redis = []string{address}
	say("redis         %s, a redis-server of its own", address)
	return nil
}

func (s *stage) startSidecar(ctx context.Context, cfg *Config, name string) error {
	sidecar, err := fleet.StartSidecar(ctx, fleet.SidecarConfig{
		Binary: cfg.Binaries.Weir, Name: name, Dir: s.dir, Upstream: s.origin.URL(), Schema: s.schema, Service: service,
		Redis: s.redis, Kafka: s.kafka, Control: s.control.URL(), Token: s.control.Token,
	})
	if err != nil {
		return err
	}
	s.onStop(sidecar.Stop)
	target, err := load.ParseTarget(sidecar.URL())
	if err != nil {
		return err
	}
	s.sidecars = append(s.sidecars, sidecar)
	s.targets = append(s.targets, target)
	return nil
}

func (s *stage) prepareLoad(cfg *Config) error {
	var err error
	if s.cities, err = origin.TopCities(1 << 30); err != nil {
		return err
	}
	geo, err := workload.GeoNames(workload.GeoOptions{Entities: entities, Mutations: mutations})
	if err != nil {
		return err
	}
	s.runner, err = load.New(load.Config{
		Targets: s.targets, Source: geo, Connections: connections, Arrivals: arrival.Constant(cfg.Rate), Seed: 1, Ledger: load.NewLedger(),
	})
	return err
}

// produced adds up the events that the sidecars encoded for Kafka, and lost of them.
func (s *stage) produced(ctx context.Context) (produced, lost int64, err error) {
	for _, sidecar := range s.sidecars {
		m, err := sidecar.Metrics(ctx)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", sidecar.Name, err)
		}
		queued, ok := m.Sum("weir_events_queued_total")
		if !ok {
			return 0, 0, fmt.Errorf("%s: /metrics has no weir_events_queued_total", sidecar.Name)
		}
		dropped, _ := m.Sum("weir_events_dropped_total")
		produced += int64(queued)
		lost += int64(dropped)
	}
	return produced, lost, nil
}
