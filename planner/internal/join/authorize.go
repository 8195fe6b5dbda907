package join

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Requirement is what a caller must have for a type or a field. All parts of it that are there must hold; of a list of lists, all of one inner
// list. An empty list of lists is held by nobody.
type Requirement struct {
	Authenticated bool
	Scopes        [][]string
	Policies      [][]string
}

// guards are the directives that protect, by the name of their feature, which is their own unless a @link gives them another.
var guards = []string{"authenticated", "requiresScopes", "policy"}

// guard notes under which name a supergraph has a directive that protects.
func (l *loader) guard(link *ast.Directive, feature, version string) {
	if version != "v0.1" || link.Arguments.ForName("import") != nil {
		l.fail(link.Position, "@%s: the supergraph asks for %s %s to be enforced; what is enforced is v0.1 without an import: it would be answered without that check",
			link.Name, feature, version)
	}
	if as := text(link, "as"); as != "" {
		l.guards[as] = feature
	}
}

// needs reads what callers must have. An object needs what its interfaces do, and its fields what the same fields of its interfaces do, so that
// no way of asking is less guarded than another; a field needs what its type, the type it belongs to, and the fields that it requires do.
func (l *loader) needs() {
	own := map[*Type]Set{}
	for _, d := range l.doc.Definitions {
		if t := l.s.Types[d.Name]; t != nil {
			own[t] = l.required(d.Directives, t, "")
		}
	}
	parents := map[*Type][]*Type{}
	for _, d := range l.doc.Definitions {
		t := l.s.Types[d.Name]
		if t == nil {
			continue
		}
		t.needs = own[t]
		for _, name := range d.Interfaces {
			if i := l.s.Types[name]; i != nil {
				parents[t] = append(parents[t], i)
				t.needs = t.needs.Or(own[i])
			}
		}
	}
	alone := map[*Field]Set{}
	l.everyField(func(f *Field, def *ast.FieldDefinition) { alone[f] = l.required(def.Directives, f.Owner, f.Name) })
	slices.SortStableFunc(l.s.Guards, func(a, b Guard) int { return a.Line - b.Line })
	l.everyField(func(f *Field, _ *ast.FieldDefinition) {
		f.Needs = alone[f].Or(f.Owner.needs).Or(f.Type.needs)
		for _, i := range parents[f.Owner] {
			if of := i.Fields[f.Name]; of != nil {
				f.Needs = f.Needs.Or(alone[of]).Or(of.Type.needs)
			}
		}
	})
	for grown := len(l.s.Requirements) > 0; grown; {
		grown = false
		l.everyField(func(f *Field, _ *ast.FieldDefinition) {
			more := f.Needs
			for i := range f.Parts {
				more = more.Or(l.s.selected(f.Owner, f.Parts[i].Requires))
			}
			if !more.Within(f.Needs) {
				f.Needs, grown = more, true
			}
		})
	}
}

func (l *loader) everyField(visit func(*Field, *ast.FieldDefinition)) {
	for _, d := range l.doc.Definitions {
		if t := l.s.Types[d.Name]; t != nil && t.Composite() {
			for _, def := range d.Fields {
				visit(t.Fields[def.Name], def)
			}
		}
	}
}

// selected is what the fields of a selection need.
func (s *Supergraph) selected(t *Type, list Selection) (out Set) {
	for _, sel := range list {
		on := t
		if sel.On != nil {
			on = sel.On
		}
		f := on.Fields[sel.Name]
		if f == nil {
			continue // __typename
		}
		out = out.Or(f.Needs).Or(s.NeedsOf(on.Possible, sel.Name)).Or(s.selected(f.Type, sel.Sub))
	}
	return out
}

// NeedsOf is what a field of objects needs, whichever of the types they have.
func (s *Supergraph) NeedsOf(types Set, field string) (out Set) {
	if len(s.Requirements) == 0 {
		return nil
	}
	for o := range types.All {
		if f := s.Objects[o].Fields[field]; f != nil {
			out = out.Or(f.Needs)
		}
	}
	return out
}

// required numbers what the directives of a type, or of a field of it, ask for.
func (l *loader) required(list ast.DirectiveList, t *Type, field string) (out Set) {
	for _, d := range list {
		feature := l.guards[d.Name]
		if feature == "" && slices.Contains(guards, d.Name) {
			feature = d.Name
		}
		var q Requirement
		switch feature {
		case "authenticated":
			q.Authenticated = true
		case "requiresScopes":
			q.Scopes = l.alternatives(d, "scopes")
		case "policy":
			q.Policies = l.alternatives(d, "policies")
		default:
			continue
		}
		out = out.With(l.number(q))
		g := Guard{Line: d.Position.Line, Place: "type " + t.Name, Requirement: q.String()}
		if field != "" {
			g.Place += ", field " + field
		}
		l.s.Guards = append(l.s.Guards, g)
	}
	return out
}

func (l *loader) alternatives(d *ast.Directive, argument string) [][]string {
	out := [][]string{}
	a := d.Arguments.ForName(argument)
	if a == nil || a.Value.Kind != ast.ListValue {
		l.fail(d.Position, "@%s: %s is to be a list of lists of names", d.Name, argument)
	}
	for _, alternative := range a.Value.Children {
		if alternative.Value.Kind != ast.ListValue {
			l.fail(d.Position, "@%s: %s is to be a list of lists of names", d.Name, argument)
		}
		all := []string{}
		for _, name := range alternative.Value.Children {
			if name.Value.Kind != ast.StringValue && name.Value.Kind != ast.BlockValue {
				l.fail(d.Position, "@%s: %s is to be a list of lists of names", d.Name, argument)
			}
			all = append(all, name.Value.Raw)
		}
		out = append(out, all)
	}
	return out
}

func (l *loader) number(q Requirement) int {
	key := q.String()
	if n, ok := l.numbers[key]; ok {
		return n
	}
	n := len(l.s.Requirements)
	l.numbers[key] = n
	l.s.Requirements = append(l.s.Requirements, q)
	return n
}

// String writes the requirement as the directive it comes from.
func (q Requirement) String() string {
	switch {
	case q.Scopes != nil:
		return "@requiresScopes(scopes: " + lists(q.Scopes) + ")"
	case q.Policies != nil:
		return "@policy(policies: " + lists(q.Policies) + ")"
	}
	return "@authenticated"
}

func lists(of [][]string) string {
	var outer []string
	for _, list := range of {
		var inner []string
		for _, name := range list {
			inner = append(inner, (&ast.Value{Kind: ast.StringValue, Raw: name}).String())
		}
		outer = append(outer, "["+strings.Join(inner, ", ")+"]")
	}
	return "[" + strings.Join(outer, ", ") + "]"
}
