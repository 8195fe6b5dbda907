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
// that may have been one.
func (l *Line) unnamed(ctx context.Context, p *policy.Policy, now int64) {
	l.stats.unnamed.Add(1)
	if l.cfg.Cache == nil || p.Cache.UnreadMutations == policy.UnreadCount {
		return
	}
	var err error
	var tags planner.Tags
	if p.Cache.UnreadMutations == policy.UnreadTypes && p.Plans.Schema().AppendQueriedTypes(&tags, maxTypes) {
		_, err = l.cfg.Cache.InvalidateTags(ctx, &tags, now)
	} else {
		_, err = l.cfg.Cache.Invalidate(ctx, cache.Invalidation{All: true}, now)
	}
	if err != nil {
		l.stats.invalidateErrors.Add(1)
	}
}
