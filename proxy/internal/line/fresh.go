package line

import (
	"net/http"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/answer"
	"github.com/weirproxy/weir/proxy/internal/execute"
	"github.com/weirproxy/weir/proxy/internal/outward"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// An answer made of those of subgraphs is for other caches what its parts allow, and no more: the schema's @cacheControl can only make less of it.

// askFresh asks the execution for what other caches are to be told.
func (x *Exchange) askFresh() {
	o := &x.Policy.Cache.Outward
	if it := &x.Items[0]; o.On() && !x.Batch && it.Plan.Kind() == planner.KindQuery {
		x.execution.Fresh = true
		if o.SurrogateKey.Enabled || o.CacheTag.Enabled || o.CacheGroups.Enabled {
			x.execution.Tags = &it.tags
		}
	}
}

// restrict makes of what the parts of an answer allow what the caller, his headers and the schema leave of it.
func (x *Exchange) restrict(f execute.Freshness) execute.Freshness {
	if plan := x.Items[0].Plan.Cache(); plan.Hinted {
		f.TTL = min(f.TTL, time.Duration(plan.MaxAge)*time.Second)
		f.Private = f.Private || plan.Private
	}
	names, open := x.Policy.Executor.Varies()
	f.Private = f.Private || open || x.rights.looked // else it is the same for all with the same headers
	for _, name := range names {
		if h := x.rights.head; h != nil && len(h.Header(name)) > 0 && (name == "authorization" || name == "cookie" || wire.IsCredential([]byte(name))) {
			f.Private = true
		}
	}
	if f.TTL < time.Second {
		return execute.Freshness{}
	}
	return f
}

// appendFresh appends the lines for other caches of an answer of ours and its entity tag to x.lines, and reports whether the client has it already.
func (x *Exchange) appendFresh(h *wire.RequestHead) (has bool) {
	o := &x.Policy.Cache.Outward
	x.lines = x.lines[:0]
	if x.fresh.TTL == 0 {
		x.lines = o.Refuse(x.lines)
		return false
	}
	if !o.CacheControl {
		x.lines = append(x.lines, "Cache-Control: no-store\r\n"...)
	}
	names, _ := x.Policy.Executor.Varies()
	a := outward.Answer{TTL: x.fresh.TTL, Private: x.fresh.Private, Vary: names, Order: x.order}
	if x.execution.Tags != nil {
		a.Tags = x.execution.Tags
	}
	x.lines = o.Render(x.lines, &a)
	x.order = a.Order[:0]
	if !x.Get && !x.Head {
		return false
	}
	x.scratch = answer.AppendETag(x.scratch[:0], x.executed)
	x.lines = append(append(append(x.lines, "ETag: "...), x.scratch...), "\r\n"...)
	if h == nil || !answer.Matches(h.Header("if-none-match"), x.scratch) {
		return false
	}
	x.Status = http.StatusNotModified
	return true
}
