package proxy

import (
	"context"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/admin"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/ledger"
)

// shownPlans bounds /plans.
const shownPlans = 1000

// adminSources are what the admin listener shows of this sidecar.
func (s *Sidecar) adminSources() admin.Sources {
	a := admin.Sources{
		Ready: func() bool { return !s.server.Draining() }, Warming: s.warming.Load, Metrics: s.telemetry.Registry().WriteText, Config: s.shownConfig, Plans: s.shownPlans,
		CacheStats: func() any {
			if s.store == nil {
				return map[string]string{"cache": "off"}
			}
			return cacheReport{s.store.Stats(), s.line.Ledger().Snapshot(topOperations)}
		},
		Pprof: s.cfg.Static.File.Pprof,
	}
	if s.store != nil {
		a.Fleet = fleet{s.store}
		a.Invalidate = func(ctx context.Context, inv cache.Invalidation) (cache.Receipt, *admin.Reach, error) {
			return invalidateCounted(ctx, s.store, inv)
		}
		a.Erase = func(ctx context.Context, tenant string) (cache.Erasure, error) {
			return s.store.Erase(ctx, tenant, time.Now().UnixNano())
		}
		a.Names, a.Tags = s.policies.names(), s.store.TagUses
	}
	return a
}

// topOperations is how many operations /cache/stats lists by what they saved.
const topOperations = 20

// cacheReport is what /cache/stats shows: the store's counters, those of the shared tier among them, and what the cache did by operation and
// tenant.
type cacheReport struct {
	cache.Stats
	*ledger.Snapshot
}

// inForce is what /config shows beside the file's part.
type inForce struct {
	Version uint64   `yaml:"version"`
	Hash    string   `yaml:"hash,omitempty"`
	Source  string   `yaml:"source"`
	Pushed  any      `yaml:"pushed_policy,omitempty"`
	Leases  []string `yaml:"commands,omitempty"`
}

// shownConfig is the configuration in force, without secrets: the file, what was pushed over it, and the commands.
func (s *Sidecar) shownConfig() []byte {
	file := s.cfg.Static.File
	s.policies.mu.Lock()
	file.Policy = s.policies.own
	f := inForce{Version: s.policies.version, Hash: s.policies.hash, Source: "file"}
	if f.Version > 0 {
		f.Source, f.Pushed = "control plane", config.RedactedPolicy(s.policies.values.Document)
	}
	for _, c := range s.policies.commands {
		f.Leases = append(f.Leases, c.ID+" "+c.Kind+" "+c.Operation+" until "+c.Expires.UTC().Format(time.RFC3339))
	}
	s.policies.mu.Unlock()
	text := config.Redacted(file)
	more, err := yaml.Marshal(map[string]inForce{"in_force": f})
	if err != nil {
		return text
	}
	return append(text, more...)
}

func (s *Sidecar) shownPlans() []planner.Description {
	list := []planner.Description{}
	s.policies.load().Plans.Range(func(p *planner.Plan) bool {
		list = append(list, p.Describe(nil))
		return len(list) < shownPlans
	})
	return list
}

// fleet is the admin listener's view of the other sidecars.
type fleet struct{ store *cache.Store }

// Await implements admin.Fleet.
func (f fleet) Await(ctx context.Context, wait time.Duration) cache.FleetReceipt {
	return f.store.AwaitFleet(ctx, wait)
}

// Look implements admin.Fleet.
func (f fleet) Look(ctx context.Context) (cache.Fleet, error) { return f.store.Fleet(ctx) }
