package differential

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/bench/internal/federated"
)

// hide makes some of a settled schema @inaccessible: fields, by their names, types, a value of the enum, a field of the input type, and arguments. Keys and
// @requires use them all the same. What would have nothing left that a client sees is hidden with it; the roots keep something.
func (m *maker) hide() {
	for _, t := range m.s.Types {
		for _, f := range t.Fields {
			switch {
			case t.Kind == ast.InputObject:
				f.Hidden = f.Name == "min" && m.oneIn(2)
			case m.oneIn(4) && f.Arguments != "" && !isRoot(t) && !strings.Contains(f.Arguments, "@") && !named(m.s, f.Name, -1): // a table knows no defaults
				m.secret(f.Name)
			}
		}
	}
	color := m.s.Type("Color")
	color.Secret = []string{"SECRET"}
	names, types := map[string]bool{}, map[string]bool{}
	for _, t := range m.s.Types {
		if composite := t.Kind == ast.Object || t.Kind == ast.Interface || t.Kind == ast.Union; composite && !isRoot(t) && m.oneIn(10) {
			types[t.Name] = true
		}
		for _, f := range t.Fields {
			if t.Kind != ast.InputObject && m.oneIn(10) {
				names[f.Name] = true
			}
		}
	}
	if !m.closed(names, types) {
		return
	}
	for _, t := range m.s.Types {
		t.Hidden = types[t.Name]
		for _, f := range t.Fields {
			f.Hidden = f.Hidden || t.Kind != ast.InputObject && names[f.Name]
		}
	}
}

func isRoot(t *federated.Type) bool {
	return t.Name == "Query" || t.Name == "Mutation" || t.Name == "Subscription"
}

// secret gives a field one more argument everywhere, which clients do not see.
func (m *maker) secret(name string) {
	for _, t := range m.s.Types {
		if f := t.Field(name); f != nil && t.Kind != ast.InputObject {
			f.Arguments += ", hid: Int = 7 @inaccessible"
		}
	}
}

// closed hides more until nothing that is seen has a hidden type or has nothing to be seen. It tells whether the roots have something left.
func (m *maker) closed(names, types map[string]bool) bool {
	for changed := true; changed; {
		changed = false
		for _, t := range m.s.Types {
			seen := func(f *federated.Field) bool { return !names[f.Name] }
			object := t.Kind == ast.Object || t.Kind == ast.Interface
			for _, f := range t.Fields {
				if object && seen(f) && types[strings.Trim(f.Type, "[]!")] {
					names[f.Name], changed = true, true
				}
			}
			empty := object && !slices.ContainsFunc(t.Fields, seen)
			if t.Kind == ast.Interface || t.Kind == ast.Union {
				empty = empty || !slices.ContainsFunc(m.s.Objects(t.Name), func(name string) bool { return !types[name] })
			}
			if empty && isRoot(t) {
				return false
			}
			if empty && !types[t.Name] {
				types[t.Name], changed = true, true
			}
		}
	}
	return true
}
