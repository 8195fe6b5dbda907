package federated

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

var keywords = map[ast.DefinitionKind]string{
	ast.Object: "type", ast.Interface: "interface", ast.Union: "union", ast.Enum: "enum", ast.InputObject: "input", ast.Scalar: "scalar",
}

// Link is what a subgraph's SDL begins with where composition reads it.
const Link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@requires", "@provides", "@external", "@shareable", "@override", "@inaccessible", "@interfaceObject"])
`

// Subgraph prints the SDL of one graph, without Link.
func (s *Schema) Subgraph(graph int) string {
	var b strings.Builder
	for _, t := range s.Types {
		if p := t.In(graph); p != nil {
			t.printIn(&b, p)
		}
	}
	return b.String()
}

func (t *Type) printIn(b *strings.Builder, p *Part) {
	head := keywords[t.Kind] + " " + t.Name
	if p.InterfaceObject {
		head = "type " + t.Name
	}
	if len(p.Implements) > 0 {
		head += " implements " + strings.Join(p.Implements, " & ")
	}
	b.WriteString(head)
	for _, k := range p.Keys {
		fmt.Fprintf(b, " @key(fields: %q", k.Fields)
		if k.Unresolvable {
			b.WriteString(", resolvable: false")
		}
		b.WriteByte(')')
	}
	if p.InterfaceObject {
		b.WriteString(" @interfaceObject")
	}
	t.body(b, p.Members, func(f *Field) (typ, directives string, ok bool) {
		fp := f.In(p.Graph)
		if fp == nil {
			return "", "", false
		}
		return cmp.Or(fp.Type, f.Type), t.directives(f, fp), true
	})
}

// directives are those of a field in the SDL of a subgraph.
func (t *Type) directives(f *Field, p *FieldPart) string {
	if t.Kind == ast.InputObject {
		return ""
	}
	out := ""
	if p.External {
		out += " @external"
	}
	if p.Requires != "" {
		out += fmt.Sprintf(" @requires(fields: %q)", p.Requires)
	}
	if p.Provides != "" {
		out += fmt.Sprintf(" @provides(fields: %q)", p.Provides)
	}
	switch {
	case p.Label != "":
		out += fmt.Sprintf(" @override(from: %q, label: %q)", p.Override, p.Label)
	case p.Override != "":
		out += fmt.Sprintf(" @override(from: %q)", p.Override)
	}
	if object := t.Kind == ast.Object || t.In(p.Graph).InterfaceObject; object && !p.External && f.Resolvers() > 1 {
		out += " @shareable"
	}
	return out
}

// body prints what stands between the braces.
func (t *Type) body(b *strings.Builder, members []string, in func(*Field) (typ, directives string, ok bool)) {
	switch t.Kind {
	case ast.Union:
		b.WriteString(" = " + strings.Join(members, " | "))
	case ast.Enum:
		b.WriteString(" { " + strings.Join(t.Values, " ") + " }")
	case ast.Scalar:
	default:
		b.WriteString(" {\n")
		for _, f := range t.Fields {
			typ, directives, ok := in(f)
			if !ok {
				continue
			}
			b.WriteString("  " + f.Name)
			if f.Arguments != "" {
				b.WriteString("(" + f.Arguments + ")")
			}
			b.WriteString(": " + typ)
			if f.Default != "" {
				b.WriteString(" = " + f.Default)
			}
			b.WriteString(directives + "\n")
		}
		b.WriteString("}")
	}
	b.WriteByte('\n')
}

// Monolith prints the schema as one server would have it.
func (s *Schema) Monolith() string {
	var b strings.Builder
	for _, t := range s.Types {
		b.WriteString(keywords[t.Kind] + " " + t.Name)
		if list := t.Implements(); len(list) > 0 {
			b.WriteString(" implements " + strings.Join(list, " & "))
		}
		t.body(&b, t.Members(), func(f *Field) (typ, directives string, ok bool) { return f.Type, "", true })
	}
	return b.String()
}
