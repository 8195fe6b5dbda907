package proxy

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/proxy/internal/admin"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/line"
	"github.com/weirproxy/weir/proxy/internal/listen"
	"github.com/weirproxy/weir/proxy/internal/serve"
	"github.com/weirproxy/weir/telemetry"
)

// Config is a validated configuration (package config compiles it) and what the process knows of itself.
type Config struct {
	Static *config.Static
	Values *config.Values
	Logger *slog.Logger
	// LogDropped is how many lines of Logger were lost; nil: none can be.
	LogDropped func() uint64
	Version    string
}

// Sidecar is one data plane.
type Sidecar struct {
	cfg         Config
	log         *slog.Logger
	policies    *policies
	store       *cache.Store // nil: off
	telemetry   *telemetry.Telemetry
	line        *line.Line
	warming     atomic.Bool // the cache is filled before the sidecar is ready
	server      *serve.Server
	agent       *agent.Agent // nil: no control plane
	upstream    *upstream
	schemas     *schemas
	supergraphs *supergraphs // nil: there is an upstream
	usage       *fieldUsage  // nil: not counted
	feed        *changeFeed  // nil: no topics that say what has changed
	listeners   []listen.Listener
	admin       *admin.Server // nil: no admin listener
}

// New builds a sidecar and opens its listeners. On an error nothing is left open.
func New(cfg Config) (_ *Sidecar, err error) {
	s := &Sidecar{cfg: cfg, log: cfg.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	f := &cfg.Static.File
	if s.upstream, err = newUpstream(cfg.Static.Upstream); err != nil {
		return nil, err
	}
	if s.telemetry, err = newTelemetry(f, s.log); err != nil {
		return nil, err
	}
	warnOfClearPassword(f, s.log)
	if f.Cache == "on" {
		s.warming.Store(cfg.Static.WarmUp > 0)
		if s.store, err = newStore(cfg.Static, s.log); err != nil {
			return nil, err
		}
	}
	if s.schemas, err = newSchemas(cfg.Static, s.upstream, s.log); err != nil {
		return nil, err
	}
	behind := federation{schema: s.schemas.first}
	dial := s.upstream.dial
	if s.supergraphs, err = newSupergraphs(cfg.Static, s.store, s.log); err != nil {
		return nil, err
	}
	if s.supergraphs != nil {
		behind, dial = *s.supergraphs.now.Load(), noUpstream
	}
	if s.policies, err = newPolicies(cfg.Static, cfg.Values, &behind, s.store, s.log); err != nil {
		return nil, err
	}
	s.policies.graphs = s.supergraphs
	s.usage = newFieldUsage(cfg.Static.Usage, len(f.Kafka) > 0, f.UsageMetrics, s.telemetry.TellUsage)
	s.line = line.New(line.Config{Policy: s.policies.load, Cache: s.store, Telemetry: s.telemetry, Usage: s.usage.table(), Exhausted: s.exhausted})
	s.server = serve.New(serve.Config{
		Line: s.line, Policy: s.policies.load, Dial: dial, MaxConnections: f.Limits.Connections, MaxHead: cfg.Static.MaxHead,
		MemoryLimit: cfg.Static.Memory, Logger: s.log,
	})
	if f.Control != "" {
		c := agent.Config{Apply: s.policies.apply, Commands: s.policies.command, Logger: s.log}
		if s.agent, err = newAgent(f, c, cfg.Version); err != nil {
			return nil, err
		}
	}
	s.telemetry.Registry().Pull(func(set telemetry.Set) { s.collect(set, s.line) })
	for _, address := range f.Listen {
		opened, err := listen.Open(address, cfg.Static.Upstream.Address)
		if err != nil {
			return nil, err
		}
		s.listeners = append(s.listeners, opened)
	}
	if s.feed, err = s.newFeed(); err != nil {
		return nil, err
	}
	if f.Admin != "" {
		if s.admin, err = admin.Open(f.Admin, s.adminSources()); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func newTelemetry(f *config.File, log *slog.Logger) (*telemetry.Telemetry, error) {
	security, err := kafkaSecurity(f)
	if err != nil {
		return nil, err
	}
	c := telemetry.Config{
		Identity: telemetry.Identity{
			Service: f.Identity.Service, Region: f.Identity.Region, ResourceID: f.Identity.ResourceID, BusinessUnit: f.Identity.BusinessUnit,
			ProjectID: f.Identity.ProjectID, Environment: f.Identity.Environment, Instance: f.Identity.Instance,
		},
		Brokers: f.Kafka, Security: security, Topic: f.KafkaTopic, Binary: f.EventsMode == "binary", Logger: log,
	}
	if f.PriceBook != "" {
		text, err := os.ReadFile(f.PriceBook)
		if err != nil {
			return nil, fmt.Errorf("price_book: %w; name a price book that this user may read, or none for the built-in one", err)
		}
		if c.Book, err = telemetry.ParsePriceBook(f.PriceBook, text); err != nil {
			return nil, fmt.Errorf("price_book: %w", err)
		}
	}
	return telemetry.New(c)
}

// ttlJitter shortens times to live by up to this share, so that entries filled together do not expire together.
const ttlJitter = 0.1

// newAgent completes c, which says what to do, by whom to follow.
func newAgent(f *config.File, c agent.Config, version string) (*agent.Agent, error) {
	c.URL, c.Token, c.StateDir = f.Control, f.Token, f.State
	c.Identity = agent.Identity{
		Service: f.Identity.Service, Instance: f.Identity.Instance, Environment: f.Identity.Environment, Version: version,
	}
	if c.Identity.Instance == "" {
		c.Identity.Instance, _ = os.Hostname()
	}
	if f.PublicKey != "" {
		key, err := base64.StdEncoding.DecodeString(f.PublicKey)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, errors.New("public_key: it is no Ed25519 public key; write its 32 bytes in base64")
		}
		c.PublicKey = key
	}
	return agent.New(c)
}

// Addresses returns where clients connect, and the admin address, empty when there is none.
func (s *Sidecar) Addresses() (clients []string, admin string) {
	for _, l := range s.listeners {
		clients = append(clients, l.Address())
	}
	if s.admin != nil {
		admin = s.admin.Address()
	}
	return clients, admin
}

// Run serves until ctx ends, then lets requests that have begun finish, within the drain time, and sends the events that are left.
func (s *Sidecar) Run(ctx context.Context) error {
	background, stop := context.WithCancel(context.Background())
	defer stop()
	var work, events sync.WaitGroup
	events.Go(func() { _ = s.telemetry.Run(background) })
	work.Go(func() { s.schemas.run(background, s.policies.setSchema) })
	if s.supergraphs != nil {
		work.Go(func() { s.supergraphs.run(background, s.policies.setFederation) })
	}
	if s.usage != nil {
		events.Go(func() { s.usage.run(background) })
	}
	if s.store != nil {
		work.Go(func() { _ = s.store.Run(background) })
		if s.savedCache() != "" || s.cfg.Static.WarmUp > 0 {
			work.Go(func() { s.bringAlong(background) })
		}
	}
	if s.feed != nil {
		work.Go(func() { s.feed.reader.Run(background) })
	}
	if s.agent != nil {
		work.Go(func() { _ = s.agent.Run(background) })
		s.recall(ctx)
	}
	if s.admin != nil {
		work.Go(func() { s.admin.Serve(background) })
	}
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		work.Go(func() {
			if err := s.server.Serve(l); err != nil {
				failed <- err
			}
		})
	}
	clients, adminAddress := s.Addresses()
	s.log.Info("listening", "clients", clients, "admin", adminAddress, "upstream", s.cfg.Static.File.Upstream, "version", s.cfg.Version)
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.drain()
	stop()
	events.Wait()
	if s.usage != nil {
		s.usage.report()
	}
	s.flush() // while the others come to their ends
	work.Wait()
	s.saveCache()
	s.close()
	return err
}

// recallTime bounds how long the first requests wait for what is on disk: a disk that hangs does not stop traffic.
const recallTime = 2 * time.Second

// recall waits until what was pushed before a restart is in force again: the first request obeys it, too. Connections are accepted meanwhile.
func (s *Sidecar) recall(ctx context.Context) {
	late := time.NewTimer(recallTime)
	defer late.Stop()
	select {
	case <-s.agent.Recalled():
	case <-late.C:
	case <-ctx.Done():
	}
}

// flushTime bounds the sending of the last events.
const flushTime = 5 * time.Second

func (s *Sidecar) drain() {
	s.log.Info("draining", "for", s.cfg.Static.Drain)
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Static.Drain)
	defer cancel()
	if err := s.server.Drain(ctx); err != nil {
		s.log.Warn("requests were cut off at the end of the drain time", "error", err)
	}
}

// close releases what New has opened.
func (s *Sidecar) close() {
	for _, l := range s.listeners {
		_ = l.Close()
	}
	if s.server != nil {
		s.server.Close()
	}
	if s.supergraphs != nil {
		s.supergraphs.close()
	}
	if s.admin != nil {
		s.admin.Close()
	}
	if s.feed != nil {
		s.feed.reader.Close()
	}
	s.flush()
	if s.policies != nil {
		s.policies.close()
	}
	if s.store != nil {
		_ = s.store.Close()
	}
}

// flush sends the events that are left, once.
func (s *Sidecar) flush() {
	if s.telemetry == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if err := s.telemetry.Close(ctx); err != nil {
		s.log.Warn("events were lost at the end", "error", err)
	}
}
