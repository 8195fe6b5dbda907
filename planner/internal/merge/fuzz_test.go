package merge

import (
	"math/rand/v2"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"pgregory.net/rapid"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

// TestAgainstTheLetterOfTheRule compares with the rule as the specification words it, on documents without cycles.
func TestAgainstTheLetterOfTheRule(t *testing.T) {
	schema := pets(t)
	compared, accepted := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		r := rand.New(rand.NewPCG(seed, 1))
		for range 20 {
			g := &generator{r: r, schema: schema, fragments: r.IntN(4)}
			document := g.document()
			doc := gqltest.Document(t, document)
			want, ok := naiveCheck(schema, doc, 50_000)
			if !ok {
				continue
			}
			errs, exhausted := Check(schema, doc, 0)
			if exhausted || want != (len(errs) == 0) {
				rt.Fatalf("%s\n want %v, got %v, exhausted %v", document, want, errs, exhausted)
			}
			compared++
			if want {
				accepted++
			}
		}
	})
	t.Logf("%d documents compared, %d accepted", compared, accepted)
}

// FuzzCheck: whatever parses is decided without panic and within the budget, and as the specification words it.
func FuzzCheck(f *testing.F) {
	schema := pets(f)
	for _, c := range ruleCases {
		f.Add(c.document)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 50 {
		f.Add((&generator{r: r, schema: schema, fragments: 3, cyclic: i%4 == 0}).document())
	}
	f.Add(subsets(4))
	f.Fuzz(func(t *testing.T, document string) {
		doc, err := parser.ParseQuery(&ast.Source{Input: document})
		if err != nil || len(document) > 4096 {
			return
		}
		errs, exhausted := Check(schema, doc, 0)
		if exhausted || cyclic(doc) || duplicateNames(doc) {
			return
		}
		if want, ok := naiveCheck(schema, doc, 20_000); ok && want != (len(errs) == 0) {
			t.Errorf("%s\n want %v, got %v", document, want, errs)
		}
		Check(nil, doc, 1000)
	})
}

// cyclic tells whether a fragment spreads itself through others.
func cyclic(doc *ast.QueryDocument) bool {
	state := map[string]int{}
	var enter func(name string) bool
	var walk func(set ast.SelectionSet) bool
	walk = func(set ast.SelectionSet) bool {
		for _, sel := range set {
			found := false
			switch s := sel.(type) {
			case *ast.Field:
				found = walk(s.SelectionSet)
			case *ast.InlineFragment:
				found = walk(s.SelectionSet)
			case *ast.FragmentSpread:
				found = enter(s.Name)
			}
			if found {
				return true
			}
		}
		return false
	}
	enter = func(name string) bool {
		if state[name] != 0 {
			return state[name] == 1
		}
		state[name] = 1
		f := doc.Fragments.ForName(name)
		found := f != nil && walk(f.SelectionSet)
		state[name] = 2
		return found
	}
	for _, f := range doc.Fragments {
		if enter(f.Name) {
			return true
		}
	}
	return false
}

func duplicateNames(doc *ast.QueryDocument) bool {
	seen := map[string]bool{}
	for _, f := range doc.Fragments {
		if seen[f.Name] {
			return true
		}
		seen[f.Name] = true
	}
	return false
}
