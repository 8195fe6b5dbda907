package differential

import (
	"math/rand/v2"
	"slices"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// enrich adds to any world: types of fields that differ by where they stand. It has numbers of its own, as widen has.
func (m *maker) enrich(r *rand.Rand) {
	m.r, m.rich = r, true
	for _, i := range m.interfaces {
		for range m.r.IntN(3) {
			m.covariant(i)
		}
		for _, f := range i.Fields {
			for _, name := range m.implementers[i.Name] {
				m.share(m.s.Type(name), f.Name)
			}
		}
		m.narrowFields(i)
	}
	for _, t := range slices.Concat(m.entities, m.values) {
		for _, f := range t.Fields {
			if m.oneIn(2) {
				m.narrowIn(t, f)
			}
		}
	}
}

// narrowable tells that a field may have another type than it was made with: no key, and nothing that an interface object resolves.
func narrowable(f *federated.Field) bool {
	return !isKey(f.Name) && f.Name != "rev" && f.Resolvers() > 0
}
