package config

import (
	"fmt"

	"github.com/weirproxy/weir/planner"
)

// CheckMutations finds mutations and types of policy.cache.mutations that the schema does not have: a rule that never applies would let entries
// go stale that somebody relies on it for.
func (v *Values) CheckMutations(s *planner.Schema) error {
	d := &document{name: v.source.name, file: v.source.file}
	for i, f := range v.Document.Cache.Mutations.Fields {
		at := fmt.Sprintf("policy.cache.mutations.fields[%d].", i)
		if !s.Mutates(f.Name) {
			d.addf(at+"name", "%q is no field of the schema's mutation type; look at its spelling, or take the entry out", f.Name)
		}
		for j, t := range f.Types {
			if len(s.ObjectsOf(t)) == 0 {
				d.addf(fmt.Sprintf("%stypes[%d]", at, j), "%q is no object type, interface or union of the schema; look at its spelling", t)
			}
		}
	}
	return d.err()
}
