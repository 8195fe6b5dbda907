package differential

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// covariant gives an interface a field of an abstract type, and each of its entities one of that type or of a narrower one.
func (m *maker) covariant(t *federated.Type) {
	abstract := pick(m.r, slices.Concat(m.unions, m.interfaces))
	f := &federated.Field{Name: m.name("cov"), Type: fmt.Sprintf(pick(m.r, []string{"%s", "[%s]", "[%s!]", "[[%s]]"}), abstract.Name)}
	t.Fields = append(t.Fields, f)
	for _, name := range m.implementers[t.Name] {
		e := m.s.Type(name)
		owner := m.owners(e)[0]
		m.know(owner, abstract.Name)
		typ := f.Type
		if !m.oneIn(3) {
			o := pick(m.r, m.implementers[abstract.Name])
			m.member(owner, abstract, o)
			typ = strings.Replace(typ, abstract.Name, o, 1)
		}
		m.field(e, f.Name, m.narrowed(typ), "", owner)
	}
}

// member makes a graph know an object type as one that an abstract type stands for; of an interface, settle sees to it.
func (m *maker) member(g int, abstract *federated.Type, object string) {
	m.know(g, object)
	if p := abstract.In(g); abstract.Kind == ast.Union && !slices.Contains(p.Members, object) {
		p.Members = append(p.Members, object)
		slices.Sort(p.Members)
	}
}

// narrowed makes a type non-null in some places where it is not yet.
func (m *maker) narrowed(typ string) string {
	lists := strings.Count(typ, "[")
	name := strings.Trim(typ, "[]!")
	rest := strings.TrimPrefix(strings.TrimLeft(typ, "["), name)
	var b strings.Builder
	b.WriteString(strings.Repeat("[", lists) + name)
	for {
		had := strings.HasPrefix(rest, "!")
		if had || m.oneIn(3) {
			b.WriteByte('!')
		}
		rest = strings.TrimPrefix(rest, "!")
		if rest == "" {
			return b.String()
		}
		b.WriteByte(']')
		rest = rest[1:]
	}
}

// abstract tells that a type stands for others: graphs that share a field of it may have no object in common, and then it is null.
func (m *maker) abstract(typ string) bool {
	t := m.s.Type(strings.Trim(typ, "[]!"))
	return t != nil && (t.Kind == ast.Interface || t.Kind == ast.Union)
}

// narrowFields makes fields of an interface's entities narrower than the interface has them. One that is required stays of its type: what is required
// below it was written for that one.
func (m *maker) narrowFields(t *federated.Type) {
	for _, f := range t.Fields {
		for _, name := range m.implementers[t.Name] {
			e := m.s.Type(name)
			own := e.Field(f.Name)
			if own == nil || !narrowable(own) || m.oneIn(2) {
				continue
			}
			typ := own.Type
			if target := m.s.Type(strings.Trim(typ, "[]!")); target != nil && target.Kind == ast.Interface && m.oneIn(2) && !named(m.s, f.Name, -1) {
				o := pick(m.r, m.implementers[target.Name])
				for _, p := range own.Parts {
					m.know(p.Graph, o)
				}
				typ = strings.Replace(typ, target.Name, o, 1)
			}
			if own.Type = typ; !m.abstract(typ) || len(own.Parts) == 1 {
				own.Type = m.narrowed(typ)
			}
		}
	}
}

// share makes more graphs answer for a leaf of an entity that one answers for, and nothing else is said of.
func (m *maker) share(e *federated.Type, name string) {
	f := e.Field(name)
	if f == nil || isKey(name) || len(f.Parts) != 1 || f.Parts[0] != (federated.FieldPart{Graph: f.Parts[0].Graph}) || m.s.Type(strings.Trim(f.Type, "[]!")) != nil {
		return
	}
	for _, g := range m.some(holders(e)) {
		m.field(e, name, f.Type, f.Arguments, g)
		for i := range e.In(g).Keys {
			e.In(g).Keys[i].Unresolvable = false
		}
	}
}

// narrowIn makes a field narrower in the eyes of one of its graphs than it is as a whole. It does not fail: there it would take its object with it.
func (m *maker) narrowIn(t *federated.Type, f *federated.Field) {
	if len(f.Parts) < 2 {
		return
	}
	p := &f.Parts[m.r.IntN(len(f.Parts))]
	narrow := m.narrowed(f.Type)
	if !narrowable(f) || m.abstract(f.Type) || narrow == f.Type || f.Narrow != "" || !f.Resolves(p.Graph) || strings.Contains(p.Requires, "(") {
		return
	}
	p.Type, f.Narrow = narrow, narrow
	m.clean[t.Name+"."+f.Name] = true
}
