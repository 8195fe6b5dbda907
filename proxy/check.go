package proxy

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// Check validates what New would need beyond the configuration itself: schema, price book and keys, and that the policy shares nothing that the
// schema marks PRIVATE and speaks of mutations that there are. It opens no listener and connects nowhere.
func Check(cfg Config) error {
	log := slog.New(slog.DiscardHandler)
	f := cfg.Static.File
	f.Kafka = nil
	if _, err := newTelemetry(&f, log); err != nil {
		return err
	}
	if f.Control != "" {
		none := func(context.Context, agent.Snapshot) error { return nil }
		if _, err := newAgent(&f, agent.Config{Apply: none, Logger: log}, cfg.Version); err != nil {
			return err
		}
	}
	if _, err := storeConfig(cfg.Static); err != nil {
		return err
	}
	behind, err := newUpstream(cfg.Static.Upstream)
	if err != nil {
		return err
	}
	schemas, err := newSchemas(cfg.Static, behind, log)
	if err != nil {
		return err
	}
	schema := schemas.first
	graphs, err := newSupergraphs(cfg.Static, nil, log)
	if err != nil {
		return err
	}
	if graphs != nil {
		schema = graphs.now.Load().schema
		if err := graphs.now.Load().unreachable(cfg.Static); err != nil {
			return err
		}
	}
	if schema != nil {
		if err := cfg.Values.CheckSharing(schema); err != nil {
			return err
		}
		if err := cfg.Values.CheckMutations(schema); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nothing is to be fetched
	if _, err := scope.Compile(ctx, cfg.Values.Scope, nil); err != nil {
		return fmt.Errorf("policy.%w", err)
	}
	return nil
}
