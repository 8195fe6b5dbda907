package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// enrich adds to any world: a scalar of any value, input objects with defaults, subscriptions, mutations whose order shows, types of fields that differ by
// where they stand, and, at the end, what is hidden (see hide). It has numbers of its own, as widen has.
func (m *maker) enrich(r *rand.Rand) {
	m.r, m.rich = r, true
	m.inputs()
	m.subscriptions()
	m.notes()
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

// ofRich tells that arguments are some that only rich worlds have. Nothing requires a field with them.
func ofRich(arguments string) bool {
	return strings.Contains(arguments, "JSON") || strings.Contains(arguments, "Deep")
}

// inputs adds a scalar that any value may be of, an input type with all kinds of defaults, and fields of entities and value types with both.
func (m *maker) inputs() {
	parts := m.s.Type("Color").Parts
	var everywhere []federated.FieldPart
	for g := range m.s.Graphs {
		everywhere = append(everywhere, federated.FieldPart{Graph: g})
	}
	m.add(&federated.Type{Name: "JSON", Kind: ast.Scalar, Parts: slices.Clone(parts)})
	m.add(&federated.Type{Name: "Deep", Kind: ast.InputObject, Parts: slices.Clone(parts), Fields: []*federated.Field{
		{Name: "grid", Type: "[[Color!]]!", Default: "[[RED], [], null, [BLUE, GREEN]]", Parts: everywhere},
		{Name: "any", Type: "JSON", Default: `{a: 1.5, b: [null, "x\"\\u00e9"], c: {}}`, Parts: everywhere},
		{Name: "all", Type: "[JSON]", Parts: everywhere},
		{Name: "inner", Type: "Deep", Parts: everywhere},
		{Name: "filter", Type: "Filter", Default: "{tag: null, deep: {min: 2}}", Parts: everywhere},
		{Name: "ids", Type: "[ID!]!", Default: `["a", 7]`, Parts: everywhere},
		{Name: "flag", Type: "Boolean", Default: "null", Parts: everywhere},
	}})
	leaf := func() (typ, arguments string) {
		if m.oneIn(2) {
			return pick(m.r, []string{"JSON", "JSON!", "[JSON]", "[JSON!]!", "[[JSON]]"}), ""
		}
		return "String", pick(m.r, []string{
			"j: JSON", `j: [JSON!], k: JSON = {a: [1, {b: "c"}], n: null}`, "d: Deep", "d: Deep! = {}", "d: [[Deep!]] = [[{ids: []}], null]", "c: [[Color]!] = [[null, RED]], d: Deep",
		})
	}
	for _, e := range m.entities {
		for range m.r.IntN(3) {
			typ, arguments := leaf()
			m.field(e, m.name("x"), typ, arguments, m.owners(e)...)
		}
	}
	for range 4 * len(m.entities) {
		m.require()
	}
}

// subscriptions tell of objects, where one graph has interface objects also of those.
func (m *maker) subscriptions() {
	if m.oneIn(3) {
		return
	}
	t := m.add(&federated.Type{Name: "Subscription", Kind: ast.Object})
	for _, g := range m.some(m.graphs) {
		m.root(t, []int{g})
		m.ref(t, m.name("s"), []int{g})
	}
	if m.blurry >= 0 && len(m.interfaces) > 0 {
		m.root(t, []int{m.blurry})
		m.field(t, m.name("s"), fmt.Sprintf(pick(m.r, []string{"%s", "[%s]", "%s!"}), m.interfaces[0].Name), "", m.blurry)
	}
}

// notes are mutations of several graphs that show in which order they had their effect.
func (m *maker) notes() {
	t := m.s.Type("Mutation")
	if t == nil {
		return
	}
	for _, g := range m.some(m.graphs) {
		m.root(t, []int{g})
		name := m.name("note")
		m.clean["Mutation."+name] = true
		m.field(t, name, "String", "text: String!", g)
	}
}

// narrowable tells that a field may have another type than it was made with: no key, and nothing that an interface object resolves.
func narrowable(f *federated.Field) bool {
	return !isKey(f.Name) && f.Name != "rev" && f.Resolvers() > 0
}
