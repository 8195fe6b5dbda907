package differential

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// holders are the graphs that know a type.
func holders(t *federated.Type) []int {
	var out []int
	for i := range t.Parts {
		out = append(out, t.Parts[i].Graph)
	}
	return out
}

// know makes a graph know a type, and what belongs to it there.
func (m *maker) know(g int, name string) {
	t := m.s.Type(name)
	if t.Kind == ast.Object && m.pool[name] != nil {
		m.knowEntity(g, t)
		return
	}
	if t.In(g) != nil {
		return
	}
	t.Parts = append(t.Parts, federated.Part{Graph: g})
	switch t.Kind {
	case ast.Object:
		for _, f := range t.Fields {
			f.Parts = append(f.Parts, federated.FieldPart{Graph: g})
			if inner := strings.Trim(f.Type, "[]!"); m.s.Type(inner) != nil && inner != "Color" {
				m.know(g, inner)
			}
		}
	case ast.Union:
		members := slices.Clone(m.implementers[name])
		m.r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		members = members[:1+m.r.IntN(len(members))]
		slices.Sort(members)
		t.In(g).Members = members
		for _, o := range members {
			m.know(g, o)
		}
	case ast.Interface:
		list := m.implementers[name]
		m.know(g, pick(m.r, list))
		if m.oneIn(2) {
			m.know(g, pick(m.r, list))
		}
	}
}

func (m *maker) knowEntity(g int, t *federated.Type) {
	if p := t.In(g); p != nil && len(p.Keys) > 0 {
		if !slices.ContainsFunc(p.Keys, func(k federated.Key) bool { return m.known(t, k.Fields, g) }) {
			m.key(t, g, m.resolvable(t, g))
		}
		return
	}
	m.key(t, g, m.resolvable(t, g))
	if m.oneIn(3) {
		k := &t.In(g).Keys[0]
		k.Unresolvable = !slices.ContainsFunc(t.Fields, func(f *federated.Field) bool { return f.In(g) != nil && !strings.Contains(k.Fields, f.Name) })
	}
}

// known tells that a graph other than g can be asked by a key.
func (m *maker) known(t *federated.Type, key string, g int) bool {
	return slices.ContainsFunc(t.Parts, func(p federated.Part) bool {
		return p.Graph != g && slices.ContainsFunc(p.Keys, func(k federated.Key) bool { return k.Fields == key && !k.Unresolvable })
	})
}

// resolvable returns a key by which an entity can be asked for in a graph other than g.
func (m *maker) resolvable(t *federated.Type, g int) string {
	if m.pool[t.Name][0] == "id" {
		return "id"
	}
	var out []string
	for _, p := range t.Parts {
		for _, k := range p.Keys {
			if p.Graph != g && !k.Unresolvable {
				out = append(out, k.Fields)
			}
		}
	}
	if len(out) == 0 {
		return m.pool[t.Name][0]
	}
	return pick(m.r, out)
}

// owners chooses graphs for a field: mostly one.
func (m *maker) owners(t *federated.Type) []int {
	list := m.some(holders(t))
	if !m.oneIn(4) {
		list = list[:1]
	}
	for _, g := range list { // who answers for more than the key can be asked for it
		for i := range t.In(g).Keys {
			t.In(g).Keys[i].Unresolvable = false
		}
	}
	return list
}

func (m *maker) leafFields(e *federated.Type) {
	for range 2 + m.r.IntN(4) {
		typ, arguments := m.leaf()
		m.field(e, m.name("f"), typ, arguments, m.owners(e)...)
	}
}

func (m *maker) refFields(e *federated.Type) {
	for range 1 + m.r.IntN(3) {
		m.ref(e, m.name("r"), m.owners(e))
	}
}

// ref makes a field that returns objects.
func (m *maker) ref(t *federated.Type, name string, owners []int) *federated.Field {
	target := m.target()
	typ := pick(m.r, []string{"%s", "%s", "%s!", "[%s]", "[%s!]", "[%s!]!", "[[%s]]"})
	if target.Kind != ast.Object && len(owners) > 1 { // they may have no object in common
		typ = pick(m.r, []string{"%s", "[%s]"})
	}
	for _, g := range owners {
		m.know(g, target.Name)
	}
	arguments := ""
	if strings.Contains(typ, "[") && m.oneIn(3) {
		arguments = pick(m.r, []string{"first: Int", "first: Int = 2"})
	}
	return m.field(t, name, fmt.Sprintf(typ, target.Name), arguments, owners...)
}

func (m *maker) target() *federated.Type {
	all := slices.Concat(m.entities, m.entities, m.values[1:], m.unions, m.interfaces)
	return pick(m.r, all)
}

func (m *maker) roots() {
	q := m.s.Type("Query")
	for _, g := range m.graphs {
		for range 1 + m.r.IntN(2) {
			owners := []int{g}
			if m.oneIn(4) {
				owners = m.some(m.graphs)
			}
			m.root(q, owners)
			m.ref(q, m.name("q"), owners)
		}
	}
	if m.oneIn(3) {
		typ, arguments := m.leaf()
		m.field(q, m.name("q"), typ, arguments, q.Parts[0].Graph)
	}
}

func (m *maker) root(q *federated.Type, graphs []int) {
	for _, g := range graphs {
		if q.In(g) == nil {
			q.Parts = append(q.Parts, federated.Part{Graph: g})
		}
	}
}

// mutations change a number of an entity, and return it.
func (m *maker) mutations() {
	if m.oneIn(2) {
		return
	}
	t := &federated.Type{Name: "Mutation", Kind: ast.Object}
	for _, e := range m.entities {
		if m.pool[e.Name][0] != "id" {
			continue
		}
		m.clean[e.Name+".rev"] = true
		m.field(e, "rev", "Int!", "", m.owners(e)...)
		for _, g := range m.some(holders(e)) {
			m.root(t, []int{g})
			name := m.name("bump" + e.Name)
			m.clean["Mutation."+name] = true
			m.field(t, name, e.Name, "id: ID!", g)
		}
	}
	if len(t.Fields) > 0 {
		m.add(t)
	}
}
