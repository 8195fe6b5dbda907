package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// The labels of @override in a wide world: one is on.
const (
	labelOn  = "on"
	labelOff = "off"
)

// widen adds what the worlds did not have at first: @requires with any arguments and below interfaces, @provides below interfaces, and @override with a
// label. It has numbers of its own, so that a seed stands for the same world without it.
func (m *maker) widen(r *rand.Rand) {
	m.r, m.wide = r, true
	for range m.r.IntN(10) {
		m.require()
	}
	for range m.r.IntN(6) {
		m.label()
	}
	for range m.r.IntN(40) { // few fields are of an abstract type
		m.provide()
	}
}

// label lets a graph take over a field where a label is on. Whoever requires the field asks the one that has it then.
func (m *maker) label() {
	e := pick(m.r, m.entities)
	f := pick(m.r, e.Fields)
	var owner *federated.FieldPart
	for i := range f.Parts {
		p := &f.Parts[i]
		if p.External {
			continue
		}
		if owner != nil || *p != (federated.FieldPart{Graph: p.Graph}) {
			return
		}
		owner = p
	}
	if owner == nil || isKey(f.Name) || m.s.Type(strings.Trim(f.Type, "[]!")) != nil {
		return
	}
	from := m.s.Graphs[owner.Graph]
	for _, g := range m.some(holders(e)) {
		if f.In(g) != nil {
			continue
		}
		more := federated.FieldPart{Graph: g, Override: from, Label: pick(m.r, []string{labelOn, labelOff})}
		owner.Overridden, more.Overridden = more.Label == labelOn, more.Label == labelOff
		f.Parts = append(f.Parts, more)
		for i := range e.In(g).Keys {
			e.In(g).Keys[i].Unresolvable = false
		}
		return
	}
}

// isKey tells that a field of an entity is in some key.
func isKey(name string) bool {
	return slices.Contains([]string{"id", "code", "area", "org", "peer"}, name)
}

// given makes values for the arguments that a field was made with. Input objects are whole, for a table knows no
// defaults.
func (m *maker) given(arguments string) string {
	name, _, _ := strings.Cut(arguments, ":")
	n := m.r.IntN(3)
	filter := fmt.Sprintf(`{min: %d, tag: "q\"%d", colors: [BLUE], deep: {min: 1, colors: [RED, GREEN]}}`, n, n)
	switch {
	case arguments == "":
		return ""
	case arguments == "x: Int":
		return fmt.Sprintf("(x: %d)", n)
	case name == "x":
		return fmt.Sprintf("(x: %d, in: %s)", n, filter)
	case name == "c":
		return "(c: BLUE)"
	case name == "ids":
		return fmt.Sprintf(`(ids: ["a", "%d"], in: %s)`, n, filter)
	case name == "deep":
		return fmt.Sprintf(`(deep: [[%d], null, [1, null]], s: "t")`, n)
	case name == "first":
		return fmt.Sprintf("(first: %d)", 1+n)
	}
	panic("BUG: no values for the arguments " + arguments)
}

// providedOn selects below an abstract type, for some of the objects that the graph knows there.
func (m *maker) providedOn(g int, t *federated.Type) string {
	var here []string
	for _, name := range m.implementers[t.Name] {
		if m.s.Type(name).In(g) != nil {
			here = append(here, name)
		}
	}
	if t.Kind == ast.Union {
		here = t.In(g).Members
	}
	var out []string
	for _, name := range here {
		if len(out) == 0 || m.oneIn(2) {
			if text := m.provided(g, m.s.Type(name), 2); text != "" {
				out = append(out, "... on "+name+" { "+text+" }")
			}
		}
	}
	return strings.Join(out, " ")
}
