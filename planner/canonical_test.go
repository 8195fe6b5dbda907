package planner

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

func TestCanonicalForms(t *testing.T) {
	for _, tc := range []struct{ name, a, b string }{
		{"layout and comments", "{now}", "# hi\nquery\t{ ,now, # there\n}"},
		{"order of arguments", `{ sum(a: 1, b: 2) }`, `{ sum(b: 2, a: 1) }`},
		{"order of variables", `query ($b: Float, $a: Int!) { sum(a: $a, b: $b) }`, `query ($a: Int!, $b: Float) { sum(b: $b, a: $a) }`},
		{"order of members", `{ cities(filter: {name: "x", since: {b: 1, a: 2}}) { id } }`, `{ cities(filter: {since: {a: 2, b: 1}, name: "x"}) { id } }`},
		{"an alias that is the name", `{ now: now }`, `{ now }`},
		{"ways to write a string", `{ city(id: "a\u0062\"c") { id } }`, `{ city(id: """ab"c""") { id } }`},
		{"order and use of fragments", `fragment A on City { id } { me { id } ...B } fragment B on Query { city(id: 1) { ...A } }`, `{ me { id } ...B } fragment B on Query { city(id: 1) { ...A } } fragment A on City { id }`},
		{"other operations", `query X { now } query Y { me { id ...P } } fragment P on Person { age }`, `query X { now }`},
		{"descriptions", `"about" query X { now }`, `query X { now }`},
		{"arguments of directives", `{ now @stream(label: "x", if: true) }`, `{ now @stream(if: true, label: "x") }`},
	} {
		a, b := Build(nil, tc.a, operationX(tc.a), Options{}), Build(nil, tc.b, operationX(tc.b), Options{})
		if a.Hash() != b.Hash() || a.Canonical() != b.Canonical() || string(a.KeyPart()) != string(b.KeyPart()) {
			t.Errorf("%s:\n %s\n %s", tc.name, a.Canonical(), b.Canonical())
		}
	}
	for _, tc := range []struct{ name, a, b string }{
		{"order of fields", "{ now me { id } }", "{ me { id } now }"},
		{"aliases", "{ a: now }", "{ now }"},
		{"literals", "{ sum(a: 1) }", "{ sum(a: 2) }"},
		{"number forms", "{ sum(a: 1, b: 1) }", "{ sum(a: 1, b: 1.0) }"},
		{"strings that look like syntax", `{ city(id: "a){b:c(id:\"") { id } }`, `{ city(id: "a") { b: c(id: "") { id } } }`},
		{"enum and string", `{ a(x: A) }`, `{ a(x: "A") }`},
		{"kinds", `{ a }`, `mutation { a }`},
		{"names", `query A { a }`, `query B { a }`},
		{"types of variables", `query ($a: Int) { a(a: $a) }`, `query ($a: Int!) { a(a: $a) }`},
		{"defaults", `query ($a: Int) { a(a: $a) }`, `query ($a: Int = 1) { a(a: $a) }`},
		{"directives", `{ a }`, `{ a @x }`},
		{"order of directives", `{ a @x @y }`, `{ a @y @x }`},
		{"directives of variables", `query ($a: Int) { a(a: $a) }`, `query ($a: Int @x) { a(a: $a) }`},
		{"a fragment given twice", `{ ...F } fragment F on A { a } fragment F on A { b }`, `{ ...F } fragment F on A { a }`},
		{"conditions", `{ ... on A { a } }`, `{ ... on B { a } }`},
		{"no condition", `{ ... on A { a } }`, `{ ... { a } }`},
		{"order of lists", `{ a(x: [1, 2]) }`, `{ a(x: [2, 1]) }`},
	} {
		a, b := Build(nil, tc.a, "", Options{}), Build(nil, tc.b, "", Options{})
		if a.Hash() == b.Hash() || string(a.KeyPart()) == string(b.KeyPart()) {
			t.Errorf("%s: both %s", tc.name, a.Canonical())
		}
	}
}

func operationX(document string) string {
	if strings.Contains(document, "query X") {
		return "X"
	}
	return ""
}

func TestHashIsOfTheOperationAlone(t *testing.T) {
	s := world(t)
	other, err := ParseSchema("s", "type Query { now: Int }")
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := Build(s, "{ now }", "", Options{}), Build(other, "{ now }", "", Options{}), Build(nil, "{ now }", "", Options{})
	if a.Hash() != b.Hash() || a.Hash() != c.Hash() {
		t.Error("the schema is part of the hash")
	}
	if string(a.KeyPart()) == string(b.KeyPart()) || string(a.KeyPart()) == string(c.KeyPart()) {
		t.Error("the schema is not part of the key")
	}
}

// TestCanonicalFormIsStable: over random documents the canonical form is a valid document of the same meaning whose canonical form it is, and neither
// layout nor the order of definitions changes it.
func TestCanonicalFormIsStable(t *testing.T) {
	s := world(t)
	r := rand.New(rand.NewPCG(5, 6))
	g := &documents{r: r, schema: s.ast}
	valid := 0
	for range 4000 {
		document := g.document()
		p := Build(s, document, "", Options{})
		if len(p.Errors()) > 0 {
			if p.Errors()[0].Class() == ClassParse {
				t.Fatalf("%s: %v", document, p.Errors())
			}
			continue
		}
		valid++
		again := Build(s, p.Canonical(), "", Options{})
		if again.Canonical() != p.Canonical() || len(again.Errors()) > 0 || again.Measures().ExpandedFields != p.Measures().ExpandedFields || again.Cache() != p.Cache() {
			t.Fatalf("%s\n%s\n%s %v", document, p.Canonical(), again.Canonical(), again.Errors())
		}
		if other := Build(s, relayout(t, r, document), "", Options{}); other.Hash() != p.Hash() {
			t.Fatalf("%s\n%s\n%s", document, p.Canonical(), other.Canonical())
		}
	}
	if valid < 500 {
		t.Errorf("only %d valid documents", valid)
	}
}

// relayout writes the definitions of a document in another order, with other blanks between them.
func relayout(t *testing.T, r *rand.Rand, document string) string {
	t.Helper()
	doc := gqltest.Document(t, document)
	var starts []int
	for _, op := range doc.Operations {
		starts = append(starts, op.Position.Start)
	}
	for _, f := range doc.Fragments {
		starts = append(starts, f.Position.Start)
	}
	runes := []rune(document)
	var parts []string
	for _, start := range starts {
		end := len(runes)
		for _, other := range starts {
			if other > start {
				end = min(end, other)
			}
		}
		part := string(runes[start:end])
		if i := strings.LastIndexByte(part, '#'); i >= 0 && strings.HasPrefix(part[i:], "# and") {
			part = part[:i]
		}
		if i := strings.LastIndex(part, "fragment "); i > 0 && strings.TrimSpace(part[i:]) == "fragment" {
			part = part[:i]
		}
		parts = append(parts, part)
	}
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return "\ufeff #x\n" + strings.Join(parts, " ,,\r\n# y\n")
}
