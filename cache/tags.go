package cache

import (
	"cmp"
	"slices"
	"strings"

	"github.com/weirproxy/weir/cache/internal/entry"
)

// TagUse is how much of this process's tier has a tag. An entry counts for each of its tags.
type TagUse struct {
	Name    string `json:"tag"`
	Entries int64  `json:"entries"`
	Bytes   int64  `json:"bytes"`
}

// maxCountedTags bounds the tags that are told apart.
const maxCountedTags = 50_000

// TagUses returns the tags that begin with a prefix and are on most entries that may still be served, at most top of them. more says how many
// entries have such tags beyond those that were told apart. It walks over all entries: it is for people, not for requests.
func (s *Store) TagUses(prefix string, top int) (uses []TagUse, more int64) {
	now := s.cfg.Now()
	known := map[uint64]*TagUse{}
	s.memory.Held().Walk(func(slot *entry.Slot) bool {
		if slot.Mark.Load()&entry.MarkDead != 0 || now >= slot.End() || slot.Left.Load() {
			return true
		}
		for i, h := range slot.Hashes {
			tag := slot.Tags.At(i)
			if !strings.HasPrefix(string(tag), prefix) {
				continue
			}
			u := known[h]
			if u == nil {
				if len(known) == maxCountedTags {
					more++
					continue
				}
				u = &TagUse{Name: string(tag)}
				known[h] = u
			}
			u.Entries++
			u.Bytes += slot.Cost
		}
		return true
	}, func() {})
	for _, u := range known {
		uses = append(uses, *u)
	}
	slices.SortFunc(uses, func(a, b TagUse) int {
		return cmp.Or(cmp.Compare(b.Entries, a.Entries), cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name))
	})
	return uses[:min(top, len(uses))], more
}
