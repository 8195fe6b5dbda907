package proxy

import (
	"context"
	"strings"
	"time"

	"github.com/weirproxy/weir/cache"
	"github.com/weirproxy/weir/planner"
	"github.com/weirproxy/weir/proxy/internal/admin"
)

// invalidate hands an invalidation from outside to the cache, with what else its names stand for.
func invalidate(ctx context.Context, store *cache.Store, inv cache.Invalidation) (cache.Receipt, error) {
	return store.Invalidate(ctx, withCompanions(inv), time.Now().UnixNano())
}

// invalidateCounted is invalidate that also tells what it reached; nil when there was no time to look.
func invalidateCounted(ctx context.Context, store *cache.Store, inv cache.Invalidation) (cache.Receipt, *admin.Reach, error) {
	inv = withCompanions(inv)
	r, reach, err := store.InvalidateCounted(ctx, inv, time.Now().UnixNano())
	if !reach.Counted {
		return r, nil, err
	}
	return r, &admin.Reach{
		Entries: reach.Entries, Tags: byName(inv.Tags, reach.Tags), Prefixes: byName(inv.Prefixes, reach.Prefixes),
		Patterns: byName(inv.Patterns, reach.Patterns),
	}, err
}

func byName(names []string, counts []int64) map[string]int64 {
	out := make(map[string]int64, len(names))
	for i, n := range names {
		if i < len(counts) {
			out[n] = counts[i]
		}
	}
	return out
}

// withCompanions adds, to the tag of an entity, the one on answers that hold such an entity without its key: City:5 may be among them. So may
// entities that a prefix or a pattern names by a part of their key.
func withCompanions(inv cache.Invalidation) cache.Invalidation {
	tags, patterns := newNames(2*len(inv.Tags)), newNames(len(inv.Patterns))
	for _, tag := range inv.Tags {
		tags.add(tag)
		if c, ok := planner.Companion(tag); ok {
			tags.add(c)
		}
	}
	for _, p := range inv.Patterns {
		patterns.add(p)
	}
	for _, p := range append(inv.Prefixes[:len(inv.Prefixes):len(inv.Prefixes)], inv.Patterns...) {
		c, ok := planner.Companion(p)
		switch {
		case !ok:
		case strings.Contains(c, "*"):
			patterns.add(c)
		default:
			tags.add(c)
		}
	}
	inv.Tags, inv.Patterns = tags.list, patterns.list
	return inv
}

// names is a list without repetitions.
type names struct {
	list []string
	seen map[string]bool
}

func newNames(size int) *names { return &names{make([]string, 0, size), make(map[string]bool, size)} }

func (n *names) add(name string) {
	if !n.seen[name] {
		n.seen[name] = true
		n.list = append(n.list, name)
	}
}
