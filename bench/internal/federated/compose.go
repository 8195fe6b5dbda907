package federated

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

const machinery = `directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
`

// Supergraph composes the graphs. urls are by graph.
func (s *Schema) Supergraph(urls []string) string {
	var b strings.Builder
	b.WriteString(`schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY) { query: Query`)
	if s.Type("Mutation") != nil {
		b.WriteString(" mutation: Mutation")
	}
	if s.Type("Subscription") != nil {
		b.WriteString(" subscription: Subscription")
	}
	b.WriteString(" }\n" + machinery + "enum join__Graph {\n")
	for g, name := range s.Graphs {
		fmt.Fprintf(&b, "  %s @join__graph(name: %q, url: %q)\n", enumName(name), name, urls[g])
	}
	b.WriteString("}\n")
	for _, t := range s.Types {
		s.join(&b, t)
	}
	return b.String()
}

func enumName(graph string) string { return strings.ToUpper(graph) }

func (s *Schema) join(b *strings.Builder, t *Type) {
	b.WriteString(keywords[t.Kind] + " " + t.Name)
	if list := t.Implements(); len(list) > 0 {
		b.WriteString(" implements " + strings.Join(list, " & "))
	}
	for _, p := range t.Parts {
		g := enumName(s.Graphs[p.Graph])
		for _, i := range p.Implements {
			fmt.Fprintf(b, " @join__implements(graph: %s, interface: %q)", g, i)
		}
		for _, m := range p.Members {
			fmt.Fprintf(b, " @join__unionMember(graph: %s, member: %q)", g, m)
		}
		blurs := ""
		if p.InterfaceObject {
			blurs = ", isInterfaceObject: true"
		}
		for _, k := range p.Keys {
			fmt.Fprintf(b, " @join__type(graph: %s, key: %q", g, k.Fields)
			if k.Unresolvable {
				b.WriteString(", resolvable: false")
			}
			b.WriteString(blurs + ")")
		}
		if len(p.Keys) == 0 {
			fmt.Fprintf(b, " @join__type(graph: %s%s)", g, blurs)
		}
	}
	b.WriteString(hiding(t.Hidden))
	if t.Kind == ast.Enum {
		b.WriteString(" {\n")
		for i, v := range slices.Concat(t.Values, t.Secret) {
			b.WriteString("  " + v + hiding(i >= len(t.Values)))
			for _, p := range t.Parts {
				fmt.Fprintf(b, " @join__enumValue(graph: %s)", enumName(s.Graphs[p.Graph]))
			}
			b.WriteByte('\n')
		}
		b.WriteString("}\n")
		return
	}
	t.body(b, t.Members(), func(f *Field) (line, bool) {
		return line{f.Type, f.Arguments, hiding(f.Hidden) + s.joinField(t, f)}, true
	})
}

// joinField is @join__field for each graph; none is written where all graphs of the type have the field alike.
func (s *Schema) joinField(t *Type, f *Field) string {
	special := func(p FieldPart) bool { return p != FieldPart{Graph: p.Graph} }
	if len(f.Parts) == 0 {
		return " @join__field"
	}
	if len(f.Parts) == len(t.Parts) && !slices.ContainsFunc(f.Parts, special) {
		return ""
	}
	out := ""
	labelled := slices.ContainsFunc(f.Parts, func(p FieldPart) bool { return p.Label != "" })
	for _, p := range f.Parts {
		if p.Overridden && !labelled {
			continue
		}
		out += " @join__field(graph: " + enumName(s.Graphs[p.Graph])
		if p.Type != "" {
			out += fmt.Sprintf(", type: %q", p.Type)
		}
		if p.Requires != "" {
			out += fmt.Sprintf(", requires: %q", p.Requires)
		}
		if p.Provides != "" {
			out += fmt.Sprintf(", provides: %q", p.Provides)
		}
		if p.External {
			out += ", external: true"
		}
		if p.Override != "" {
			out += fmt.Sprintf(", override: %q", p.Override)
		}
		if p.Label != "" {
			out += fmt.Sprintf(", overrideLabel: %q", p.Label)
		}
		out += ")"
	}
	return out
}
