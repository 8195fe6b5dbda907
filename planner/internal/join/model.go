package join

// Graph is an index of Supergraph.Graphs.
type Graph = int

// Supergraph is the model.
type Supergraph struct {
	Graphs  []Service
	Types   map[string]*Type
	Objects []*Type // by Type.Object

	Query, Mutation, Subscription *Type // nil: none

	Requirements []Requirement // what callers must have somewhere; Field.Needs are indexes
	Guards       []Guard       // where they are written, in the order of the document
}

// Guard is a directive that protects a type or a field.
type Guard struct {
	Line        int
	Place       string // type T, or type T, field f
	Requirement string
}

// Service is a subgraph.
type Service struct {
	Name, URL string
	Line      int // where the supergraph names it
}

// Kind is the kind of a type.
type Kind uint8

// The kinds.
const (
	Scalar Kind = iota
	Enum
	Input
	Object
	Interface
	Union
)

// Type is a named type.
type Type struct {
	Name         string
	Kind         Kind
	Object       int // index of an object type, -1 of others
	Inaccessible bool
	Parts        []Part // where it is known, by graph
	Possible     Set    // object types it stands for in the supergraph; nil of leaves
	Accessible   Set    // those of them that clients may see
	Fields       map[string]*Field
	Values       []string // of an enum, that clients may see, sorted
	// Blurs are the interfaces of an object type that are interface objects in some graph.
	Blurs []*Type
	needs Set // of Requirements
}

// Composite tells that the type has fields or members.
func (t *Type) Composite() bool { return t.Kind >= Object }

// Abstract tells that the type stands for others.
func (t *Type) Abstract() bool { return t.Kind >= Interface }

// In returns what a graph knows of the type, nil when nothing.
func (t *Type) In(g Graph) *Part {
	for i := range t.Parts {
		if t.Parts[i].Graph == g {
			return &t.Parts[i]
		}
	}
	return nil
}

// Part is a type as one graph knows it.
type Part struct {
	Graph           Graph
	Keys            []Key
	InterfaceObject bool
	Possible        Set // of an abstract type: the object types it stands for in the graph
}

// Key is a way into a graph, or an identity only.
type Key struct {
	Fields     Selection
	Resolvable bool
}

// Field is a field of an object or interface type.
type Field struct {
	Name         string
	Owner        *Type
	Type         *Type // innermost
	Wrap         Wrap
	Inaccessible bool
	Parts        []FieldPart // where it is known, by graph; none of a field that only interface objects resolve
	Needs        Set         // of Requirements
}

// In returns what a graph knows of the field, nil when nothing.
func (f *Field) In(g Graph) *FieldPart {
	for i := range f.Parts {
		if f.Parts[i].Graph == g {
			return &f.Parts[i]
		}
	}
	return nil
}

// FieldPart is a field as one graph knows it.
type FieldPart struct {
	Graph    Graph
	External bool // named there, but not resolved
	Requires Selection
	Provides Selection
	Type     *Type  // innermost, as the graph has it
	Text     string // the whole type, as the graph has it
}

// Wrap is the list and non-null structure of a type: level 0 is the field, level n the elements of the n-th list.
type Wrap struct {
	Lists   uint8
	NonNull uint32
}

// Selection is a set of fields in the sense of @key, @requires and @provides, with fragments flattened.
type Selection []Selected

// Selected is one field of it.
type Selected struct {
	Name      string
	Arguments string // in canonical form with parentheses; empty: none
	On        *Type  // the field is for objects of this type only; nil: of all
	Sub       Selection
}
