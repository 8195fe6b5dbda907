package execute

import (
	"slices"
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

// use returns what the operation has taken of the subgraph of a step, with the step's points in it. It is good until the next call.
func (r *run) use(step *planner.FetchStep) *event.Subgraph {
	name := r.plan.Subgraphs[step.Subgraph]
	i := slices.IndexFunc(r.q.Uses, func(u event.Subgraph) bool { return u.Name == name })
	if i < 0 {
		i = len(r.q.Uses)
		r.q.Uses = append(r.q.Uses, event.Subgraph{Name: name})
	}
	u := &r.q.Uses[i]
	if !r.charged[step.ID] && step.ID < len(r.q.Points) {
		r.charged[step.ID] = true
		u.Points += r.q.Points[step.ID]
	}
	return u
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

// unkept counts what was looked for in the cache and is asked for.
func (r *run) unkept(step *planner.FetchStep, n int) {
	if c := r.client(step); c != nil {
		c.Uncached(n)
	}
}

// keptOne counts what the cache had.
func (r *run) keptOne(step *planner.FetchStep) {
	r.stats.Kept++
	r.use(step).Cached++
	if c := r.client(step); c != nil {
		c.Cached()
	}
}
