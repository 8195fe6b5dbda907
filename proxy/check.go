package proxy

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/weirproxy/weir/controlplane/agent"
	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

// Check validates what New would need beyond the configuration itself: schema, price book and keys, and that the policy shares nothing that the
// schema marks PRIVATE and speaks of mutations that there are. It opens no listener and connects nowhere. Warnings are of what works, and hardly
// as it was meant.
func Check(cfg Config) (warnings config.Problems, err error) {
	log := slog.New(slog.DiscardHandler)
	f := cfg.Static.File
	f.Kafka = nil
	if _, err := newTelemetry(&f, log); err != nil {
		return nil, err
	}
	if f.Control != "" {
		none := func(context.Context, agent.Snapshot) error { return nil }
		if _, err := newAgent(&f, agent.Config{Apply: none, Logger: log}, cfg.Version); err != nil {
			return nil, err
		}
	}
	if _, err := storeConfig(cfg.Static); err != nil {
		return nil, err
	}
	behind, err := newUpstream(cfg.Static.Upstream)
	if err != nil {
		return nil, err
	}
	schemas, err := newSchemas(cfg.Static, behind, log)
	if err != nil {
		return nil, err
	}
	schema := schemas.first
	graphs, err := newSupergraphs(cfg.Static, nil, log)
	if err != nil {
		return nil, err
	}
	if graphs != nil {
		schema = graphs.now.Load().schema
		if err := graphs.now.Load().unreachable(cfg.Static); err != nil {
			return nil, err
		}
		warnings = graphs.now.Load().unproven(cfg)
	}
	if schema != nil {
		if err := cfg.Values.CheckSharing(schema); err != nil {
			return nil, err
		}
		if err := cfg.Values.CheckMutations(schema); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nothing is to be fetched
	if _, err := scope.Compile(ctx, cfg.Values.Scope, nil); err != nil {
		return nil, fmt.Errorf("policy.%w", err)
	}
	return warnings, nil
}

// unproven warns where the supergraph or the configuration asks for verified tokens, and no rule verifies any. A policy that is pushed may bring one.
func (f *federation) unproven(cfg Config) (warnings config.Problems) {
	if cfg.Values.Scope.VerifiesTokens() {
		return nil
	}
	const cure = "set policy.scope.jwt with the keys and the claim of your tokens"
	if len(f.guards) > 0 {
		g := f.guards[0]
		w := config.Problem{File: cfg.Static.File.Supergraph.File, Line: g.Line, Column: 1, Path: g.Place}
		w.Message = fmt.Sprintf("%s is enforced, but no token is verified, so nobody gets it; %s", g.Requirement, cure)
		if n := len(f.guards) - 1; n > 0 {
			w.Message += fmt.Sprintf(" (%d more like it)", n)
		}
		warnings = append(warnings, w)
	}
	if f.executor.Claims() {
		warnings = append(warnings, config.Problem{
			Path: "supergraph.headers.claims", Message: "no token is verified, so no subgraph gets a claim; " + cure,
		})
	}
	return warnings
}
