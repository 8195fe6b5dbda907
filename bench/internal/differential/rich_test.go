package differential

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// Rich worlds have what they are there for.
func TestRichWorlds(t *testing.T) {
	found := map[string]int{}
	const worlds = 300
	for seed := range uint64(worlds) {
		s, _ := makeSchema(seed, breadth{rich: true})
		here := map[string]bool{}
		for _, typ := range s.Types {
			here["a hidden type"] = here["a hidden type"] || typ.Hidden
			for _, f := range typ.Fields {
				requires := false
				for _, p := range f.Parts {
					requires = requires || strings.Contains(p.Requires, "x")
				}
				for what, has := range map[string]bool{
					"a hidden field":                                f.Hidden,
					"a hidden argument":                             strings.Contains(f.Arguments, "@inaccessible"),
					"a field that is narrower in a graph":           f.Narrow != "",
					"a field that is narrower than its interface's": narrower(s, typ, f),
					"a scalar of any value":                         strings.Contains(f.Type, "JSON"),
					"@requires of one":                              requires,
					"an input object with defaults":                 strings.Contains(f.Arguments, "Deep"),
					"a subscription":                                typ.Name == "Subscription",
					"a mutation whose order shows":                  strings.HasPrefix(f.Name, "note"),
				} {
					here[what] = here[what] || has
				}
			}
		}
		for what, has := range here {
			if found[what] += 0; has {
				found[what]++
			}
		}
	}
	for what, n := range found {
		if t.Logf("%s: in %d of %d worlds", what, n, worlds); n < worlds/10 {
			t.Errorf("%s is in %d of %d worlds", what, n, worlds)
		}
	}
}

func narrower(s *federated.Schema, t *federated.Type, f *federated.Field) bool {
	for _, name := range t.Implements() {
		if own := s.Type(name).Field(f.Name); own != nil && own.Type != f.Type {
			return true
		}
	}
	return false
}
