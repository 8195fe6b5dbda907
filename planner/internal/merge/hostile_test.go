package merge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

// doubled is a selection set in which each level holds the next one twice.
func doubled(depth int) string {
	if depth == 0 {
		return "{name}"
	}
	inner := doubled(depth - 1)
	return "{pet " + inner + " pet " + inner + "}"
}

func same(s string) func(int) string { return func(int) string { return s } }

// hostileDocuments are documents on which comparing pairs takes seconds to years.
func hostileDocuments() []struct {
	name, document string
	steps          int // at most
} {
	return []struct {
		name, document string
		steps          int
	}{
		{"one field 20,000 times", "{dog {" + gqltest.Repeat(20_000, same("name")) + "}}", 100},
		{"one object 20,000 times", "{" + gqltest.Repeat(20_000, same("dog {name}")) + "}", 100},
		{"100,000 aliases of one field", "{dog {" + gqltest.Repeat(100_000, func(i int) string { return fmt.Sprintf("a%d: name", i) }) + "}}", 300_000},
		{"10,000 objects of one name with distinct fields", "{" + gqltest.Repeat(10_000, func(i int) string { return fmt.Sprintf("dog {a%d: name}", i) }) + "}", 200_000},
		{"400 inline fragments of 100 fields", "{dog {" + gqltest.Repeat(400, func(i int) string {
			return "... on Dog {" + gqltest.Repeat(100, func(j int) string { return fmt.Sprintf("a%d: name", (i*37+j)%1000) }) + "}"
		}) + "}}", 10_000},
		{"nested repetitions 14 deep", "{human " + doubled(14) + "}", 1000},
		{"400 sibling fragments", "{dog {" + gqltest.Repeat(400, func(i int) string { return fmt.Sprintf("...F%d", i) }) + "}}" + gqltest.Repeat(400, func(i int) string {
			return fmt.Sprintf("fragment F%d on Dog {a%d: name owner {b%d: name}}", i, i, i)
		}), 40_000},
		{"400 fragments each spreading all later ones", "{dog {...F0}}" + gqltest.Repeat(400, func(i int) string {
			return fmt.Sprintf("fragment F%d on Dog {name %s}", i, gqltest.Repeat(399-i, func(j int) string { return fmt.Sprintf("...F%d", i+j+1) }))
		}), 200_000},
		{"a chain that doubles at each of 2,000 fragments", "{dog {...F0}}" + gqltest.Repeat(2000, func(i int) string {
			if i == 1999 {
				return "fragment F1999 on Dog {name}"
			}
			return fmt.Sprintf("fragment F%d on Dog {a: friend {...F%d} b: friend {...F%d} friend {...F%d ...F%d}}", i, i+1, i+1, i+1, i+1)
		}), 200_000},
		{"3,000 unused fragments in a chain, last first", "{dog {name}}" + gqltest.Repeat(3000, func(i int) string {
			if i == 0 {
				return "fragment F0 on Dog {name}"
			}
			return fmt.Sprintf("fragment F%d on Dog {a%d: name ...F%d}", i, i, i-1)
		}), 100_000},
		{"3,000 fragments in a ring", "{dog {...F0}}" + gqltest.Repeat(3000, func(i int) string {
			return fmt.Sprintf("fragment F%d on Dog {a%d: name friend {...F%d} ...F%d}", i, i, (i+1)%3000, (i+1)%3000)
		}), 400_000},
		{"exclusive types with many selections each", "{pet {" + gqltest.Repeat(1000, func(i int) string {
			return fmt.Sprintf("... on Dog {owner {a%d: name}} ... on Cat {owner {b%d: name}} owner {c%d: name}", i, i, i)
		}) + "}}", 100_000},
	}
}

func TestHostileDocumentsTakeFewSteps(t *testing.T) {
	schema := pets(t)
	for _, c := range hostileDocuments() {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(schema, gqltest.Document(t, c.document))
			checker := newChecker(b, 1<<40)
			checker.all(b)
			steps := 1<<40 - checker.left
			t.Logf("%d bytes, %d sets, %d jobs, %d steps", len(c.document), len(b.sets), len(checker.jobs), steps)
			if steps > c.steps {
				t.Errorf("%d steps, want at most %d", steps, c.steps)
			}
			if len(checker.conflicts) > 0 {
				t.Errorf("conflicts: %v", b.errors(checker.conflicts)[0].Message)
			}
		})
	}
}

// subsets is a document whose response names lead to exponentially many different merges: the work it asks for is real.
func subsets(n int) string {
	return "{dog {...F0}}" + gqltest.Repeat(n, func(i int) string {
		return fmt.Sprintf("fragment F%d on Dog {a: friend {...F%d} a: friend {...F0} b: friend {...F%d} n%d: name}", i, (i+1)%n, (i+1)%n, i)
	})
}

func TestBudgetEndsWhatHasNoEnd(t *testing.T) {
	errs, exhausted := Check(pets(t), gqltest.Document(t, subsets(60)), 0)
	if !exhausted || len(errs) > 0 {
		t.Errorf("exhausted %v, errors %v", exhausted, errs)
	}
	if _, exhausted := Check(pets(t), gqltest.Document(t, "{dog {name}}"), 1); !exhausted {
		t.Error("a budget of one step was enough")
	}
}

func TestErrorsAreBoundedAndDistinct(t *testing.T) {
	document := "{dog {" + gqltest.Repeat(1000, func(i int) string { return fmt.Sprintf("a%d: name a%d: title", i, i) }) + "}}"
	errs, exhausted := Check(pets(t), gqltest.Document(t, document), 0)
	if len(errs) != maxErrors || exhausted {
		t.Errorf("%d errors, exhausted %v", len(errs), exhausted)
	}
	errs, _ = Check(pets(t), gqltest.Document(t, `{pet {owner {a: name a: title} ... on Dog {owner {name}} ... on Cat {owner {name}}}}`), 0)
	if len(errs) != 1 {
		t.Errorf("one conflict gave %d errors: %v", len(errs), errs)
	}
}

func TestWithoutSchemaNamesAndArgumentsCount(t *testing.T) {
	for document, pass := range map[string]bool{
		`{a {b c: b} a {c: b}}`:                   true,
		`{a {c: d} a {c: b}}`:                     false,
		`{a(x: 1) a(x: 2)}`:                       false,
		`{a {... on X {c: d} ... on Y {c: b}}}`:   false,
		`{a {...F} a {b}} fragment F on X {b: c}`: false,
	} {
		errs, exhausted := Check(nil, gqltest.Document(t, document), 0)
		if (len(errs) == 0) != pass || exhausted {
			t.Errorf("%s: %v", document, errs)
		}
	}
}

func TestManyTypes(t *testing.T) {
	const n = 1000
	sdl := "interface I {f: I x: Int} type Query {i: I} " + gqltest.Repeat(n, func(i int) string { return fmt.Sprintf("type T%d implements I {f: I x: Int}", i) })
	schema := gqltest.Schema(t, sdl)
	document := "{i {" + gqltest.Repeat(n, func(i int) string { return fmt.Sprintf("... on T%d {f {a%d: x}} f {b%d: x}", i, i, i) }) + "}}"
	b := newBuilder(schema, gqltest.Document(t, document))
	c := newChecker(b, DefaultBudget)
	c.all(b)
	t.Logf("%d bytes, %d jobs, %d steps", len(document), len(c.jobs), DefaultBudget-c.left)
	if len(c.conflicts) > 0 {
		t.Errorf("%v", b.errors(c.conflicts))
	}
	// Each type meets all the fields of the interface: this is the one case whose work is the product, and the budget ends it.
	if c.left >= 0 || len(c.jobs) > n+10 {
		t.Errorf("%d jobs, budget left %d", len(c.jobs), c.left)
	}
}

func BenchmarkHostile(b *testing.B) {
	schema := pets(b)
	for _, c := range hostileDocuments() {
		doc := gqltest.Document(b, c.document)
		b.Run(strings.ReplaceAll(c.name, " ", "_"), func(b *testing.B) {
			b.SetBytes(int64(len(c.document)))
			b.ReportAllocs()
			for b.Loop() {
				Check(schema, doc, 0)
			}
		})
	}
	b.Run("exhausted", func(b *testing.B) {
		doc := gqltest.Document(b, subsets(60))
		for b.Loop() {
			Check(schema, doc, 0)
		}
	})
	b.Run("ordinary", func(b *testing.B) {
		doc := gqltest.Document(b, `query ($n: Int) {pet(id: 1) {...P owner {name(n: $n) best {title}} ... on Dog {litter {...P}}}} fragment P on Pet {name title mood friend {name}}`)
		b.ReportAllocs()
		for b.Loop() {
			Check(schema, doc, 0)
		}
	})
}
