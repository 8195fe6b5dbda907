package line

import (
	"context"
	"time"

	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/wire"
)

// safe tells methods that change nothing.
func safe(m wire.Method) bool {
	return m == wire.MethodGet || m == wire.MethodHead || m == wire.MethodOptions || m == wire.MethodTrace
}

const (
	groupInvalidation = "cache-group-invalidation"
	// longestGroup is beyond what any head holds: a group that no entry can have does no harm.
	longestGroup = 1 << 20
)

// groups obeys Cache-Group-Invalidation on the answer to a method that may have changed something (RFC 9875, section 3), also where the request
// was none of GraphQL. The groups are those of one origin, for entries come from the upstream alone. It waits for the log within the
// cache's append budget, before any part of the answer is sent.
func (l *Line) groups(x *Exchange, r *wire.ResponseHead) {
	p := &x.Policy.Cache
	if l.cfg.Cache == nil || !p.Tags.Invalidation || len(r.Header(groupInvalidation)) == 0 {
		return
	}
	now := time.Now().UnixNano()
	var groups planner.Tags
	ok := true
	r.VisitHeaders(func(name, value []byte) bool {
		if is(name, groupInvalidation) {
			ok = appendGroups(&groups, value, longestGroup) && ok
		}
		return true
	})
	if !ok {
		x.answersFor(l.unnamed(context.Background(), x.Policy, now))
	}
	if groups.Len() == 0 {
		return
	}
	l.stats.groups.Add(1)
	x.answersFor(l.logged(l.cfg.Cache.InvalidateTags(context.Background(), &groups, now)))
}
