package federated

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
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
	b.WriteString(hiding(t.Hidden))
	members := append(slices.Clone(p.Members), t.Values...)
	for _, v := range t.Secret {
		members = append(members, v+inaccessible)
	}
	t.body(b, members, func(f *Field) (l line, ok bool) {
		fp := f.In(p.Graph)
		if fp == nil {
			return line{}, false
		}
		return line{cmp.Or(fp.Type, f.Type), f.Arguments, t.directives(f, fp)}, true
	})
}

// directives are those of a field in the SDL of a subgraph.
func (t *Type) directives(f *Field, p *FieldPart) string {
	out := hiding(f.Hidden)
	if t.Kind == ast.InputObject {
		return out
	}
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

// line is a field as it is printed.
type line struct{ typ, arguments, directives string }

const inaccessible = " @inaccessible"

// hiding is the directive of what is hidden.
func hiding(hidden bool) string {
	if hidden {
		return inaccessible
	}
	return ""
}

// body prints what stands between the braces.
func (t *Type) body(b *strings.Builder, members []string, in func(*Field) (l line, ok bool)) {
	switch t.Kind {
	case ast.Union:
		b.WriteString(" = " + strings.Join(members, " | "))
	case ast.Enum:
		b.WriteString(" { " + strings.Join(members, " ") + " }")
	case ast.Scalar:
	default:
		b.WriteString(" {\n")
		for _, f := range t.Fields {
			l, ok := in(f)
			if !ok {
				continue
			}
			b.WriteString("  " + f.Name)
			if l.arguments != "" {
				b.WriteString("(" + l.arguments + ")")
			}
			b.WriteString(": " + l.typ)
			if f.Default != "" {
				b.WriteString(" = " + f.Default)
			}
			b.WriteString(l.directives + "\n")
		}
		b.WriteString("}")
	}
	b.WriteByte('\n')
}

// View says how much of the schema a single server has.
type View int

const (
	Client   View = iota // what clients see
	Monolith             // and the arguments and input fields that are hidden from them, for their defaults have an effect
	Whole                // all
)

// Single prints the schema as one server would have it.
func (s *Schema) Single(v View) string {
	var b strings.Builder
	see := func(name string) bool {
		t := s.Type(name)
		return v == Whole || t == nil || !t.Hidden
	}
	for _, t := range s.Types {
		if !see(t.Name) {
			continue
		}
		b.WriteString(keywords[t.Kind] + " " + t.Name)
		if list := slices.DeleteFunc(t.Implements(), func(name string) bool { return !see(name) }); len(list) > 0 {
			b.WriteString(" implements " + strings.Join(list, " & "))
		}
		members := slices.DeleteFunc(t.Members(), func(name string) bool { return !see(name) })
		if members = append(members, t.Values...); v == Whole {
			members = append(members, t.Secret...)
		}
		t.body(&b, members, func(f *Field) (line, bool) {
			arguments := strings.ReplaceAll(f.Arguments, inaccessible, "")
			if v == Client {
				arguments = hiddenArgument.ReplaceAllString(f.Arguments, "")
			}
			return line{f.Type, arguments, ""}, !f.Hidden || v == Whole || v == Monolith && t.Kind == ast.InputObject
		})
	}
	return b.String()
}

var hiddenArgument = regexp.MustCompile(`(, )?\w+: \w+ = \w+ @inaccessible`)
