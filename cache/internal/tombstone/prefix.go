package tombstone

import "github.com/weirproxy/weir/cache/internal/entry"

// prefixes is an immutable list, ordered by local sequence, oldest first.
type prefixes []prefix

type prefix struct {
	text string
	soft bool
	level
}

// maxPrefixes bounds the list: every slot that is checked walks its new part.
const maxPrefixes = 1024

// with returns a list in which the text is raised.
func (ps prefixes) with(text string, soft bool, pos entry.Position, seq uint64, pending bool) prefixes {
	out := make(prefixes, 0, len(ps)+1)
	n := prefix{text: text, soft: soft}
	for _, p := range ps {
		if p.text == text && p.soft == soft {
			n.level = p.level
			continue
		}
		out = append(out, p)
	}
	n.raise(pos, seq)
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
		soften.raise(p.pos, p.seq)
		return
	}
	hard.raise(p.pos, p.seq)
}

func (ps prefixes) resolved(text string, soft bool, pos entry.Position) prefixes {
	out := append(prefixes(nil), ps...)
	for i := range out {
		if out[i].text == text && out[i].soft == soft {
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

// covers reports whether a slot passes all prefixes of one kind.
func (ps prefixes) covers(s *entry.Slot, checked uint64, soft bool) bool {
	for i := len(ps) - 1; i >= 0 && ps[i].seq > checked; i-- {
		p := &ps[i]
		if p.soft == soft && !p.level.covers(checked, s.AsOf) && hasPrefix(&s.Tags, p.text) {
			return false
		}
	}
	return true
}

func hasPrefix(t *entry.Tags, text string) bool {
	for i := range t.Len() {
		if b := t.At(i); len(b) >= len(text) && string(b[:len(text)]) == text {
			return true
		}
	}
	return false
}
