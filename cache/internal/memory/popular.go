package memory

import (
	"cmp"
	"slices"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// Used is a slot and about how often it was asked for.
type Used struct {
	Slot *entry.Slot
	Uses uint32
}

// Popular returns up to n of the hot slots, those asked for most first. Half of what it has seen is forgotten, so that the past fades.
func (m *Memory) Popular(n int) []Used {
	list := make([]Used, 0, hotSlots)
	for i := range m.hot {
		s := m.hot[i].Load()
		if s == nil || s.Left.Load() {
			continue
		}
		uses := s.Uses.Load()
		if uses == 0 {
			continue
		}
		s.Uses.Add(-(uses / 2))
		list = append(list, Used{s, uses})
	}
	slices.SortFunc(list, func(a, b Used) int { return cmp.Compare(b.Uses, a.Uses) })
	return list[:min(n, len(list))]
}
