package federated

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// Schema is a federated schema.
type Schema struct {
	Graphs []string
	Types  []*Type
}

// Type is a named type of the schema.
type Type struct {
	Name   string
	Kind   ast.DefinitionKind
	Parts  []Part // where it is known, by graph
	Fields []*Field
	Values []string // of an enum
	Hidden bool     // @inaccessible: clients do not see it
	// Secret are the values of an enum that clients do not see.
	Secret []string
}

// Part is what a graph knows of a type.
type Part struct {
	Graph           int
	Keys            []Key
	InterfaceObject bool
	Implements      []string // of an object type
	Members         []string // of a union
}

// Key is one @key.
type Key struct {
	Fields       string
	Unresolvable bool
}

// Field is a field of an object type, an interface or an input type.
type Field struct {
	Name      string
	Type      string
	Arguments string // as they are written between the parentheses
	Narrow    string // the type that all graphs' types admit; empty: Type
	Default   string // of an input field
	Hidden    bool   // @inaccessible, as an argument is that has it behind its default
	// Parts are where it is known, by graph. A field without parts is one that only interface objects resolve.
	Parts []FieldPart
}

// FieldPart is what a graph knows of a field.
type FieldPart struct {
	Graph              int
	Type               string // as the graph has it; empty: as the whole
	External           bool
	Requires, Provides string
	Override           string // the graph it is taken over from
	Label              string // of the @override
	Overridden         bool   // another graph has it: has taken it over or, where the label is off, has not given it away
}

// Type returns the type with a name, nil when there is none.
func (s *Schema) Type(name string) *Type {
	for _, t := range s.Types {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// In returns what a graph knows of the type, nil when nothing.
func (t *Type) In(graph int) *Part {
	for i := range t.Parts {
		if t.Parts[i].Graph == graph {
			return &t.Parts[i]
		}
	}
	return nil
}

// Field returns the field with a name, nil when there is none.
func (t *Type) Field(name string) *Field {
	for _, f := range t.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// In returns what a graph knows of the field, nil when nothing.
func (f *Field) In(graph int) *FieldPart {
	for i := range f.Parts {
		if f.Parts[i].Graph == graph {
			return &f.Parts[i]
		}
	}
	return nil
}

// Resolves tells that a graph answers for the field wherever it has the object.
func (f *Field) Resolves(graph int) bool {
	p := f.In(graph)
	return p != nil && !p.External && !p.Overridden
}

// Resolvers counts the graphs that answer for the field.
func (f *Field) Resolvers() int {
	n := 0
	for i := range f.Parts {
		if f.Resolves(f.Parts[i].Graph) {
			n++
		}
	}
	return n
}

// Implements lists the interfaces of an object type, over all graphs.
func (t *Type) Implements() []string {
	var out []string
	for i := range t.Parts {
		out = append(out, t.Parts[i].Implements...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Members lists the members of a union, over all graphs.
func (t *Type) Members() []string {
	var out []string
	for i := range t.Parts {
		out = append(out, t.Parts[i].Members...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Objects lists the object types that an abstract type stands for, over all graphs.
func (s *Schema) Objects(name string) []string {
	t := s.Type(name)
	if t.Kind == ast.Union {
		return t.Members()
	}
	var out []string
	for _, o := range s.Types {
		if o.Kind == ast.Object && slices.Contains(o.Implements(), name) {
			out = append(out, o.Name)
		}
	}
	return out
}

// Overridden lists the fields (Type.field) of a graph that others have taken over.
func (s *Schema) Overridden(graph int) []string {
	var out []string
	for _, t := range s.Types {
		for _, f := range t.Fields {
			if p := f.In(graph); p != nil && p.Overridden {
				out = append(out, t.Name+"."+f.Name)
			}
		}
	}
	return out
}
