package execute

import (
	"context"
	"sync"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// Config sets up an Executor.
type Config struct {
	Clients []*subgraph.Client // by the index of the subgraph; nil: it has no address
	// Fetch and Total bound one fetch and a whole operation. Defaults 10 s and 30 s.
	Fetch, Total time.Duration
	// Mask replaces what subgraphs say in errors.
	Mask bool
}

// Executor is safe for concurrent use.
type Executor struct {
	cfg  Config
	runs sync.Pool
}

// New returns an executor; it does not own the clients.
func New(cfg Config) *Executor {
	if cfg.Fetch <= 0 {
		cfg.Fetch = 10 * time.Second
	}
	if cfg.Total <= 0 {
		cfg.Total = 30 * time.Second
	}
	e := &Executor{cfg: cfg}
	e.runs.New = func() any { return new(run) }
	return e
}

// Stats tells what an execution took.
type Stats struct {
	Fetches int
	Errors  int // in the answer
	Bytes   int // received as content
}

// Execute appends the body of the client's answer to dst. The answer tells of all that went wrong; there is no other error.
func (e *Executor) Execute(ctx context.Context, plan *planner.FetchPlan, values *planner.Values, dst []byte) ([]byte, Stats) {
	r := e.runs.Get().(*run)
	r.begin(e, ctx, plan, values)
	r.fetch()
	dst = r.answer(dst)
	stats := r.stats
	stats.Errors = len(r.errors)
	r.end()
	e.runs.Put(r)
	return dst, stats
}
