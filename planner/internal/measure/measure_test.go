package measure

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

func TestOperation(t *testing.T) {
	for _, c := range []struct {
		name, document                             string
		depth, aliases, root, directives, expanded int
	}{
		{"one field", `{a}`, 1, 0, 1, 0, 1},
		{"nested", `{a {b {c}} d}`, 3, 0, 2, 0, 4},
		{"aliases", `{x: a {y: b z: b} a}`, 2, 3, 2, 0, 4},
		{"directives everywhere", `query ($v: Boolean! @d) @d {a @d @e ... @d {b} ...F @d} fragment F on T @d {c @d}`, 1, 0, 3, 8, 3},
		{"inline fragments add no depth", `{a {... {... on T {b}}}}`, 2, 0, 1, 0, 2},
		{"root fields in fragments", `{a ...F ... {b}} fragment F on T {c {x} ...G} fragment G on T {d e}`, 2, 0, 5, 0, 6},
		{"a fragment counts where it is spread", `{a {...F} b {c {...F}}} fragment F on T {x: y {z}}`, 4, 2, 2, 0, 7},
		{"unused fragments do not count", `{a} fragment F on T {x: y @d {z}}`, 1, 0, 1, 0, 1},
		{"unknown fragments do not count", `{a ...Nothing}`, 1, 0, 1, 0, 1},
		{"cycles end", `{a ...F} fragment F on T {b {...F} ...G} fragment G on T {c ...F}`, 1, 0, 3, 0, 3},
		{"a fragment defined twice: the first", `{...F} fragment F on T {a b} fragment F on T {c}`, 1, 0, 2, 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := gqltest.Document(t, c.document)
			got := Operation(doc, doc.Operations[0])
			want := Counts{Depth: c.depth, Aliases: c.aliases, RootFields: c.root, Directives: c.directives, ExpandedFields: c.expanded}
			if got != want {
				t.Errorf("%s\n got  %+v\n want %+v", c.document, got, want)
			}
		})
	}
}

// expand counts by writing every fragment out.
func expand(doc *ast.QueryDocument, set ast.SelectionSet, depth int, top bool, c *Counts) {
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			c.ExpandedFields++
			c.Depth = max(c.Depth, depth)
			c.Directives += len(s.Directives)
			if s.Alias != s.Name {
				c.Aliases++
			}
			if top {
				c.RootFields++
			}
			expand(doc, s.SelectionSet, depth+1, false, c)
		case *ast.InlineFragment:
			c.Directives += len(s.Directives)
			expand(doc, s.SelectionSet, depth, top, c)
		case *ast.FragmentSpread:
			c.Directives += len(s.Directives)
			if f := doc.Fragments.ForName(s.Name); f != nil {
				c.Directives += len(f.Directives)
				expand(doc, f.SelectionSet, depth, top, c)
			}
		}
	}
}

// randomDocument writes a document of n fragments, each spreading later ones only.
func randomDocument(r *rand.Rand, n int) string {
	var b strings.Builder
	var set func(from, depth int)
	set = func(from, depth int) {
		b.WriteString("{")
		for i := range 1 + r.IntN(3) {
			if i > 0 {
				b.WriteString(" ")
			}
			directive := ""
			if r.IntN(6) == 0 {
				directive = " @d(a: \"x\")"
			}
			switch k := r.IntN(8); {
			case k < 2 && from < n:
				fmt.Fprintf(&b, "...F%d%s", from+r.IntN(n-from), directive)
			case k == 2 && depth < 4:
				b.WriteString("..." + directive)
				set(from, depth+1)
			case k < 6 && depth < 4:
				b.WriteString([]string{"a", "x: a", "y: b"}[r.IntN(3)] + directive)
				set(from, depth+1)
			default:
				b.WriteString([]string{"a", "x: a"}[r.IntN(2)] + directive)
			}
		}
		b.WriteString("}")
	}
	set(0, 0)
	for i := range n {
		fmt.Fprintf(&b, " fragment F%d on T ", i)
		set(i+1, 1)
	}
	return b.String()
}

func TestMemoCountsWhatExpansionCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		document := randomDocument(r, r.IntN(6))
		doc := gqltest.Document(t, document)
		var want Counts
		expand(doc, doc.Operations[0].SelectionSet, 1, true, &want)
		if got := Operation(doc, doc.Operations[0]); got != want {
			rt.Fatalf("%s\n got  %+v\n want %+v", document, got, want)
		}
	})
}

// bomb is a document whose expansion has 2^n fields.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString("{...F0}")
	for i := range n {
		fmt.Fprintf(&b, " fragment F%d on T {x: a @d {...F%d} ...F%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&b, " fragment F%d on T {a}", n)
	return b.String()
}

func TestBombsAreCountedNotExpanded(t *testing.T) {
	doc := gqltest.Document(t, bomb(10))
	if got, want := Operation(doc, doc.Operations[0]), (Counts{Depth: 11, Aliases: 1023, RootFields: 11, Directives: 1023, ExpandedFields: 2047}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	doc = gqltest.Document(t, bomb(5000))
	if got, want := Operation(doc, doc.Operations[0]), (Counts{Depth: 5001, Aliases: Max, RootFields: 5001, Directives: Max, ExpandedFields: Max}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func BenchmarkOperation(b *testing.B) {
	for name, document := range map[string]string{
		"ordinary": `query ($n: Int) {pet(id: 1) {...P owner {name(n: $n) best {title}} ... on Dog {litter {...P}}}} fragment P on Pet {name title mood friend {name}}`,
		"bomb":     bomb(1000),
	} {
		doc := gqltest.Document(b, document)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Operation(doc, doc.Operations[0])
			}
		})
	}
}
