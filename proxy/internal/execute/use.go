package execute

import (
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/subgraph"
	"github.com/weirproxy/weir/telemetry/event"
)

// client returns what asks the subgraph of a step, nil when it has no address.
func (r *run) client(step *planner.FetchStep) *subgraph.Client {
	if step.Subgraph < len(r.e.cfg.Clients) {
		return r.e.cfg.Clients[step.Subgraph]
	}
	return nil
}

// use returns what the operation has taken of the subgraph of a step. It is good until the next call.
func (r *run) use(step *planner.FetchStep) *event.Subgraph {
	name := r.plan.Subgraphs[step.Subgraph]
	for i := range r.q.Uses {
		if r.q.Uses[i].Name == name {
			return &r.q.Uses[i]
		}
	}
	r.q.Uses = append(r.q.Uses, event.Subgraph{Name: name})
	return &r.q.Uses[len(r.q.Uses)-1]
}

// used counts an answer, or that none came. What another operation asked and this one shares costs its time alone.
func (r *run) used(step *planner.FetchStep, c *fetchCall, err error) *event.Subgraph {
	u := r.use(step)
	u.US += (time.Now().UnixNano() - c.sentAt) / int64(time.Microsecond)
	if err != nil {
		u.Errors++
	}
	if c.call.Joined() {
		r.stats.Shared++
		u.Shared++
		return u
	}
	sent := 1
	if c.call.Hedged() {
		sent = 2
	}
	r.stats.Fetches += sent
	u.Fetches += int64(sent)
	u.BytesSent += int64(sent * c.size)
	if err == nil {
		u.BytesReceived += int64(len(c.content))
	}
	return u
}

// keptOne counts what the cache had.
func (r *run) keptOne(step *planner.FetchStep) {
	r.stats.Kept++
	r.use(step).Cached++
	if c := r.client(step); c != nil {
		c.Cached()
	}
}
