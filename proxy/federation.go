package proxy

import (
	"context"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// Federation executes the plans of a supergraph over its subgraphs, as a sidecar does in that mode, but without listener, policy, cache and telemetry. It is
// safe for concurrent use.
type Federation struct {
	clients  []*subgraph.Client
	executor *execute.Executor
}

// NewFederation takes the addresses of the subgraphs from the supergraph. An error names the one that cannot be used.
func NewFederation(s *planner.Supergraph) (*Federation, error) {
	f := &Federation{}
	for _, g := range s.Subgraphs() {
		c, err := subgraph.New(subgraph.Config{URL: g.URL})
		if err != nil {
			f.Close()
			return nil, err
		}
		f.clients = append(f.clients, c)
	}
	f.executor = execute.New(execute.Config{Clients: f.clients})
	return f, nil
}

// Execute appends the body of the answer to dst. It tells of all that went wrong.
func (f *Federation) Execute(ctx context.Context, plan *planner.FetchPlan, values *planner.Values, dst []byte) []byte {
	dst, _ = f.executor.Execute(ctx, &execute.Request{Plan: plan, Values: values}, dst)
	return dst
}

// Close closes the connections that rest.
func (f *Federation) Close() {
	for _, c := range f.clients {
		c.Close()
	}
}
