package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/feed"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// policies makes the one policy that requests obey out of the configuration, the schema and the leases, whenever one of them changes.
type policies struct {
	static *config.Static
	store  *cache.Store // nil: off
	log    *slog.Logger
	now    atomic.Pointer[policy.Policy]

	applying sync.Mutex      // held while a configuration comes into force, from the file or a push; before swapping
	own      config.Policy   // of the file; changed under mu, too
	pushed   *agent.Snapshot // over it; nil: none

	swapping sync.Mutex // held while a configuration is compiled and put in force; before mu

	mu       sync.Mutex
	values   *config.Values
	version  uint64
	hash     string
	schema   *planner.Schema
	executor *execute.Executor // nil: there is an upstream
	hub      *feed.Hub         // of subscriptions to the subgraphs
	plans    *planner.Cache
	plansFor planner.CacheConfig
	rules    *scope.Rules
	rulesFor scope.Config // changed under both locks
	endRules context.CancelFunc
	commands []agent.Command
	rates    map[string]*policy.Rate // by command id
	graphs   *supergraphs            // nil: there is an upstream
	obeyed   map[string]uint64       // generation of invalidations that were obeyed, by command id

	applied      atomic.Uint64 // commands that came into force
	invalidated  atomic.Uint64
	configErrors atomic.Uint64
}

// newPolicies puts v in force; behind is what operations are planned for.
func newPolicies(s *config.Static, v *config.Values, behind *federation, store *cache.Store, log *slog.Logger) (*policies, error) {
	p := &policies{
		static: s, own: s.File.Policy, store: store, log: log, schema: behind.schema, rates: map[string]*policy.Rate{}, obeyed: map[string]uint64{},
	}
	if behind.subgraphs != nil {
		p.executor, p.hub = behind.executor, behind.hub
	}
	return p, p.swap(v, 0, "", nil)
}

// load returns the policy in force.
func (p *policies) load() *policy.Policy { return p.now.Load() }

// swap puts a configuration in force, with the supergraph f unless it is nil; on an error everything stays as it was. Commands and schemas need not wait for it: fetching keys
// may take seconds.
func (p *policies) swap(v *config.Values, version uint64, hash string, f *federation) error {
	p.swapping.Lock()
	defer p.swapping.Unlock()
	if err := p.checkSharing(v, f); err != nil {
		return err
	}
	rules, end, err := p.compileScope(v.Scope)
	if err != nil {
		return fmt.Errorf("policy.%w", err)
	}
	var plans *planner.Cache
	want := v.Plans
	if f != nil {
		want.Schema = f.schema
		plans = planner.NewCache(want)
		plans.Warm(p.now.Load().Plans, warmPlans)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if f != nil {
		p.schema, p.executor, p.hub, p.plans, p.plansFor = f.schema, f.executor, f.hub, plans, want
	}
	if end != nil {
		if p.endRules != nil {
			p.endRules()
		}
		p.rules, p.rulesFor, p.endRules = rules, v.Scope, end
	}
	p.values, p.version, p.hash = v, version, hash
	p.publish()
	return nil
}

// checkSharing refuses a policy that would share what the schema marks PRIVATE, as far as a schema is known.
func (p *policies) checkSharing(v *config.Values, f *federation) error {
	p.mu.Lock()
	schema := p.schema
	p.mu.Unlock()
	if f != nil {
		schema = f.schema
	}
	if schema == nil {
		return nil
	}
	return v.CheckSharing(schema)
}

// compileScope makes the rules of a scope, and what ends their work behind; end is nil when they are those in force.
func (p *policies) compileScope(c scope.Config) (rules *scope.Rules, end context.CancelFunc, err error) {
	if p.now.Load() != nil && reflect.DeepEqual(c, p.rulesFor) {
		return nil, nil, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	if rules, err = scope.Compile(ctx, c, p.log); err != nil {
		cancel()
		return nil, nil, err
	}
	if p.executor != nil {
		rules.KeepClaims()
	}
	if rules != nil && c.Key == "" && len(p.static.File.Redis) > 0 {
		p.log.Warn("policy.scope.key is empty: who reads Redis could try names of users and tenants against its keys and tags; set the same secret on all sidecars")
	}
	return rules, cancel, nil
}

// publish makes the policy of what is known now; the lock is held.
func (p *policies) publish() {
	want := p.values.Plans
	want.Schema = p.schema
	if p.plans == nil || !reflect.DeepEqual(want, p.plansFor) {
		plans := planner.NewCache(want)
		if p.plans != nil {
			plans.Warm(p.plans, warmPlans)
		}
		p.plans, p.plansFor = plans, want
	}
	next := p.values.Policy
	next.Service = p.static.File.Identity.Service
	if p.static.File.Cache == "off" {
		next.Cache.Enabled = false
	}
	if next.Executor = p.executor; next.Executor != nil {
		ownAnswers(&next)
		next.Authorization = p.static.Fetching.Authorization
		next.Defer = p.static.File.Supergraph.Defer
		next.Subscriptions = policy.Subscriptions{Hub: p.hub, Beat: p.static.Fetching.Subscriptions.Beat}
		next.Sockets = p.static.Fetching.Sockets
	}
	next.Version, next.Hash, next.Plans, next.Scope, next.Leases = p.version, p.hash, p.plans, p.rules, p.leases()
	p.now.Store(next.Seal())
}

// warmPlans is how many plans are built again when the schema or a limit changes.
const warmPlans = 1000

// setSchema puts a new schema in force.
func (p *policies) setSchema(s *planner.Schema) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.values.CheckSharing(s); err != nil { // the narrower of the two counts, so nothing is shared
		p.log.Warn("the policy does not fit the new schema", "error", err)
	}
	p.schema = s
	p.publish()
}

// setFederation puts a new supergraph in force. The plans of what is asked are made before, so that no request waits for its plan, and a
// request that has begun keeps the plans and the subgraphs it began with.
func (p *policies) setFederation(f *federation) {
	p.swapping.Lock() // configurations wait, commands do not
	defer p.swapping.Unlock()
	p.mu.Lock()
	want, from := p.values.Plans, p.plans
	if err := p.values.CheckSharing(f.schema); err != nil {
		p.log.Warn("the policy does not fit the new schema", "error", err)
	}
	p.mu.Unlock()
	want.Schema = f.schema
	plans := planner.NewCache(want)
	plans.Warm(from, warmPlans)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.schema, p.executor, p.hub, p.plans, p.plansFor = f.schema, f.executor, f.hub, plans, want
	p.publish()
}

// put swaps a configuration, and the supergraph where it brings one or ends one.
func (p *policies) put(v *config.Values, s agent.Snapshot) error {
	swap := func(f *federation) error { return p.swap(v, s.Version, s.Hash, f) }
	switch {
	case p.graphs != nil:
		return p.graphs.push(v.Supergraph, swap)
	case v.Supergraph != "":
		return errNoSupergraph
	}
	return swap(nil)
}

// command is the agent's: it gets all commands that hold now.
func (p *policies) command(list []agent.Command) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended := func(id string) bool {
		return !slices.ContainsFunc(list, func(c agent.Command) bool { return c.ID == id })
	}
	maps.DeleteFunc(p.obeyed, func(id string, _ uint64) bool { return ended(id) })
	known := map[string]uint64{}
	for _, c := range p.commands {
		known[c.ID] = c.Generation
		if ended(c.ID) {
			p.log.Info("command ended", "id", c.ID, "kind", c.Kind, "operation", c.Operation)
		}
	}
	for _, c := range list {
		if g, ok := known[c.ID]; !ok || g != c.Generation {
			p.applied.Add(1)
			p.log.Info("command in force", "id", c.ID, "kind", c.Kind, "operation", c.Operation, "until", c.Expires, "observe", c.Observe, "reason", c.Reason)
		}
		if c.Kind == "invalidate" {
			p.invalidate(c)
		}
	}
	p.commands = list
	p.publish()
}

// invalidate obeys an invalidation once.
func (p *policies) invalidate(c agent.Command) {
	if g, ok := p.obeyed[c.ID]; ok && g >= c.Generation || p.store == nil {
		return
	}
	p.obeyed[c.ID] = c.Generation
	if c.Observe {
		return
	}
	inv, problem := p.invalidationOf(c.Params)
	if problem != "" {
		p.log.Warn("an invalidation names nothing that this sidecar has", "id", c.ID, "reason", problem)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := invalidate(ctx, p.store, inv); err != nil {
		p.log.Warn("an invalidation failed", "id", c.ID, "error", err)
		return
	}
	p.invalidated.Add(1)
}

// leases makes the leases of the commands that hold; the lock is held. A rate goes on where it stood when its command is the same.
func (p *policies) leases() policy.Leases {
	var l policy.Leases
	rates := map[string]*policy.Rate{}
	for _, c := range p.commands {
		lease := policy.Lease{ID: c.ID, Observe: c.Observe}
		switch c.Kind {
		case "serve_stale":
			lease.ServeStale = true
		case "disable_operation":
			lease.Disabled = true
		case "bypass_cache":
			lease.BypassCache = true
		case "set_ttl":
			lease.TTL, _ = time.ParseDuration(c.Params["ttl"]) // the API has validated it
		case "rate_limit":
			lease.Rate = p.rate(c)
			rates[c.ID] = lease.Rate
		default:
			continue
		}
		l.Add(c.Operation, lease)
	}
	p.rates = rates
	return l
}

func (p *policies) rate(c agent.Command) *policy.Rate {
	perSecond, _ := strconv.ParseFloat(c.Params["per_second"], 64)
	burst, err := strconv.ParseFloat(c.Params["burst"], 64)
	if err != nil {
		burst = max(1, perSecond)
	}
	if r := p.rates[c.ID]; r != nil && r.Same(perSecond, burst) {
		return r
	}
	return policy.NewRate(perSecond, burst)
}

// close ends what runs behind the policy.
func (p *policies) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.endRules != nil {
		p.endRules()
		p.endRules = nil
	}
}
