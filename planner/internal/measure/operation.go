package measure

import (
	"math"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

// Max is the greatest number a count shows; what is more counts as this many.
const Max = math.MaxInt32

// Counts are the measures of an operation. Tokens and VariablesDepth are not Operation's to know and stay 0 there.
type Counts struct {
	Tokens         int // lexical tokens of the whole document
	Depth          int // fields on the longest way from the root to a leaf; {a} has depth 1
	Aliases        int // fields that carry an alias
	RootFields     int // fields of the operation's own selection set
	Directives     int // directives, those of the operation and its variables too
	ExpandedFields int // all fields
	VariablesDepth int // nesting of the variables' JSON
}

// Operation measures op with the fragments of doc written out where they are spread. A spread of a fragment that is not
// defined, or that contains itself, counts as nothing.
func Operation(doc *ast.QueryDocument, op *ast.OperationDefinition) Counts {
	m := meter{defs: document.Fragments(doc.Fragments), memo: map[string]Counts{}}
	c := m.set(op.SelectionSet)
	c.Directives = add(c.Directives, len(op.Directives))
	for _, v := range op.VariableDefinitions {
		c.Directives = add(c.Directives, len(v.Directives))
	}
	return c
}

// meter measures each fragment once. A fragment that is being measured has zero Counts in memo, which ends cycles.
type meter struct {
	defs map[string]*ast.FragmentDefinition
	memo map[string]Counts
}

// set measures a selection set. RootFields counts the set's own fields, those in its fragments included.
func (m *meter) set(set ast.SelectionSet) Counts {
	var c Counts
	for _, sel := range set {
		var d Counts
		switch s := sel.(type) {
		case *ast.Field:
			d = m.field(s)
		case *ast.InlineFragment:
			d = m.set(s.SelectionSet)
			d.Directives = add(d.Directives, len(s.Directives))
		case *ast.FragmentSpread:
			d = m.fragment(s.Name)
			d.Directives = add(d.Directives, len(s.Directives))
		}
		c.Depth = max(c.Depth, d.Depth)
		c.Aliases = add(c.Aliases, d.Aliases)
		c.RootFields = add(c.RootFields, d.RootFields)
		c.Directives = add(c.Directives, d.Directives)
		c.ExpandedFields = add(c.ExpandedFields, d.ExpandedFields)
	}
	return c
}

func (m *meter) field(f *ast.Field) Counts {
	c := m.set(f.SelectionSet)
	c.Depth = add(c.Depth, 1)
	c.ExpandedFields = add(c.ExpandedFields, 1)
	c.Directives = add(c.Directives, len(f.Directives))
	c.RootFields = 1
	if f.Alias != "" && f.Alias != f.Name {
		c.Aliases = add(c.Aliases, 1)
	}
	return c
}

func (m *meter) fragment(name string) Counts {
	if c, known := m.memo[name]; known {
		return c
	}
	m.memo[name] = Counts{}
	f := m.defs[name]
	if f == nil {
		return Counts{}
	}
	c := m.set(f.SelectionSet)
	c.Directives = add(c.Directives, len(f.Directives))
	m.memo[name] = c
	return c
}

// add adds two counts and stops at Max.
func add(a, b int) int { return min(a+b, Max) }
