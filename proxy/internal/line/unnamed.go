package line

import (
	"context"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/policy"
)

// maxTypes is up to how many types are named one by one; in place of more, everything goes.
const maxTypes = 256

// unnamed invalidates what policy says after a change of which nobody knows what it was: a mutation whose answer names nothing, or a request
// that may have been one. It reports what logged does.
func (l *Line) unnamed(ctx context.Context, p *policy.Policy, now int64) bool {
	l.stats.unnamed.Add(1)
	if l.cfg.Cache == nil || p.Cache.UnreadMutations == policy.UnreadCount {
		return true
	}
	var tags planner.Tags
	if p.Cache.UnreadMutations == policy.UnreadTypes && p.Plans.Schema().AppendQueriedTypes(&tags, maxTypes) {
		return l.logged(l.cfg.Cache.InvalidateTags(ctx, &tags, now))
	}
	return l.logged(l.cfg.Cache.Invalidate(ctx, cache.Invalidation{All: true}, now))
}

// logged reports whether everything that was to be told is told: false when the fleet's log did not have the invalidation within the cache's
// append budget. This sidecar obeys all the same, and the log gets it later.
func (l *Line) logged(r cache.Receipt, err error) bool {
	if err != nil {
		l.stats.invalidateErrors.Add(1)
	}
	if r.Shared && !r.Logged {
		l.stats.unlogged.Add(1)
		return false
	}
	return true
}

// answersFor notes what logged says of an invalidation that the answer stands for: the answer does not wait for more than the budget, so it says
// that others may not obey yet.
func (x *Exchange) answersFor(logged bool) { x.unlogged = x.unlogged || !logged }

// Unlogged reports whether the answer has to say that the fleet's log does not have yet what it changed.
func (x *Exchange) Unlogged() bool { return x.unlogged }
