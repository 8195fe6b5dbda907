package differential

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// override lets a graph take over a field.
func (m *maker) override() {
	e := pick(m.r, m.entities)
	f := pick(m.r, e.Fields)
	if len(f.Parts) != 1 || f.Parts[0] != (federated.FieldPart{Graph: f.Parts[0].Graph}) || m.clean[e.Name+"."+f.Name] || m.s.Type(strings.Trim(f.Type, "[]!")) != nil {
		return
	}
	for _, g := range m.some(holders(e)) {
		if g != f.Parts[0].Graph {
			f.Parts[0].Overridden = true
			f.Parts = append(f.Parts, federated.FieldPart{Graph: g, Override: m.s.Graphs[f.Parts[0].Graph]})
			for i := range e.In(g).Keys {
				e.In(g).Keys[i].Unresolvable = false
			}
			return
		}
	}
}

// provide lets a field provide what its graph knows as external only.
func (m *maker) provide() {
	t := pick(m.r, append(slices.Clone(m.entities), m.s.Type("Query")))
	f := pick(m.r, t.Fields)
	if len(f.Parts) != 1 || f.Parts[0] != (federated.FieldPart{Graph: f.Parts[0].Graph}) {
		return
	}
	g := f.Parts[0].Graph
	target := m.s.Type(strings.Trim(f.Type, "[]!"))
	if target == nil || g == m.blurry {
		return
	}
	switch target.Kind {
	case ast.Object:
		if text := m.provided(g, target, 2); text != "" {
			f.Parts[0].Provides = text
		}
	default:
		if m.wide {
			f.Parts[0].Provides = m.providedOn(g, target)
			return
		}
		if target.Kind != ast.Union {
			return
		}
		o := m.s.Type(pick(m.r, target.In(g).Members))
		if text := m.provided(g, o, 2); text != "" {
			f.Parts[0].Provides = "... on " + o.Name + " { " + text + " }"
		}
	}
}

// provided selects a field of an entity that a graph does not resolve.
func (m *maker) provided(g int, e *federated.Type, depth int) string {
	if m.pool[e.Name] == nil || depth == 0 {
		return ""
	}
	f := pick(m.r, e.Fields)
	if f.In(g) != nil && !f.In(g).External || f.Resolvers() == 0 || slices.ContainsFunc(f.Parts, func(p federated.FieldPart) bool { return p.Requires != "" || p.Override != "" }) {
		return ""
	}
	text := f.Name
	if target := m.s.Type(strings.Trim(f.Type, "[]!")); target != nil && target.Name != "Color" {
		if target.Kind != ast.Object {
			return ""
		}
		m.know(g, target.Name)
		sub := m.provided(g, target, depth-1)
		if m.pool[target.Name] == nil {
			sub = pick(m.r, target.Fields).Name
			if m.s.Type(strings.Trim(target.Field(sub).Type, "[]!")) != nil {
				return ""
			}
		}
		if sub == "" {
			return ""
		}
		text += " { " + sub + " }"
	}
	if f.In(g) == nil {
		f.Parts = append(f.Parts, federated.FieldPart{Graph: g, External: true})
	}
	return text
}

// blur makes the first interface an interface object in a graph of its own: one graph has the interface with its key and all entities.
func (m *maker) blur() {
	if m.blurry < 0 || len(m.interfaces) == 0 {
		return
	}
	t := m.interfaces[0]
	g := pick(m.r, m.graphs)
	m.know(g, t.Name)
	for _, name := range m.implementers[t.Name] {
		m.know(g, name)
		for i := range m.s.Type(name).In(g).Keys {
			m.s.Type(name).In(g).Keys[i].Unresolvable = false
		}
	}
	t.In(g).Keys = []federated.Key{{Fields: "id"}}
	t.Parts = append(t.Parts, federated.Part{Graph: m.blurry, InterfaceObject: true, Keys: []federated.Key{{Fields: "id"}}})
	t.Field("id").Parts = append(t.Field("id").Parts, federated.FieldPart{Graph: m.blurry})
	for range 1 + m.r.IntN(3) {
		typ, arguments := m.leaf()
		f := &federated.Field{Name: m.name("io"), Type: typ, Arguments: arguments}
		p := federated.FieldPart{Graph: m.blurry}
		switch m.r.IntN(4) {
		case 0:
			f.Type, f.Arguments = fmt.Sprintf(pick(m.r, []string{"%s", "[%s]", "[%s!]"}), t.Name), ""
		case 1:
			if x := pick(m.r, t.Fields); x.In(m.blurry) == nil && m.s.Type(strings.Trim(x.Type, "[]!")) == nil && !strings.ContainsAny(x.Arguments, "=!") {
				f.Type, f.Arguments, p.Requires = "String", "", x.Name
				x.Parts = append(x.Parts, federated.FieldPart{Graph: m.blurry, External: true})
				for _, name := range m.implementers[t.Name] {
					m.clean[name+"."+x.Name] = true
				}
			}
		}
		f.Parts = []federated.FieldPart{p}
		t.Fields = append(t.Fields, f)
		for _, name := range m.implementers[t.Name] {
			e := m.s.Type(name)
			e.Fields = append(e.Fields, &federated.Field{Name: f.Name, Type: f.Type, Arguments: f.Arguments})
		}
	}
	if !m.oneIn(4) {
		q := m.s.Type("Query")
		m.root(q, []int{m.blurry})
		m.field(q, m.name("q"), fmt.Sprintf(pick(m.r, []string{"%s", "[%s]", "[%s!]!"}), t.Name), "", m.blurry)
	}
}
