package serve

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/listen"
	"github.com/weirproxy/weir/proxy/internal/oracle"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/telemetry"
)

// sidecar starts this package's server with cache, planner and telemetry in front of an origin.
func sidecar(strict bool) oracle.Dialer {
	return func(origin string) (string, func(), error) {
		schema, err := planner.ParseSchema("schema.graphql", sdl)
		if err != nil {
			return "", nil, err
		}
		p := &policy.Policy{
			Service: "test", Strict: strict, Paths: [][]byte{[]byte("/graphql")}, MaxBody: 1 << 20, MaxBatch: 10, InspectWait: 5 * time.Second,
			Plans: planner.NewCache(planner.CacheConfig{Schema: schema}),
			Cache: policy.Cache{Enabled: true, MaxTTL: time.Hour, MaxEntry: 1 << 20},
		}
		store, err := cache.Open(cache.Config{})
		if err != nil {
			return "", nil, err
		}
		tel, err := telemetry.New(telemetry.Config{})
		if err != nil {
			return "", nil, err
		}
		l, err := listen.Open("127.0.0.1:0", origin)
		if err != nil {
			return "", nil, err
		}
		ctx, cancel := context.WithCancel(context.Background())
		var background sync.WaitGroup
		background.Go(func() { _ = store.Run(ctx) })
		background.Go(func() { _ = tel.Run(ctx) })
		current := func() *policy.Policy { return p }
		s := New(Config{
			DetectWait: 50 * time.Millisecond, Policy: current,
			Line: line.New(line.Config{Policy: current, Cache: store, Telemetry: tel}),
			Dial: func(ctx context.Context, destination string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "tcp", destination)
			},
		})
		background.Go(func() { _ = s.Serve(l) })
		return l.Address(), func() {
			s.Close()
			cancel()
			background.Wait()
			closing, done := context.WithTimeout(context.Background(), time.Second)
			defer done()
			_ = tel.Close(closing)
			_ = store.Close()
		}, nil
	}
}

// TestTransparency: what passes through is what would have passed without a sidecar, byte for byte.
func TestTransparency(t *testing.T) {
	for _, s := range oracle.Scenarios() {
		t.Run(s.Name, func(t *testing.T) { oracle.Run(t, sidecar(false), s) })
	}
}

// TestTransparencyStrict: in strict mode ambiguous framing is refused, and nothing else changes.
func TestTransparencyStrict(t *testing.T) {
	for _, s := range oracle.Strict(oracle.Scenarios()) {
		t.Run(s.Name, func(t *testing.T) { oracle.Run(t, sidecar(true), s) })
	}
}

// TestTransparencySplits: at which bytes the streams are split makes no difference.
func TestTransparencySplits(t *testing.T) {
	for _, s := range oracle.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel() // most of the time goes by in waiting for the other side to have read
			oracle.RunSplits(t, sidecar(false), s)
		})
	}
}

// TestTransparencyMany: connections are not limited by a pool.
func TestTransparencyMany(t *testing.T) { oracle.RunMany(t, sidecar(false), 600) }
