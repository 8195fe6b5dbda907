package proxy

import (
	"context"
	"log/slog"

	"github.com/weirproxy/weir/proxy/internal/scope"
)

// Check validates what New would need beyond the configuration itself: schema, price book and keys. It opens no listener and connects
// nowhere, except to a JSON Web Key Set that is to be fetched.
func Check(cfg Config) error {
	log := slog.New(slog.DiscardHandler)
	f := cfg.Static.File
	f.Kafka = nil
	if _, err := newTelemetry(&f, log); err != nil {
		return err
	}
	if _, err := newSchemas(cfg.Static, newUpstream(cfg.Static.Upstream), log); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := scope.Compile(ctx, cfg.Values.Scope)
	return err
}
