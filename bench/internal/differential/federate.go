package differential

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// makeAbstract makes unions and interfaces. Interfaces are implemented by entities that have the key id everywhere.
func (m *maker) makeAbstract(blur bool) {
	var plain, all []string
	for _, e := range m.entities {
		all = append(all, e.Name)
		if m.pool[e.Name][0] == "id" {
			plain = append(plain, e.Name)
		}
	}
	for _, v := range m.values[1:] {
		all = append(all, v.Name)
	}
	for i := range m.r.IntN(3) {
		m.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		u := m.add(&federated.Type{Name: fmt.Sprintf("U%d", i), Kind: ast.Union})
		m.unions = append(m.unions, u)
		m.implementers[u.Name] = slices.Clone(all[:1+m.r.IntN(len(all))])
	}
	n := m.r.IntN(3)
	if blur {
		n = max(n, 1)
	}
	for i := range n {
		if len(plain) == 0 {
			m.blurry = -1
			return
		}
		m.r.Shuffle(len(plain), func(i, j int) { plain[i], plain[j] = plain[j], plain[i] })
		t := m.add(&federated.Type{Name: fmt.Sprintf("I%d", i), Kind: ast.Interface})
		m.interfaces = append(m.interfaces, t)
		m.implementers[t.Name] = slices.Clone(plain[:1+m.r.IntN(len(plain))])
		t.Fields = append(t.Fields, &federated.Field{Name: "id", Type: "ID!"})
		m.interfaceFields(t)
	}
}

// interfaceFields gives an interface fields, and each of its entities the same.
func (m *maker) interfaceFields(t *federated.Type) {
	for range m.r.IntN(3) {
		typ, arguments := m.leaf()
		f := &federated.Field{Name: m.name("i"), Type: typ, Arguments: arguments}
		t.Fields = append(t.Fields, f)
		for _, name := range m.implementers[t.Name] {
			e := m.s.Type(name)
			m.field(e, f.Name, f.Type, f.Arguments, m.owners(e)...)
		}
	}
	if m.oneIn(2) {
		target := pick(m.r, append(slices.Clone(m.entities), t))
		f := &federated.Field{Name: m.name("i"), Type: pick(m.r, []string{"%s", "[%s]", "[%s!]"})}
		f.Type = fmt.Sprintf(f.Type, target.Name)
		t.Fields = append(t.Fields, f)
		for _, name := range m.implementers[t.Name] {
			e := m.s.Type(name)
			owners := m.owners(e)
			for _, g := range owners {
				m.know(g, target.Name)
			}
			m.field(e, f.Name, f.Type, "", owners...)
		}
	}
}

// settle decides what each graph knows of an interface: all entities it has, and fields that all of them have there.
func (m *maker) settle(t *federated.Type) {
	if len(t.Parts) == 0 {
		t.Parts = append(t.Parts, federated.Part{Graph: m.s.Type(m.implementers[t.Name][0]).Parts[0].Graph})
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		if p.InterfaceObject {
			continue
		}
		var here []*federated.Type
		for _, name := range m.implementers[t.Name] {
			if e := m.s.Type(name); e.In(p.Graph) != nil {
				here = append(here, e)
				e.In(p.Graph).Implements = append(e.In(p.Graph).Implements, t.Name)
			}
		}
		for _, f := range t.Fields {
			all := !slices.ContainsFunc(here, func(e *federated.Type) bool {
				own := e.Field(f.Name)
				return own == nil || own.In(p.Graph) == nil || own.In(p.Graph).External
			})
			if all && f.In(p.Graph) == nil && (f.Name == "id" || !m.oneIn(4)) {
				f.Parts = append(f.Parts, federated.FieldPart{Graph: p.Graph})
			}
		}
	}
	t.Fields = slices.DeleteFunc(t.Fields, func(f *federated.Field) bool { return len(f.Parts) == 0 })
}

// require makes a field that requires others of its entity.
func (m *maker) require() {
	e := pick(m.r, m.entities)
	g := pick(m.r, holders(e))
	var fields []string
	for range 1 + m.r.IntN(2) {
		f := pick(m.r, e.Fields)
		if f.In(g) != nil && !f.In(g).External || len(f.Parts) == 0 {
			continue
		}
		if text := m.selection(g, e, f, 2); text != "" {
			fields = append(fields, text)
		}
	}
	slices.Sort(fields)
	if fields = slices.Compact(fields); len(fields) == 0 || len(fields) == 2 && selected(fields[0]) == selected(fields[1]) {
		return // no two of one name: with other arguments they cannot be merged, and composition refuses them
	}
	f := m.field(e, m.name("rq"), pick(m.r, []string{"String", "String!"}), "", g)
	f.In(g).Requires = strings.Join(fields, " ")
	for i := range e.In(g).Keys {
		e.In(g).Keys[i].Unresolvable = false
	}
}

// selected is the name of the field that a selection begins with.
func selected(text string) string {
	name, _, _ := strings.Cut(text, " ")
	name, _, _ = strings.Cut(name, "(")
	return name
}

// selection makes a field of an object external in a graph, if the graph does not have it, and selects it with some of what is below. "": it cannot.
func (m *maker) selection(g int, t *federated.Type, f *federated.Field, depth int) string {
	needed := strings.ContainsAny(f.Arguments, "=!")
	if needed && !m.wide || f.Resolvers() == 0 || ofRich(f.Arguments) {
		return ""
	}
	target := m.s.Type(strings.Trim(f.Type, "[]!"))
	text := f.Name
	switch {
	case m.wide && (needed || m.oneIn(2)):
		text += m.given(f.Arguments)
	case !m.wide && strings.HasPrefix(f.Arguments, "x: Int") && m.oneIn(2):
		text += fmt.Sprintf("(x: %d)", m.r.IntN(3))
	}
	if target != nil && target.Name != "Color" && target.Kind != ast.Scalar {
		sub := m.below(g, f, target, depth)
		if sub == "" {
			return ""
		}
		text += " { " + sub + " }"
	}
	if f.In(g) == nil {
		f.Parts = append(f.Parts, federated.FieldPart{Graph: g, External: true})
	}
	m.clean[t.Name+"."+f.Name] = true
	return text
}

func (m *maker) below(g int, f *federated.Field, target *federated.Type, depth int) string {
	if depth == 0 {
		return ""
	}
	if target.Kind != ast.Object {
		return m.fragments(g, f, target, depth)
	}
	m.know(g, target.Name)
	var out []string
	for range 3 {
		if sub := pick(m.r, target.Fields); len(sub.Parts) > 0 && !slices.ContainsFunc(out, func(s string) bool { return selected(s) == sub.Name }) {
			if sub.In(g) == nil && m.pool[target.Name] == nil {
				continue
			}
			if text := m.selection(g, target, sub, depth-1); text != "" && (m.wide || !strings.Contains(text, "(")) {
				out = append(out, text)
			}
		}
	}
	return strings.Join(out, " ")
}

// fragments selects on the object types that the resolvers of a field know.
func (m *maker) fragments(g int, f *federated.Field, target *federated.Type, depth int) string {
	m.know(g, target.Name)
	if target.Kind == ast.Interface {
		if !m.wide {
			return ""
		}
		return m.on(g, f, m.implementers[target.Name], depth)
	}
	members := slices.Clone(target.In(g).Members)
	for _, p := range f.Parts {
		if t := target.In(p.Graph); t != nil {
			members = append(members, t.Members...)
		}
	}
	slices.Sort(members)
	members = slices.Compact(members)
	target.In(g).Members = members
	return m.on(g, f, members, depth)
}

func (m *maker) on(g int, f *federated.Field, members []string, depth int) string {
	var out []string
	for _, name := range members {
		o := m.s.Type(name)
		m.know(g, name)
		if text := m.below(g, f, o, depth); text != "" {
			out = append(out, "... on "+name+" { "+text+" }")
		}
	}
	return strings.Join(out, " ")
}
