package tombstone

import (
	"github.com/weirproxy/weir/cache/internal/entry"
	"github.com/weirproxy/weir/cache/internal/glob"
)

// prefixes is an immutable list of prefixes and patterns, ordered by local sequence, oldest first.
type prefixes []prefix

type prefix struct {
	matcher
	level
}

// matcher is the beginning of names, or a pattern for them.
type matcher struct {
	text    string
	pattern bool
	soft    bool
}

// each calls f for each prefix and pattern of an invalidation.
func (n *Names) each(f func(matcher)) {
	for _, p := range n.Prefixes {
		f(matcher{p, false, n.Soft})
	}
	for _, p := range n.Patterns {
		f(matcher{p, true, n.Soft})
	}
}

// maxPrefixes bounds the list: every slot that is checked walks its new part.
const maxPrefixes = 1024

// with returns a list in which the matcher is raised.
func (ps prefixes) with(m matcher, pos entry.Position, seq uint64, at tick, pending bool) prefixes {
	out := make(prefixes, 0, len(ps)+1)
	n := prefix{matcher: m}
	for _, p := range ps {
		if p.matcher == m {
			n.level = p.level
			continue
		}
		out = append(out, p)
	}
	n.raise(pos, seq, at)
	if pending {
		n.pending++
	}
	return append(out, n)
}

// bounded returns the list without its oldest, and the levels that stand for them (hard, soft).
func (ps prefixes) bounded() (out prefixes, hard, soften level) {
	surplus := len(ps) - maxPrefixes
	return ps.without(func(p *prefix) bool {
		surplus--
		return surplus < 0 || p.pending > 0
	})
}

func (p *prefix) dropInto(hard, soften *level) {
	if p.soft {
		soften.raise(p.pos, p.seq, p.at)
		return
	}
	hard.raise(p.pos, p.seq, p.at)
}

func (ps prefixes) resolved(m matcher, pos entry.Position) prefixes {
	out := append(prefixes(nil), ps...)
	for i := range out {
		if out[i].matcher == m {
			out[i].resolve(pos)
		}
	}
	return out
}

// without returns the list without what keep refuses, and the levels that stand for it.
func (ps prefixes) without(keep func(*prefix) bool) (out prefixes, hard, soften level) {
	for _, p := range ps {
		if keep(&p) {
			out = append(out, p)
			continue
		}
		p.dropInto(&hard, &soften)
	}
	return out, hard, soften
}

// covers reports whether a slot passes all that are hard.
func (ps prefixes) covers(s *entry.Slot, checked uint64) bool {
	for i := len(ps) - 1; i >= 0 && ps[i].seq > checked; i-- {
		if p := &ps[i]; !p.soft && p.concerns(s, checked) {
			return false
		}
	}
	return true
}

// concerns takes a slot that nobody may read any more for one that is named.
func (p *prefix) concerns(s *entry.Slot, checked uint64) bool {
	return !p.covers(checked, s.AsOf) && (!s.Pin() || p.any(&s.Tags))
}

// any reports whether a tag of the list matches.
func (m *matcher) any(t names) bool {
	for i := range t.Len() {
		if m.pattern && glob.Match(m.text, t.At(i)) || !m.pattern && glob.HasPrefix(m.text, t.At(i)) {
			return true
		}
	}
	return false
}
