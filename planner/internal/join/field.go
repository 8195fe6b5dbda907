package join

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// fields reads @join__field of all fields.
func (l *loader) fields() {
	for _, d := range l.doc.Definitions {
		t := l.s.Types[d.Name]
		if t == nil || !t.Composite() {
			continue
		}
		t.Fields = make(map[string]*Field, len(d.Fields))
		for _, def := range d.Fields {
			l.field(t, d, def)
		}
	}
	// The selections name fields of other types, so they come when all are there.
	for _, d := range l.doc.Definitions {
		if t := l.s.Types[d.Name]; t != nil && t.Composite() {
			for _, def := range d.Fields {
				l.selections(t.Fields[def.Name], def)
			}
		}
	}
}

func (l *loader) field(t *Type, d *ast.Definition, def *ast.FieldDefinition) {
	f := &Field{Name: def.Name, Owner: t, Wrap: WrapOf(def.Type), Inaccessible: def.Directives.ForName("inaccessible") != nil}
	if f.Type = l.s.Types[def.Type.Name()]; f.Type == nil {
		l.fail(def.Position, "type %s, field %s: its type %s is not defined", t.Name, def.Name, def.Type.Name())
	}
	t.Fields[def.Name] = f
	whole := def.Type.String()
	joins := def.Directives.ForNames("join__field")
	if len(joins) == 0 {
		if l.first && d.Directives.ForName("join__owner") != nil {
			l.owned(f, d, whole)
			return
		}
		for i := range t.Parts {
			f.Parts = append(f.Parts, FieldPart{Graph: t.Parts[i].Graph, Type: f.Type, Text: whole})
		}
		return
	}
	for _, j := range joins {
		if j.Arguments.ForName("graph") == nil {
			continue
		}
		l.part(f, def, j, whole)
	}
	l.overrides(f, joins)
	if l.first {
		l.owned(f, d, whole)
	}
}

// part reads one @join__field.
func (l *loader) part(f *Field, def *ast.FieldDefinition, j *ast.Directive, whole string) {
	if j.Arguments.ForName("contextArguments") != nil {
		l.fail(j.Position, "type %s, field %s: arguments from a context (@fromContext) are not supported", f.Owner.Name, f.Name)
	}
	p := FieldPart{Graph: l.graph(j), Type: f.Type, Text: whole}
	p.External = flag(j, "external", false) || flag(j, "usedOverridden", false)
	if own := text(j, "type"); own != "" {
		p.Text = own
		name := strings.Trim(own, "[]!")
		if p.Type = l.s.Types[name]; p.Type == nil {
			l.fail(def.Position, "type %s, field %s: @join__field names the type %s, which is not defined", f.Owner.Name, f.Name, name)
		}
	}
	f.Parts = append(f.Parts, p)
}

// overrides decides what @override leaves to whom. Without a label, composition has taken the field from the other graph, or marked
// it as used there only. With one, whoever loses has the field as if it were external.
func (l *loader) overrides(f *Field, joins ast.DirectiveList) {
	for _, j := range joins {
		label := text(j, "overrideLabel")
		if label == "" {
			continue
		}
		loser := l.graph(j)
		if l.labels[label] {
			g, known := l.byName[text(j, "override")]
			if !known {
				continue
			}
			loser = g
		}
		if p := f.In(loser); p != nil {
			p.External = true
		}
	}
}

// owned gives a field of an entity of join v0.1 to its owner if it is nobody's, and to the graphs that have it in a key.
func (l *loader) owned(f *Field, d *ast.Definition, whole string) {
	add := func(g Graph) {
		if f.In(g) == nil {
			f.Parts = append(f.Parts, FieldPart{Graph: g, Type: f.Type, Text: whole})
		}
	}
	if o := d.Directives.ForName("join__owner"); o != nil && len(f.Parts) == 0 {
		add(l.graph(o))
	}
	for i := range f.Owner.Parts {
		for _, k := range f.Owner.Parts[i].Keys {
			for _, s := range k.Fields {
				if s.Name == f.Name {
					add(f.Owner.Parts[i].Graph)
				}
			}
		}
	}
}

func (l *loader) selections(f *Field, def *ast.FieldDefinition) {
	for _, j := range def.Directives.ForNames("join__field") {
		requires, provides := text(j, "requires"), text(j, "provides")
		if requires == "" && provides == "" {
			continue
		}
		p := f.In(l.graph(j))
		where := fmt.Sprintf("type %s, field %s: @join__field", f.Owner.Name, f.Name)
		if requires != "" {
			p.Requires = l.selection(j.Position, f.Owner, requires, where+"(requires:)")
		}
		if provides != "" {
			p.Provides = l.selection(j.Position, f.Type, provides, where+"(provides:)")
		}
	}
}

// WrapOf reads the structure of a type.
func WrapOf(t *ast.Type) Wrap {
	var w Wrap
	for ; t != nil; t = t.Elem {
		if t.NonNull {
			w.NonNull |= 1 << w.Lists
		}
		if t.Elem != nil {
			w.Lists++
		}
	}
	return w
}
