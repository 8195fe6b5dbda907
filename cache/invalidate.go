package cache

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/weirproxy/weir/cache/internal/journal"
	"github.com/weirproxy/weir/cache/internal/tombstone"
)

// maxWide bounds the prefixes and patterns of one invalidation: every entry is compared with each of them.
const maxWide = 256

// names copies what an invalidation names. A pattern whose only * is at its end is a prefix. Too many prefixes and patterns name everything.
func (inv *Invalidation) names() *tombstone.Names {
	n := &tombstone.Names{Tags: slices.Clone(inv.Tags), Prefixes: slices.Clone(inv.Prefixes), Soft: inv.Soft, All: inv.All}
	for _, p := range inv.Patterns {
		if prefix, ok := asPrefix(p); ok {
			n.Prefixes = append(n.Prefixes, prefix)
		} else {
			n.Patterns = append(n.Patterns, p)
		}
	}
	if len(n.Prefixes)+len(n.Patterns) > maxWide {
		return &tombstone.Names{Soft: inv.Soft, All: true}
	}
	return n
}

// asPrefix returns the prefix that a pattern stands for whose stars are all at its end.
func asPrefix(pattern string) (string, bool) {
	i := strings.IndexByte(pattern, '*')
	if i < 0 || strings.Trim(pattern[i:], "*") != "" {
		return "", false
	}
	return pattern[:i], true
}

// Invalidate makes this process obey at once and puts the invalidation into the log. It waits for the log within AppendBudget; then the
// log gets it later, and Receipt.Logged is false. It copies the lists of names.
func (s *Store) Invalidate(ctx context.Context, inv Invalidation, now int64) (Receipt, error) {
	return s.invalidate(ctx, inv.names(), now)
}

// InvalidateCounted is Invalidate that also tells what it reached in this process, for which it may wait half a second.
func (s *Store) InvalidateCounted(ctx context.Context, inv Invalidation, now int64) (Receipt, Reach, error) {
	n := inv.names()
	var t *journal.Ticket
	reach := s.reclaim.counted(ctx, n, func() { t = s.obey(n, now) })
	patterns := inv.patterns(&reach)
	reach.Prefixes, reach.Patterns = reach.Prefixes[:min(len(inv.Prefixes), len(reach.Prefixes))], patterns
	r, err := s.logged(ctx, t)
	return r, reach, err
}

// patterns returns the counts of the patterns in the order in which they were asked for.
func (inv *Invalidation) patterns(r *Reach) (out []int64) {
	if len(r.Prefixes)+len(r.Patterns) != len(inv.Prefixes)+len(inv.Patterns) {
		return nil
	}
	prefixes, patterns := r.Prefixes[len(inv.Prefixes):], r.Patterns
	for _, p := range inv.Patterns {
		from := &patterns
		if _, ok := asPrefix(p); ok {
			from = &prefixes
		}
		out = append(out, (*from)[0])
		*from = (*from)[1:]
	}
	return out
}

// InvalidateTags is Invalidate of the given names.
func (s *Store) InvalidateTags(ctx context.Context, t TagSource, now int64) (Receipt, error) {
	list := make([]string, t.Len())
	for i := range list {
		list[i] = string(t.At(i))
	}
	return s.invalidate(ctx, &tombstone.Names{Tags: list}, now)
}

// invalidate keeps the names.
func (s *Store) invalidate(ctx context.Context, n *tombstone.Names, now int64) (Receipt, error) {
	return s.logged(ctx, s.obey(n, now))
}

// obey makes this process obey; nil when there is nothing to obey.
func (s *Store) obey(n *tombstone.Names, now int64) *journal.Ticket {
	s.stats.asked.Add(1)
	if n.Empty() {
		return nil
	}
	return s.journal.Invalidate(n, now)
}

// logged waits for the log within AppendBudget.
func (s *Store) logged(ctx context.Context, t *journal.Ticket) (Receipt, error) {
	receipt := Receipt{Shared: s.link != nil}
	if t == nil {
		receipt.Logged = true
		return receipt, nil
	}
	select {
	case <-t.Done():
	default:
		timer := time.NewTimer(s.cfg.AppendBudget)
		defer timer.Stop()
		select {
		case <-t.Done():
		case <-timer.C:
			t.Leave()
			return receipt, nil
		case <-ctx.Done():
			t.Leave()
			return receipt, nil
		}
	}
	receipt.Logged, receipt.Position = true, t.Position()
	return receipt, nil
}
