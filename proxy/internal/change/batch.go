package change

import (
	"slices"

	"github.com/weirproxy/weir/cache"
)

const (
	// maxEntities is how many entities of one type a batch names before it names the type.
	maxEntities = 1000
	// maxPiece is how many names one record of the log gets.
	maxPiece = 4000
	// maxPrefixes is how many prefixes and patterns a batch has before it names everything: each entry is compared with each of them.
	maxPrefixes = 64
)

// Batch gathers what many records name. The zero value is empty.
type Batch struct {
	tags     map[string]bool
	entities map[string]map[string]bool // ids by type; nil: the whole type
	prefixes map[string]bool
	patterns map[string]bool
	all      bool
	soft     []cache.Invalidation // as they came
}

func put(set *map[string]bool, name string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[name] = true
}

func (b *Batch) tag(name string) {
	if name != "" && len(name) <= maxTag {
		put(&b.tags, name)
	}
}

// prefix names all tags that begin with a text; without one everything.
func (b *Batch) prefix(text string) {
	if text == "" {
		b.all = true
		return
	}
	put(&b.prefixes, text)
}

func (b *Batch) entity(kind, id string) {
	if len(kind)+1+len(id) > maxTag { // no entry has such a tag; its row may be on one all the same
		b.whole(kind)
		return
	}
	if b.entities == nil {
		b.entities = map[string]map[string]bool{}
	}
	ids, known := b.entities[kind]
	if known && ids == nil {
		return
	}
	if ids == nil {
		ids = map[string]bool{}
		b.entities[kind] = ids
	}
	if ids[id] = true; len(ids) > maxEntities {
		b.whole(kind)
	}
}

func (b *Batch) whole(kind string) {
	if b.entities == nil {
		b.entities = map[string]map[string]bool{}
	}
	b.entities[kind] = nil
}

// invalidation adds one that came as such.
func (b *Batch) invalidation(inv cache.Invalidation) {
	if inv.Soft {
		b.soft = append(b.soft, inv)
		return
	}
	b.all = b.all || inv.All
	for _, t := range inv.Tags {
		put(&b.tags, t)
	}
	for _, p := range inv.Prefixes {
		b.prefix(p)
	}
	for _, p := range inv.Patterns {
		put(&b.patterns, p)
	}
}

// Pieces returns the batch as invalidations of bounded size, in no order that matters: all belong to one batch, and count together.
func (b *Batch) Pieces() (list []cache.Invalidation) {
	if b.all || len(b.prefixes)+len(b.patterns) > maxPrefixes {
		return []cache.Invalidation{{All: true}} // soft ones are in it
	}
	tags := keys(b.tags)
	for kind, ids := range b.entities {
		if ids == nil {
			tags = append(tags, kind)
			continue
		}
		for id := range ids {
			tags = append(tags, kind+":"+id)
		}
	}
	slices.Sort(tags)
	first := cache.Invalidation{Prefixes: keys(b.prefixes), Patterns: keys(b.patterns)}
	for piece := range slices.Chunk(tags, maxPiece) {
		first.Tags = piece
		list = append(list, first)
		first = cache.Invalidation{}
	}
	if len(first.Prefixes)+len(first.Patterns) > 0 {
		list = append(list, first)
	}
	return append(list, b.soft...)
}

func keys(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for k := range set {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
