package soak

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
)

const (
	service     = "soak"
	cacheMemory = "1MiB" // so small that it fills between two restarts of Redis, each of which empties it; the report says how many entries were pushed out
)

// stage is everything that runs.
type stage struct {
	dir      string
	origin   *origin.Server
	redis    *fleet.Process
	redisAt  string
	bench    string         // this program
	kafka    *fleet.Process // of its own: when it dies the run goes on, and says so
	kafkaAt  string
	control  *fleet.Control
	sidecars []*fleet.Sidecar
	targets  []load.Target

	stops []func() error
}

func (s *stage) onStop(f func() error) { s.stops = append(s.stops, f) }

// stop undoes every start, the last first.
func (s *stage) stop() (err error) {
	for _, f := range slices.Backward(s.stops) {
		err = errors.Join(err, f())
	}
	s.stops = nil
	return err
}

// start starts everything but the load.
func (s *stage) start(ctx context.Context, b fleet.Binaries) error {
	s.bench = b.Bench
	var err error
	if s.dir, err = os.MkdirTemp("", "weir-soak-"); err != nil {
		return err
	}
	schema := filepath.Join(s.dir, "schema.graphql")
	if err := os.WriteFile(schema, []byte(origin.Schema()), 0o644); err != nil {
		return err
	}
	if s.origin, err = origin.New("127.0.0.1:0"); err != nil {
		return err
	}
	if err := s.origin.Start(); err != nil {
		return err
	}
	s.onStop(s.origin.Stop)
	if s.kafkaAt, err = fleet.FreeAddress(); err != nil {
		return err
	}
	if err := s.startKafka(ctx); err != nil {
		return err
	}
	s.onStop(func() error { return s.kafka.Stop() })
	if s.redisAt, err = fleet.FreeAddress(); err != nil {
		return err
	}
	if err := s.startRedis(ctx); err != nil {
		return err
	}
	s.onStop(func() error { return s.redis.Stop() })
	if s.control, err = fleet.StartControl(ctx, b.Control, s.dir, rand.Text()); err != nil {
		return err
	}
	s.onStop(s.control.Stop)
	settings := filepath.Join(s.dir, "weir.yaml")
	if err := os.WriteFile(settings, []byte("pprof: true\n"), 0o644); err != nil {
		return err
	}
	for _, name := range []string{"weir-a", "weir-b"} {
		sidecar, err := fleet.StartSidecar(ctx, fleet.SidecarConfig{
			Binary: b.Weir, Name: name, Dir: s.dir, Upstream: s.origin.URL(), Schema: schema, Service: service, Redis: []string{s.redisAt}, Kafka: []string{s.kafkaAt},
			Control: s.control.URL(), Token: s.control.Token, Args: []string{"-c", settings, "--cache-memory", cacheMemory},
		})
		if err != nil {
			return err
		}
		s.onStop(sidecar.Stop)
		target, err := load.ParseTarget(sidecar.URL())
		if err != nil {
			return err
		}
		s.sidecars, s.targets = append(s.sidecars, sidecar), append(s.targets, target)
	}
	return nil
}

// startRedis starts an empty redis-server on the address that the sidecars know.
func (s *stage) startRedis(ctx context.Context) error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("the two sidecars share invalidations over Redis: %w (apt-get install redis-server)", err)
	}
	host, port, err := net.SplitHostPort(s.redisAt)
	if err != nil {
		return err
	}
	started, err := fleet.Start(ctx, fleet.Spec{
		Name: "redis", Path: path, Dir: s.dir, Ready: fleet.Listens(s.redisAt),
		Args: []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", s.dir},
	})
	if err != nil {
		return err
	}
	s.redis = started
	return nil
}

// startKafka starts an empty broker on the address that the sidecars know.
func (s *stage) startKafka(ctx context.Context) error {
	started, err := fleet.Start(ctx, fleet.Spec{
		Name: "broker", Path: s.bench, Dir: s.dir, Ready: fleet.Listens(s.kafkaAt), Args: []string{"broker", "--listen", s.kafkaAt},
	})
	if err != nil {
		return err
	}
	s.kafka = started
	return nil
}

// subjects are what is watched: the sidecars, in their order, then the control plane.
func (s *stage) subjects() (out []Subject) {
	for _, c := range s.sidecars {
		out = append(out, Subject{Name: c.Name, PID: c.PID(), Admin: c.AdminURL(), State: filepath.Join(s.dir, c.Name+"-state")})
	}
	return append(out, Subject{Name: "weir-control", PID: s.control.PID(), State: filepath.Join(s.dir, "control")})
}
