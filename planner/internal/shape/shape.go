package shape

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

const (
	// DefaultDepth is how deep a response may nest.
	DefaultDepth = 512
	// MaxEntities is how many entity tags one walk adds; beyond it, T:? stands for the rest.
	MaxEntities = 1000
	// maxNodes bounds the merged selection sets of one shape; beyond it the operation is not understood.
	maxNodes = 20000
	// maxWork bounds the selections visited and types compared while compiling.
	maxWork = 1_000_000
	// maxWide is how many nodes of manyTypes types and more one walk keeps account of.
	maxWide   = 256
	manyTypes = 32
	// maxKeys is how many response keys of one selection set may carry entity keys; beyond it keys are not read.
	maxKeys = 8
)

// Facts is what a response says about itself.
type Facts struct {
	// Readable: the body is a JSON object of the shape the operation asks for. When false nothing else, and no tag,
	// may be relied on.
	Readable bool
	// HasErrors: errors is present and not an empty list or null.
	HasErrors bool
	// HasData: data is an object. DataNull: data is null.
	HasData, DataNull bool
	// Negative: a root field is null, and there are no errors.
	Negative bool
	// Unnamed: a mutation was done, and nothing in its answer names what it changed.
	Unnamed bool

	extensions int // where the value of extensions begins, 0 when there is none
}

// Shape is the compiled form of one operation's response. It is immutable.
type Shape struct {
	root  *node // nil: without schema, facts only
	types []typeInfo
	// byName finds a type's index by its name.
	byName map[string]int
	depth  int
	// broken: the operation is too large to be compiled; its responses are not readable.
	broken bool
}

// typeInfo holds the tags of one object type, spelled out once.
type typeInfo struct {
	name, unknown, list, prefix string // "City", "City:?", "list:City", "City:"
	key                         string // field that holds the key; "" when the type is not an entity
	root                        bool   // an operation's root type: gets no tags
	// templates are the formats of @cacheTag on the type: texts with the key between them. One text is a tag for all.
	templates [][]string
	// byKey: some format asks for a key, so an entity whose key is not known cannot be found by its tag. unusable is a format that asks
	// for something else than the one key that is read, "" when there is none; by that one no entity could be found.
	byKey    bool
	unusable string
}

// node is the merged selection set of one response key.
type node struct {
	types  []int // concrete types the object may have, indexes into Shape.types, sorted
	wide   int   // 1-based number among the nodes of many types; 0: none
	fields []fieldShape
	index  map[string]int
	keys   int // how many key slots are in use
	// keyFields are the indexes of the fields that have a key slot.
	keyFields []int
	// below: types that could have appeared here, or beneath through types without key, had this not been null or empty.
	below []int
	// keyless: some type is not an entity, so a list around it may be a list of what is inside.
	keyless bool
}

// fieldShape is one response key of a node.
type fieldShape struct {
	key      string
	child    *node // nil: leaf
	typename bool
	slot     int // 1-based key slot when some type has its key here
	// keyOf lists the types (indexes into Shape.types) whose key this is, sorted.
	keyOf []int
	// rule is of a mutation's root field; nil: the default one.
	rule *Rule
}

// Compile builds the shape of an operation. The document must have passed validation. With a nil schema or operation the
// shape reports facts only.
func Compile(schema *ast.Schema, operation *ast.OperationDefinition, fragments ast.FragmentDefinitionList) *Shape {
	s := &Shape{depth: DefaultDepth}
	if operation == nil {
		return s
	}
	root := document.Root(schema, operation.Operation)
	if root == nil {
		return s
	}
	c := newCompiler(schema, fragments, s)
	s.byName = c.byName
	s.root = c.node([]selection{{set: operation.SelectionSet, parent: root, types: []int{c.typeIndex(root)}}})
	if !c.overflow {
		c.closeBelow()
	}
	if c.overflow || len(s.types) > maxTracked {
		s.root, s.broken = nil, true
		for _, d := range schema.Types {
			if d.Kind == ast.Object && !strings.HasPrefix(d.Name, "__") {
				c.typeIndex(d)
			}
		}
	}
	return s
}
