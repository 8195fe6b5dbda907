package proxy

import (
	"context"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
)

// Federation executes the plans of a supergraph over its subgraphs, as a sidecar does in that mode, but without listener, policy and telemetry. It is
// safe for concurrent use.
type Federation struct {
	clients  []*subgraph.Client
	executor *execute.Executor
}

// NewFederation takes the addresses of the subgraphs from the supergraph. An error names the one that cannot be used. What subgraphs answer is kept
// in the store for ttl where they do not say for how long; nil: nothing is kept.
func NewFederation(s *planner.Supergraph, store *cache.Store, ttl time.Duration) (*Federation, error) {
	f := &Federation{}
	keep := execute.Keeping{Store: store}
	for _, g := range s.Subgraphs() {
		c, err := subgraph.New(subgraph.Config{URL: g.URL, Share: true})
		if err != nil {
			f.Close()
			return nil, err
		}
		f.clients, keep.Rules = append(f.clients, c), append(keep.Rules, execute.Rule{TTL: ttl})
	}
	f.executor = execute.New(execute.Config{Clients: f.clients, Keep: keep})
	return f, nil
}

// Execute appends the body of the answer to dst. It tells of all that went wrong.
func (f *Federation) Execute(ctx context.Context, plan *planner.FetchPlan, values *planner.Values, dst []byte) []byte {
	dst, _ = f.executor.Execute(ctx, &execute.Request{Plan: plan, Values: values}, dst)
	return dst
}

// ExecuteEvent appends the answer to one event of a subscription. event is what the subgraph that was subscribed to has told: its answer to the first step.
func (f *Federation) ExecuteEvent(ctx context.Context, plan *planner.FetchPlan, values *planner.Values, event, dst []byte) []byte {
	dst, _ = f.executor.Execute(ctx, &execute.Request{Plan: plan, Values: values, Event: event}, dst)
	return dst
}

// ExecuteInParts executes a plan that FetchesInParts returned with parts. send gets each payload, the value of one part of a multipart answer, good
// until it returns; last: it is the last one. legacy: in the format deferSpec=20220824, else in that of incrementalSpec=v0.2.
func (f *Federation) ExecuteInParts(ctx context.Context, plan *planner.FetchPlan, values *planner.Values, legacy bool, send func(payload []byte, last bool)) {
	d := execute.Delivery{Format: execute.Draft, Send: func(payload []byte, last bool) bool { send(payload, last); return true }}
	if legacy {
		d.Format = execute.Legacy
	}
	f.executor.ExecuteInParts(ctx, &execute.Request{Plan: plan, Values: values}, &d)
}

// Close closes the connections that rest.
func (f *Federation) Close() {
	for _, c := range f.clients {
		c.Close()
	}
}
