package coherence

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/origin"
)

const loopback = "127.0.0.1"

// stage is a fleet and all it stands on.
type stage struct {
	cfg      *Config
	dir      string
	origin   *origin.Server
	schema   string // file
	policy   string // file
	sidecars []*fleet.Sidecar
	targets  []load.Target
	relays   []*relay // of each sidecar to Redis; none in a cluster
	space    *space   // network namespace of the last sidecar; nil: none
	cut      string   // how that one is cut off
	source   *source
	runner   *load.Runner

	servers int
	running []*fleet.Process // redis-servers
	stops   []func() error
}

func (g *stage) onStop(f func() error) { g.stops = append(g.stops, f) }

// stop undoes every start, the last first, and ends every redis-server.
func (g *stage) stop() (err error) {
	for _, f := range slices.Backward(g.stops) {
		err = errors.Join(err, f())
	}
	for _, p := range g.running {
		err = errors.Join(err, p.Kill())
	}
	g.stops, g.running = nil, nil
	return err
}

// policyText lets the sidecars tell users apart by a verified token, and ends with the value of hold-off.
const policyText = `policy:
  scope:
    key: coherence
    jwt: {algorithms: [HS256], secret: ` + secret + `, claim: sub, class: user}
  cache: {hold_off: `

// newStage starts the origin.
func newStage(cfg *Config, dir string) (g *stage, err error) {
	g = &stage{cfg: cfg, dir: dir, schema: filepath.Join(dir, "schema.graphql"), policy: filepath.Join(dir, "weir.yaml")}
	if err := os.WriteFile(g.schema, []byte(origin.Schema()), 0o644); err != nil {
		return nil, err
	}
	if err := os.WriteFile(g.policy, []byte(policyText+holdOff.String()+"}\n"), 0o644); err != nil {
		return nil, err
	}
	cities, err := origin.TopCities(cfg.Cities)
	if err != nil {
		return nil, err
	}
	g.source = newSource(cities, cfg.Users)
	g.source.promise.grace = cfg.Grace
	if g.origin, err = origin.New(loopback + ":0"); err != nil {
		return nil, err
	}
	if err := g.origin.Start(); err != nil {
		return nil, err
	}
	g.onStop(g.origin.Stop)
	return g, nil
}

// behindRelays starts n sidecars, each with its own way to Redis; the last one stands in a network namespace where there may be one.
func (g *stage) behindRelays(ctx context.Context, n int, redis string) error {
	for i := range n {
		host := loopback
		if i == n-1 {
			var err error
			if host, err = g.apart(); err != nil {
				return err
			}
		}
		r, err := newRelay(host, redis)
		if err != nil {
			return err
		}
		g.onStop(r.stop)
		g.relays = append(g.relays, r)
		if err := g.sidecar(ctx, i, r.address()); err != nil {
			return err
		}
	}
	return nil
}

// apart makes the network namespace of the sidecar that is cut off, and returns where that one finds Redis.
func (g *stage) apart() (host string, err error) {
	s, err := newSpace()
	switch {
	case err == nil:
		g.space, g.cut = s, "a network namespace: its packets were lost, and nobody was told"
		g.onStop(s.remove)
		return s.redisHost, nil
	case g.cfg.NeedSpace:
		return "", noSpace(err)
	}
	g.cut = fmt.Sprintf("a relay that closed its connections, NOT by a network namespace, which is refused here (%v): that lost packets are noticed was not tested", err)
	g.cfg.say("one sidecar will be cut off by %s", g.cut)
	return loopback, nil
}

// sidecar starts one; redis is its address, or those of a cluster, or empty.
func (g *stage) sidecar(ctx context.Context, i int, redis string) error {
	name := fmt.Sprintf("sidecar-%d-%d", len(g.sidecars), g.servers)
	var s *fleet.Sidecar
	var err error
	if g.space != nil && i == g.cfg.Sidecars-1 {
		s, err = g.inSpace(ctx, name, redis)
	} else {
		var list []string
		if redis != "" {
			list = strings.Split(redis, ",")
		}
		s, err = fleet.StartSidecar(ctx, fleet.SidecarConfig{
			Binary: g.cfg.Binaries.Weir, Name: name, Dir: g.dir, Upstream: g.origin.URL(), Schema: g.schema, Service: "coherence", Redis: list,
			Args: []string{"-c", g.policy},
		})
	}
	if err != nil {
		return err
	}
	g.onStop(s.Stop)
	target, err := load.ParseTarget(s.URL())
	if err != nil {
		return err
	}
	g.sidecars, g.targets = append(g.sidecars, s), append(g.targets, target)
	return nil
}

// inSpace starts a sidecar in the network namespace. It reaches the origin through a relay, for that listens on loopback.
func (g *stage) inSpace(ctx context.Context, name, redis string) (*fleet.Sidecar, error) {
	_, port, err := net.SplitHostPort(strings.TrimPrefix(g.origin.URL(), "http://"))
	if err != nil {
		return nil, err
	}
	up, err := newRelay(g.space.dataHost, net.JoinHostPort(loopback, port))
	if err != nil {
		return nil, err
	}
	g.onStop(up.stop)
	s := &fleet.Sidecar{Name: name, Listen: net.JoinHostPort(g.space.dataInside, "4000"), Admin: net.JoinHostPort(g.space.dataInside, "4001")}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	s.Process, err = fleet.Start(ctx, fleet.Spec{
		Name: name, Path: ipProgram, Dir: g.dir, Ready: fleet.Listens(s.Admin),
		Args: []string{
			"netns", "exec", g.space.name, g.cfg.Binaries.Weir, "run", "-c", g.policy, "--listen", s.Listen, "--admin", s.Admin, "--upstream",
			"http://" + up.address(), "--schema", g.schema, "--service", "coherence", "--redis", redis, "--instance", name, "--state", filepath.Join(g.dir, name),
		},
	})
	return s, err
}

// metric reads one of a sidecar.
func (g *stage) metric(ctx context.Context, i int, name string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	m, err := g.sidecars[i].Metrics(ctx)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", g.sidecars[i].Name, err)
	}
	v, _ := m.Sum(name)
	return v, nil
}

// generations of the log, by sidecar.
func (g *stage) generations(ctx context.Context) ([]float64, error) {
	out := make([]float64, len(g.sidecars))
	for i := range out {
		v, err := g.metric(ctx, i, "weir_redis_log_generations_total")
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

const backTime = 30 * time.Second

// together waits until all sidecars have the log, nothing waits for it, and each has seen another generation than those of before (nil: any).
func (g *stage) together(ctx context.Context, before []float64) error {
	return until(ctx, "all sidecars have the log", backTime, func() (bool, error) {
		for i := range g.sidecars {
			for _, want := range []struct {
				name  string
				value float64
			}{{"weir_redis_connected", 1}, {"weir_invalidations_waiting", 0}} {
				v, err := g.metric(ctx, i, want.name)
				if err != nil || v != want.value {
					return false, errors.Join(err, fmt.Errorf("%s: %s is %v", g.sidecars[i].Name, want.name, v))
				}
			}
			if before == nil {
				continue
			}
			if v, err := g.metric(ctx, i, "weir_redis_log_generations_total"); err != nil || v == before[i] {
				return false, errors.Join(err, fmt.Errorf("%s: still generation %v", g.sidecars[i].Name, v))
			}
		}
		return true, nil
	})
}
