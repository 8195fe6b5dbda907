package proxy

import (
	"context"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
)

// invalidate hands an invalidation from outside to the cache, with what else its names stand for.
func invalidate(ctx context.Context, store *cache.Store, inv cache.Invalidation) (cache.Receipt, error) {
	return store.Invalidate(ctx, withCompanions(inv), time.Now().UnixNano())
}

// withCompanions adds, to the tag of an entity, the one on answers that hold such an entity without its key: City:5 may be among them.
func withCompanions(inv cache.Invalidation) cache.Invalidation {
	tags := make([]string, 0, 2*len(inv.Tags))
	seen := map[string]bool{}
	add := func(tag string) {
		if !seen[tag] {
			seen[tag] = true
			tags = append(tags, tag)
		}
	}
	for _, tag := range inv.Tags {
		add(tag)
		if c, ok := planner.Companion(tag); ok {
			add(c)
		}
	}
	inv.Tags = tags
	return inv
}
