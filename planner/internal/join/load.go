package join

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Load reads the model from a parsed supergraph. Extensions are not expected there. labels are the labels of @override that are on.
// An error names the place as name:line:column, the type and the field.
func Load(name string, doc *ast.SchemaDocument, labels map[string]bool) (s *Supergraph, err error) {
	l := &loader{name: name, doc: doc, labels: labels, graphs: map[string]Graph{}, guards: map[string]string{}, numbers: map[string]int{}, defs: make(map[string]*ast.Definition, len(doc.Definitions))}
	l.s = &Supergraph{Types: make(map[string]*Type, len(doc.Definitions)+5)}
	defer func() {
		if r := recover(); r != nil {
			fault, ok := r.(loadError)
			if !ok {
				panic(r)
			}
			s, err = nil, fault.err
		}
	}()
	l.features()
	l.services()
	l.types()
	l.roots()
	l.members()
	l.keys()
	l.fields()
	l.needs()
	return l.s, nil
}

type loader struct {
	name    string
	doc     *ast.SchemaDocument
	labels  map[string]bool
	s       *Supergraph
	graphs  map[string]Graph // by the value of join__Graph
	byName  map[string]Graph // by the name of the subgraph
	defs    map[string]*ast.Definition
	guards  map[string]string // directives that protect, by the name that a @link gives them
	numbers map[string]int    // of requirements
	first   bool              // join v0.1: fields belong to the owner, and keys to all
}

type loadError struct{ err error }

func (l *loader) fail(at *ast.Position, format string, args ...any) {
	line, column := 1, 1
	if at != nil {
		line, column = at.Line, at.Column
	}
	panic(loadError{fmt.Errorf("%s:%d:%d: %s", l.name, line, column, fmt.Sprintf(format, args...))})
}

// Machinery tells that a name belongs to the directives of composition, not to the schema.
func Machinery(name string) bool {
	for _, p := range []string{"join__", "link__", "core__"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return name == "link" || name == "core"
}

func (l *loader) services() {
	l.byName = map[string]Graph{}
	for _, d := range l.doc.Definitions {
		l.defs[d.Name] = d
	}
	enum := l.defs["join__Graph"]
	if enum == nil {
		l.fail(nil, "this is no supergraph: the enum join__Graph is missing. Compose the subgraphs first")
	}
	for _, v := range enum.EnumValues {
		d := v.Directives.ForName("join__graph")
		if d == nil {
			l.fail(v.Position, "enum join__Graph, value %s: @join__graph is missing", v.Name)
		}
		l.graphs[v.Name] = len(l.s.Graphs)
		s := Service{Name: text(d, "name"), URL: text(d, "url")}
		if v.Position != nil {
			s.Line = v.Position.Line
		}
		if s.Name == "" {
			s.Name = v.Name
		}
		l.byName[s.Name] = len(l.s.Graphs)
		l.s.Graphs = append(l.s.Graphs, s)
	}
	for _, d := range l.doc.Directives {
		if d.Name == "join__owner" {
			l.first = true
		}
	}
}

func text(d *ast.Directive, argument string) string {
	if a := d.Arguments.ForName(argument); a != nil {
		return a.Value.Raw
	}
	return ""
}

func flag(d *ast.Directive, argument string, fallback bool) bool {
	if a := d.Arguments.ForName(argument); a != nil {
		return a.Value.Raw == "true"
	}
	return fallback
}

func (l *loader) graph(d *ast.Directive) Graph {
	name := text(d, "graph")
	g, ok := l.graphs[name]
	if !ok {
		l.fail(d.Position, "@%s names the graph %q, which join__Graph does not have", d.Name, name)
	}
	return g
}

func (l *loader) types() {
	for _, name := range []string{"Int", "Float", "String", "Boolean", "ID"} {
		l.s.Types[name] = &Type{Name: name, Object: -1}
	}
	for _, d := range l.doc.Definitions {
		if Machinery(d.Name) {
			continue
		}
		t := &Type{Name: d.Name, Object: -1, Inaccessible: d.Directives.ForName("inaccessible") != nil}
		l.s.Types[d.Name] = t
		switch d.Kind {
		case ast.Object:
			t.Kind, t.Object = Object, len(l.s.Objects)
			l.s.Objects = append(l.s.Objects, t)
		case ast.Interface:
			t.Kind = Interface
		case ast.Union:
			t.Kind = Union
		case ast.InputObject:
			t.Kind = Input
		case ast.Enum:
			t.Kind = Enum
			for _, v := range d.EnumValues {
				if v.Directives.ForName("inaccessible") == nil {
					t.Values = append(t.Values, v.Name)
				}
			}
			slices.Sort(t.Values)
		}
	}
}

func (l *loader) roots() {
	names := map[ast.Operation]string{ast.Query: "Query", ast.Mutation: "Mutation", ast.Subscription: "Subscription"}
	for _, list := range []ast.SchemaDefinitionList{l.doc.Schema, l.doc.SchemaExtension} {
		for _, d := range list {
			for _, o := range d.OperationTypes {
				names[o.Operation] = o.Type
			}
		}
	}
	l.s.Query, l.s.Mutation, l.s.Subscription = l.s.Types[names[ast.Query]], l.s.Types[names[ast.Mutation]], l.s.Types[names[ast.Subscription]]
	if l.s.Query == nil {
		l.fail(nil, "the supergraph has no query type %s", names[ast.Query])
	}
}

// everywhere lists all graphs: where a type without @join__type is known.
func (l *loader) everywhere() []Part {
	parts := make([]Part, len(l.s.Graphs))
	for g := range parts {
		parts[g].Graph = g
	}
	return parts
}

// keys reads @join__type.
func (l *loader) keys() {
	for _, d := range l.doc.Definitions {
		t := l.s.Types[d.Name]
		if t == nil || !t.Composite() {
			continue
		}
		for _, j := range d.Directives.ForNames("join__type") {
			fields := text(j, "key")
			if fields == "" {
				continue
			}
			k := Key{Resolvable: flag(j, "resolvable", true)}
			k.Fields = l.selection(j.Position, t, fields, fmt.Sprintf("type %s: @join__type(key:)", t.Name))
			p := t.In(l.graph(j))
			p.Keys = append(p.Keys, k)
		}
	}
}

// members reads where types are known, and what abstract types stand for.
func (l *loader) members() {
	for _, d := range l.doc.Definitions {
		t := l.s.Types[d.Name]
		if t == nil {
			continue
		}
		for _, j := range d.Directives.ForNames("join__type") {
			g := l.graph(j)
			if t.In(g) == nil {
				t.Parts = append(t.Parts, Part{Graph: g})
			}
			if flag(j, "isInterfaceObject", false) {
				t.In(g).InterfaceObject = true
			}
		}
		if len(t.Parts) == 0 {
			t.Parts = l.everywhere()
		}
		if t.Kind == Object {
			t.Possible = Set(nil).With(t.Object)
		}
	}
	for _, d := range l.doc.Definitions {
		t := l.s.Types[d.Name]
		switch {
		case t == nil:
		case t.Kind == Union:
			l.union(t, d)
		case t.Kind == Object:
			l.implements(t, d)
		}
	}
	l.accessible()
}

func (l *loader) union(t *Type, d *ast.Definition) {
	listed := d.Directives.ForNames("join__unionMember")
	for _, name := range d.Types {
		m := l.s.Types[name]
		if m == nil || m.Kind != Object {
			l.fail(d.Position, "type %s: its member %s is no object type", t.Name, name)
		}
		t.Possible = t.Possible.With(m.Object)
		for i := range t.Parts {
			p := &t.Parts[i]
			if len(listed) == 0 && m.In(p.Graph) != nil {
				p.Possible = p.Possible.With(m.Object)
			}
		}
	}
	for _, j := range listed {
		m, p := l.s.Types[text(j, "member")], t.In(l.graph(j))
		if m == nil || p == nil || m.Kind != Object {
			l.fail(j.Position, "type %s: @join__unionMember names %s, which is no member there", t.Name, text(j, "member"))
		}
		p.Possible = p.Possible.With(m.Object)
	}
}

func (l *loader) implements(t *Type, d *ast.Definition) {
	listed := d.Directives.ForNames("join__implements")
	for _, name := range d.Interfaces {
		i := l.s.Types[name]
		if i == nil || i.Kind != Interface {
			l.fail(d.Position, "type %s implements %s, which is no interface", t.Name, name)
		}
		i.Possible = i.Possible.With(t.Object)
		for n := range i.Parts {
			p := &i.Parts[n]
			if p.InterfaceObject && !slices.Contains(t.Blurs, i) {
				t.Blurs = append(t.Blurs, i)
			}
			if len(listed) == 0 && t.In(p.Graph) != nil {
				p.Possible = p.Possible.With(t.Object)
			}
		}
	}
	for _, j := range listed {
		i := l.s.Types[text(j, "interface")]
		if i == nil || i.Kind != Interface {
			l.fail(j.Position, "type %s: @join__implements names %s, which is no interface", t.Name, text(j, "interface"))
		}
		if p := i.In(l.graph(j)); p != nil {
			p.Possible = p.Possible.With(t.Object)
		}
	}
}

func (l *loader) accessible() {
	for _, t := range l.s.Types {
		for o := range t.Possible.All {
			if !l.s.Objects[o].Inaccessible {
				t.Accessible = t.Accessible.With(o)
			}
		}
	}
}
