package bench

import (
	"fmt"
	"net"
	"os/exec"
	"time"

	"github.com/weirproxy/weir/bench/internal/fleet"
	"github.com/weirproxy/weir/bench/internal/load"
	"github.com/weirproxy/weir/bench/internal/workload"
)

// redis starts an empty redis-server on address.
func (w *world) redis(address string) *fleet.Process {
	w.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		w.Fatalf("%v (apt-get install redis-server)", err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		w.Fatal(err)
	}
	return w.start(fleet.Spec{
		Name: "redis", Path: path, Args: []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", w.dir}, Ready: fleet.Listens(address),
	})
}

// coherent changes cities through one sidecar: it shows each change at once, the other one after the grace.
func (w *world) coherent(a, b *sidecar, cities []string) {
	w.Helper()
	for i, id := range cities {
		a.hit(id)
		b.hit(id)
		want := 1000 + i
		change := a.change(id, want)
		if got, _ := a.population(id); got != want {
			w.Errorf("%s shows %d after its own acknowledged change to %d", a.name, got, want)
		}
		since := change.Done
		if change.Cache().Unlogged {
			since = since.Add(load.LateGrace - load.Grace)
		}
		w.freshBy(b, id, want, since)
	}
}

// freshBy reads until a change shows: a read that begins after the grace must show it.
func (w *world) freshBy(s *sidecar, id string, want int, since time.Time) {
	w.Helper()
	for {
		got, a := s.population(id)
		if got == want {
			return
		}
		if a.Sent.Sub(since) > load.Grace {
			w.Errorf("%s shows %d instead of %d, %s after it should", s.name, got, want, a.Sent.Sub(since))
			return
		}
	}
}

// missed is what both sidecars cached before an outage and one of them changed during it.
func (w *world) missed(a, b *sidecar, id string, want int) {
	w.Helper()
	if change := a.change(id, want); !change.Cache().Unlogged {
		w.Errorf("%s answers a change without redis and does not say that the log lacks it: %q", a.name, change.CacheStatus)
	}
	if got, _ := a.population(id); got != want {
		w.Errorf("%s shows %d after its own change to %d without redis", a.name, got, want)
	}
	if n := a.metric("weir_invalidations_waiting"); n == 0 {
		w.Error("no invalidation waits for the log")
	}
}

// reconnected waits until both sidecars are with the log again, and then holds them to what was changed without it.
func (w *world) reconnected(a, b *sidecar, id string, want int) {
	w.Helper()
	for _, s := range []*sidecar{a, b} {
		w.untilMetric(s, 1, "weir_redis_connected")
	}
	w.untilMetric(a, 0, "weir_invalidations_waiting")
	w.freshBy(b, id, want, time.Now())
	w.coherent(a, b, w.cities[110:114])
	w.nothingStale(a, b)
}

// nothingStale runs a load that remembers each acknowledged change: no read may be older than that allows.
func (w *world) nothingStale(sidecars ...*sidecar) {
	w.Helper()
	geo, err := workload.GeoNames(workload.GeoOptions{Skip: 130, Entities: 30, Mutations: 0.05})
	if err != nil {
		w.Fatal(err)
	}
	c := load.Config{Source: geo, Connections: 8, Requests: 4000, Duration: failTime, Seed: 2, Ledger: load.NewLedger(), OnStale: func(s load.Stale) {
		if s.Announced {
			return
		}
		w.Errorf("stale: city %s through %s had revision %d, acknowledged was %d", s.Entity, sidecars[s.Target].name, s.Read, s.Need)
	}}
	for _, s := range sidecars {
		c.Targets = append(c.Targets, s.target())
	}
	r, err := load.New(c)
	if err != nil {
		w.Fatal(err)
	}
	if err := r.Run(w.Context()); err != nil {
		w.Fatal(err)
	}
	run := r.Result()
	if got, mutations := run.Total, run.Of(load.KindMutation); got.Errors > 0 || got.Hits < 1000 || mutations < 100 {
		w.Errorf("%d failed requests %v, %d hits, %d mutations", got.Errors, got.Failures, got.Hits, mutations)
	}
}

func (w *world) lost(sidecars ...*sidecar) {
	w.Helper()
	for _, s := range sidecars {
		w.untilMetric(s, 0, "weir_redis_connected")
	}
}

func (w *world) logs(s *sidecar, want int, words ...string) {
	w.Helper()
	if n := s.logged(words...); n != want {
		w.Errorf("%s: %d log lines with %q, want %d\n%s", s.name, n, words, want, s.Tail())
	}
}

func redisArrivesLater(w *world) {
	address := w.free()
	a, b := w.sidecar("a", "--redis", address), w.sidecar("b", "--redis", address)
	traffic := w.traffic(0.02, a, b)
	w.lost(a, b)
	id := w.cities[101]
	b.hit(id)
	w.missed(a, b, id, 77)
	traffic.flows()
	for _, s := range []*sidecar{a, b} {
		w.logs(s, 1, "redis cannot be reached", address)
	}
	w.redis(address)
	w.reconnected(a, b, id, 77)
	traffic.flows()
	for _, s := range []*sidecar{a, b} {
		w.logs(s, 1, "invalidation log connected")
	}
}

func redisKilled(w *world) {
	address := w.free()
	server := w.redis(address)
	a, b := w.sidecar("a", "--redis", address), w.sidecar("b", "--redis", address)
	for _, s := range []*sidecar{a, b} {
		w.until("the log is connected", func() error {
			if s.logged("invalidation log connected") == 0 {
				return fmt.Errorf("%s", s.Tail())
			}
			return nil
		})
	}
	traffic := w.traffic(0.02, a, b)
	w.coherent(a, b, w.cities[120:123])
	id := w.cities[101]
	a.hit(id)
	b.hit(id)
	if err := w.end(server, server.Kill); err != nil {
		w.Fatal(err)
	}
	w.lost(a, b)
	w.missed(a, b, id, 88)
	traffic.flows()
	for _, s := range []*sidecar{a, b} {
		w.logs(s, 1, "invalidation log lost")
	}
	w.redis(address) // empty: what was acknowledged before is gone with it
	w.reconnected(a, b, id, 88)
	traffic.flows()
	for _, s := range []*sidecar{a, b} {
		w.logs(s, 1, "invalidation log lost")
		w.logs(s, 2, "invalidation log connected")
	}
}

// redisRestarted: the server is gone for a moment alone, and comes back without what it held.
func redisRestarted(w *world) {
	address := w.free()
	server := w.redis(address)
	a, b := w.sidecar("a", "--redis", address), w.sidecar("b", "--redis", address)
	for _, s := range []*sidecar{a, b} {
		w.untilMetric(s, 1, "weir_redis_connected")
	}
	traffic := w.traffic(0.02, a, b)
	id := w.cities[101]
	a.hit(id)
	b.hit(id)
	for want := range 3 {
		generations := b.metric("weir_redis_log_generations_total")
		if err := w.end(server, server.Kill); err != nil {
			w.Fatal(err)
		}
		a.change(id, want)
		server = w.redis(address)
		w.until("the new log is known", func() error {
			if n := b.metric("weir_redis_log_generations_total"); n == generations {
				return fmt.Errorf("%v generations", n)
			}
			return nil
		})
		w.reconnected(a, b, id, want)
	}
	traffic.flows()
}

func redisFrozen(w *world) {
	address := w.free()
	server := w.redis(address)
	a, b := w.sidecar("a", "--redis", address), w.sidecar("b", "--redis", address)
	traffic := w.traffic(0.02, a, b)
	w.coherent(a, b, w.cities[120:123])
	id := w.cities[101]
	a.hit(id)
	b.hit(id)
	if err := server.Freeze(); err != nil {
		w.Fatal(err)
	}
	w.lost(a, b)
	w.missed(a, b, id, 99)
	traffic.flows()
	if err := server.Thaw(); err != nil {
		w.Fatal(err)
	}
	w.reconnected(a, b, id, 99)
	traffic.flows()
	for _, s := range []*sidecar{a, b} {
		w.logs(s, 1, "invalidation log lost")
	}
}
