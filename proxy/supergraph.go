package proxy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/breaker"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/feed"
	"github.com/weirproxy/weir/proxy/internal/forward"
	"github.com/weirproxy/weir/proxy/internal/policy"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/telemetry"
)

// supergraphs keeps the supergraph: its file is read again when it changes, and the last good one stays.
type supergraphs struct {
	cfg      *config.Static
	store    *cache.Store // nil: nothing is kept
	log      *slog.Logger
	file     watched
	breakers breaker.Set // of the subgraphs, by name
	now      atomic.Pointer[federation]
	mu       sync.Mutex  // held while another one is made and put in force; before those of policies
	pushed   atomic.Bool // the control plane's is in force; the file waits
	failing  atomic.Bool // the newest file cannot be used
	swapped  atomic.Uint64
	refused  atomic.Uint64
	closing  sync.WaitGroup // of what was in force
}

// federation is a supergraph with what asks its subgraphs.
type federation struct {
	*subgraphs
	schema *planner.Schema
	guards []planner.Guard
	hash   [sha256.Size]byte // of the text
}

// newSupergraphs loads the file; nil when none is configured.
func newSupergraphs(cfg *config.Static, store *cache.Store, log *slog.Logger) (*supergraphs, error) {
	if cfg.File.Supergraph.File == "" {
		return nil, nil
	}
	k := &supergraphs{
		cfg: cfg, store: store, log: log,
		file: watched{key: "supergraph", name: cfg.File.Supergraph.File, what: "the SDL file of a composed supergraph"},
	}
	first, err := k.look()
	if err != nil {
		return nil, err
	}
	k.now.Store(first)
	return k, nil
}

// look reads the file when it has changed; nil: there is nothing new in it.
func (k *supergraphs) look() (next *federation, err error) {
	err = k.file.read(func(text string) (err error) {
		next, err = k.build(k.file.name, text, sha256.Sum256([]byte(text)))
		return err
	})
	return next, err
}

// build makes a federation of a text; nil: it is the one in force. name stands in errors.
func (k *supergraphs) build(name, text string, hash [sha256.Size]byte) (*federation, error) {
	before := k.now.Load()
	if before != nil && hash == before.hash {
		return nil, nil
	}
	s, err := planner.LoadSupergraph(name, text, k.cfg.File.Supergraph.Labels...)
	if err != nil {
		return nil, err
	}
	if !k.cfg.File.Supergraph.Defer {
		s.HideDefer()
	}
	var known *subgraphs
	if before != nil {
		known = before.subgraphs
	}
	g, err := newSubgraphs(s, k.cfg, k.store, &k.breakers, known, k.log)
	if err != nil {
		return nil, err
	}
	return &federation{subgraphs: g, schema: s.Schema(), guards: s.Guards(), hash: hash}, nil
}

// run looks for a new supergraph until ctx ends and puts it in force by set.
func (k *supergraphs) run(ctx context.Context, set func(*federation)) {
	if k.cfg.Fetching.Watch <= 0 {
		return
	}
	tick := time.NewTicker(k.cfg.Fetching.Watch)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.renew(set)
		}
	}
}

// renew looks once. Requests that have begun end over the subgraphs they began with.
func (k *supergraphs) renew(set func(*federation)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pushed.Load() {
		return
	}
	next, err := k.look()
	if err != nil {
		if k.failing.CompareAndSwap(false, true) {
			k.refused.Add(1)
			k.log.Warn("the new supergraph cannot be used; the one before stays in force", "file", k.file.name, "error", err)
		}
		return
	}
	k.failing.Store(false)
	if next == nil {
		return
	}
	began := time.Now()
	set(next)
	k.force(next, k.file.name, began)
}

// force makes next the one that the next is compared with, and closes what only the one before asked. The lock is held.
func (k *supergraphs) force(next *federation, from string, began time.Time) {
	before := k.now.Swap(next)
	before.closeBut(next.subgraphs)
	k.closing.Go(before.hub.Close) // who subscribes is told that the supergraph has changed
	k.swapped.Add(1)
	k.log.Info("a new supergraph is in force", "file", from, "subgraphs", len(next.clients), "seconds", time.Since(began).Seconds())
}

// collect gives what was counted of the supergraph and its subgraphs.
func (k *supergraphs) collect(set telemetry.Set) {
	set.Gauge("weir_supergraph_failing", "1 while the newest supergraph cannot be used; the last good one serves.", boolean(k.failing.Load()))
	set.Gauge("weir_supergraph_pushed", "1 while the supergraph in force is the control plane's; the file's waits.", boolean(k.pushed.Load()))
	byLabel(set, "weir_supergraph_changes_total", "New supergraphs that were found, by what became of them.", "result",
		map[string]uint64{"swapped": k.swapped.Load(), "refused": k.refused.Load()})
	k.now.Load().collect(set)
}

func (k *supergraphs) close() {
	last := k.now.Load()
	last.closeBut(nil)
	last.hub.Close()
	k.closing.Wait()
}

// subgraphs answers operations in place of an upstream.
type subgraphs struct {
	names    []string
	urls     []string
	lines    []int              // of the supergraph
	clients  []*subgraph.Client // nil: no address
	products []config.Product
	executor *execute.Executor
	hub      *feed.Hub // of subscriptions to them
}

// newSubgraphs returns what asks the subgraphs. An error names a part of the configuration that cannot be used; a subgraph without an address
// that can be asked is none: an operation that does not need it is answered all the same. Clients of known, which may be nil, go on where they
// ask the same.
func newSubgraphs(s *planner.Supergraph, cfg *config.Static, store *cache.Store, breakers *breaker.Set, known *subgraphs, log *slog.Logger) (*subgraphs, error) {
	f := &cfg.Fetching
	g := &subgraphs{}
	var rules []forward.Rules
	budgets := budgetsOf(f)
	var targets []feed.Target
	keep := execute.Keeping{Store: store, HoldOff: f.HoldOff}
	for _, sub := range s.Subgraphs() {
		v, ok := f.Each[sub.Name]
		if !ok {
			v = f.All
		}
		rules, keep.Rules = append(rules, v.Headers), append(keep.Rules, v.Cache)
		if v.URL != "" {
			sub.URL = v.URL
		}
		if budgets != nil {
			budgets.Subgraphs = append(budgets.Subgraphs, v.Budget)
		}
		c := known.client(sub)
		if c == nil {
			var err error
			if c, err = newClient(sub, v, breakers.Of(sub.Name), log); err != nil {
				return nil, err
			}
		}
		target, err := targetOf(sub, &v)
		if err != nil {
			return nil, err
		}
		targets = append(targets, target)
		g.lines, g.products = append(g.lines, sub.Line), append(g.products, v.Product)
		g.names, g.urls, g.clients = append(g.names, sub.Name), append(g.urls, sub.URL), append(g.clients, c)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Each)) {
		if !slices.Contains(g.names, name) {
			log.Warn("the configuration speaks of a subgraph that the supergraph does not have", "subgraph", name)
		}
	}
	g.executor = execute.New(execute.Config{
		Budgets: budgets,
		Clients: g.clients, Total: f.Total, Mask: cfg.File.Supergraph.MaskErrors, Memo: cfg.File.Supergraph.EntityMemo, Join: cfg.File.Supergraph.Inbound, Headers: forward.Compile(f.Trace, f.Headers, rules), Keep: keep,
	})
	g.hub = newHub(&f.Subscriptions, g.names, targets, log)
	return g, nil
}

// budgetsOf returns the budgets without those of subgraphs, nil when they are off.
func budgetsOf(f *config.Fetching) *execute.Budgets {
	bounded := f.Budget.Operation > 0 || f.All.Budget > 0
	for _, v := range f.Each {
		bounded = bounded || v.Budget > 0
	}
	if f.Budget.Mode == policy.Off || !bounded {
		return nil
	}
	return &execute.Budgets{Operation: f.Budget.Operation, Refuse: f.Budget.Mode == policy.Enforce}
}

// newClient returns nil without an error for a subgraph whose address cannot be asked.
func newClient(sub planner.Subgraph, v config.SubgraphValues, b *breaker.Breaker, log *slog.Logger) (*subgraph.Client, error) {
	c := v.Client
	c.URL, c.Breaker = sub.URL, b
	var err error
	if c.TLS, err = secureOf(sub, &v); err != nil {
		return nil, err
	}
	c.Changed = func(open bool) {
		if open {
			log.Warn("a subgraph fails: its breaker opened", "subgraph", sub.Name)
		} else {
			log.Info("a subgraph answers again: its breaker closed", "subgraph", sub.Name)
		}
	}
	client, err := subgraph.New(c)
	if err != nil {
		log.Warn("a subgraph cannot be asked", "subgraph", sub.Name, "error", err)
		return nil, nil
	}
	return client, nil
}

// unreachable names the subgraphs that cannot be asked at the address they have, and those that only the configuration knows.
func (f *federation) unreachable(cfg *config.Static) error {
	var problems config.Problems
	for i, c := range f.clients {
		if c == nil {
			problems = append(problems, config.Problem{
				File: cfg.File.Supergraph.File, Line: f.lines[i], Column: 1, Path: "enum join__Graph, subgraph " + f.names[i],
				Message: fmt.Sprintf("%q is no address that can be asked; write http://HOST:PORT/PATH or https://HOST:PORT/PATH, here or as supergraph.subgraphs.%s.url",
					f.urls[i], f.names[i]),
			})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Fetching.Each)) {
		if !slices.Contains(f.names, name) {
			problems = append(problems, config.Problem{
				Path: "supergraph.subgraphs." + name, Message: "the supergraph has no such subgraph; it has " + strings.Join(f.names, ", "),
			})
		}
	}
	if len(problems) > 0 {
		return problems
	}
	return nil
}

// client returns the one that asks a subgraph at its address, nil when there is none.
func (g *subgraphs) client(sub planner.Subgraph) *subgraph.Client {
	if g == nil {
		return nil
	}
	if i := slices.Index(g.names, sub.Name); i >= 0 && g.urls[i] == sub.URL {
		return g.clients[i]
	}
	return nil
}

// closeBut closes the clients that next, which may be nil, does not go on with.
func (g *subgraphs) closeBut(next *subgraphs) {
	for _, c := range g.clients {
		if c != nil && (next == nil || !slices.Contains(next.clients, c)) {
			c.Close()
		}
	}
}

// exhausted tells of an operation that is executed by a plan that might be better.
func (s *Sidecar) exhausted(operation, hash string) {
	s.log.Warn("the search for a plan ran out of work: the best one found is used; weir plan shows its fetches", "operation", operation, "hash", hash)
}

// errNoUpstream is what a request meets that no subgraph can answer, such as one for another path.
var errNoUpstream = errors.New("a sidecar with a supergraph has no upstream")

func noUpstream(context.Context, string) (net.Conn, error) { return nil, errNoUpstream }

// ownAnswers is the policy where nobody else can tell what is wrong with a request. Clients' answers are not cached in this mode, entities are.
func ownAnswers(p *policy.Policy) {
	p.AnswerErrors, p.Validation, p.Variables, p.GetMutation = true, policy.Enforce, policy.Enforce, policy.Enforce
	p.Cache.Enabled = false
}
