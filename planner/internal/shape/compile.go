package shape

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

// selection is a selection set together with the type it stands on and the concrete types it applies to.
type selection struct {
	set    ast.SelectionSet
	owner  *ast.Field // the field the set belongs to; nil for the operation
	parent *ast.Definition
	types  []int
}

type compiler struct {
	schema     *ast.Schema
	fragments  map[string]*ast.FragmentDefinition
	shape      *Shape
	byName     map[string]int
	concrete   map[string][]int // of interfaces and unions
	ids        map[*ast.Field]int
	nodes      map[string]*node
	keys       map[string]struct{} // names of fields that hold the key of some type met
	sets       map[string]int      // numbers of sets of types, by content
	slices     map[setSlice]int    // and by the slice that holds one: most are met many times
	keyTypesOf map[keyName][]int   // the types whose key a field is
	all        []*node
	wide       int // nodes of many types so far
	work       int
	overflow   bool
}

func newCompiler(schema *ast.Schema, fragments ast.FragmentDefinitionList, s *Shape) *compiler {
	return &compiler{
		schema: schema, shape: s, fragments: document.Fragments(fragments), byName: map[string]int{},
		ids: map[*ast.Field]int{}, concrete: map[string][]int{}, nodes: map[string]*node{}, keys: map[string]struct{}{},
		sets: map[string]int{}, slices: map[setSlice]int{}, keyTypesOf: map[keyName][]int{},
	}
}

// spend counts work, so that a small document that expands without end is given up instead.
func (c *compiler) spend(n int) {
	if c.work += n; c.work > maxWork {
		c.overflow = true
	}
}

func (c *compiler) typeIndex(d *ast.Definition) int {
	if i, ok := c.byName[d.Name]; ok {
		return i
	}
	i := len(c.shape.types)
	c.byName[d.Name] = i
	c.keys[KeyField(d)] = struct{}{}
	info := typeInfo{
		name: d.Name, unknown: d.Name + ":?", list: "list:" + d.Name, prefix: d.Name + ":", key: KeyField(d),
		root: d == c.schema.Query || d == c.schema.Mutation || d == c.schema.Subscription,
	}
	info.readTemplates(d)
	c.shape.types = append(c.shape.types, info)
	return i
}

// KeyField names the field that identifies an entity: that of the first @key on a single field, else id.
func KeyField(d *ast.Definition) string {
	for _, dir := range d.Directives {
		if dir.Name != "key" {
			continue
		}
		if arg := dir.Arguments.ForName("fields"); arg != nil && arg.Value != nil {
			if name := strings.TrimSpace(arg.Value.Raw); d.Fields.ForName(name) != nil {
				return name
			}
		}
	}
	if d.Fields.ForName("id") != nil {
		return "id"
	}
	return ""
}

// readTemplates reads the formats of @cacheTag on a type.
func (t *typeInfo) readTemplates(d *ast.Definition) {
	place := "{$key." + t.key + "}"
	for _, dir := range d.Directives {
		if dir.Name != "cacheTag" {
			continue
		}
		if arg := dir.Arguments.ForName("format"); arg != nil && arg.Value != nil {
			texts := strings.Split(arg.Value.Raw, place)
			if strings.Contains(strings.Join(texts, ""), "{$") {
				t.unusable, t.byKey = arg.Value.Raw, true
				continue
			}
			t.templates = append(t.templates, texts)
			t.byKey = t.byKey || len(texts) > 1
		}
	}
}

// gathering collects the fields of one node.
type gathering struct {
	node     *node
	children [][]selection // per field, the selection sets to merge into its child
	keyOf    [][][]int     // per field, sets of types whose key it is
	seen     map[string]struct{}
	keyed    map[keyed]struct{}
}

// keyed is a field of a gathering that was looked at on a set of types.
type keyed struct {
	field int
	name  string
	types int
}

// keyName is a field's name and a set of types.
type keyName struct {
	name  string
	types int
}

// node compiles the merged selection sets. Equal merges share one node, so documents that repeat fragments stay small.
func (c *compiler) node(parts []selection) *node {
	var key strings.Builder
	for _, p := range parts {
		id, ok := c.ids[p.owner]
		if !ok {
			id = len(c.ids) + 1
			c.ids[p.owner] = id
		}
		key.WriteString(strconv.Itoa(id) + ":" + p.parent.Name + ":" + strconv.Itoa(c.setNumber(p.types)) + ";")
	}
	if n := c.nodes[key.String()]; n != nil {
		return n
	}
	n := &node{index: map[string]int{}}
	c.nodes[key.String()] = n
	c.all = append(c.all, n)
	if len(c.all) > maxNodes {
		c.overflow = true
	}
	if c.overflow {
		return n
	}
	g := &gathering{node: n, seen: map[string]struct{}{}, keyed: map[keyed]struct{}{}}
	for _, p := range parts {
		c.gather(g, p.set, p.parent, p.types)
	}
	n.types = c.union(parts)
	if len(n.types) >= manyTypes && c.wide < maxWide {
		c.wide++
		n.wide = c.wide
	}
	for _, t := range n.types {
		n.keyless = n.keyless || c.shape.types[t].key == ""
	}
	usable := n.keys <= maxKeys
	if !usable {
		n.keys = 0
	}
	for i := range n.fields {
		if !usable {
			n.fields[i].slot = 0
		}
		if n.fields[i].slot > 0 {
			n.keyFields = append(n.keyFields, i)
			n.fields[i].keyOf = c.merge(g.keyOf[i])
		}
		if len(g.children[i]) > 0 {
			n.fields[i].child = c.node(g.children[i])
		}
	}
	return n
}

func (c *compiler) gather(g *gathering, set ast.SelectionSet, parent *ast.Definition, types []int) {
	for _, sel := range set {
		if c.spend(1); c.overflow || parent == nil {
			return
		}
		switch s := sel.(type) {
		case *ast.Field:
			c.field(g, s, parent, types)
		case *ast.InlineFragment:
			c.narrowed(g, s.SelectionSet, s.TypeCondition, parent, types)
		case *ast.FragmentSpread:
			f := c.fragments[s.Name]
			key := s.Name + "/" + strconv.Itoa(c.setNumber(types))
			if _, again := g.seen[key]; f == nil || again {
				continue
			}
			g.seen[key] = struct{}{}
			c.narrowed(g, f.SelectionSet, f.TypeCondition, parent, types)
		}
	}
}

func (c *compiler) narrowed(g *gathering, set ast.SelectionSet, condition string, parent *ast.Definition, types []int) {
	if condition != "" && condition != parent.Name {
		parent = c.schema.Types[condition]
		possible := c.possible(parent)
		few, many := min(len(types), len(possible)), max(len(types), len(possible))
		c.spend(min(few*bits.Len(uint(many)), few+many))
		types = intersect(types, possible)
	}
	if len(types) > 0 {
		c.gather(g, set, parent, types)
	}
}

func (c *compiler) field(g *gathering, f *ast.Field, parent *ast.Definition, types []int) {
	key := document.ResponseName(f)
	n := g.node
	i, known := n.index[key]
	if !known {
		i = len(n.fields)
		n.index[key] = i
		n.fields = append(n.fields, fieldShape{key: key})
		g.children, g.keyOf = append(g.children, nil), append(g.keyOf, nil)
	}
	fs := &n.fields[i]
	if f.Name == "__typename" {
		fs.typename = true
		return
	}
	if _, isKey := c.keys[f.Name]; isKey {
		c.keyOf(g, i, f.Name, types)
	}
	def := parent.Fields.ForName(f.Name)
	if def == nil || len(f.SelectionSet) == 0 || strings.HasPrefix(f.Name, "__") {
		return
	}
	child := c.schema.Types[def.Type.Name()]
	if possible := c.possible(child); possible != nil {
		g.children[i] = append(g.children[i], selection{f.SelectionSet, f, child, possible})
	}
}

// keyOf notes of which of the types field i, called name in the schema, holds the key.
func (c *compiler) keyOf(g *gathering, i int, name string, types []int) {
	at := keyed{i, name, c.setNumber(types)}
	if _, again := g.keyed[at]; again {
		return
	}
	g.keyed[at] = struct{}{}
	of := c.keyTypes(name, at.types, types)
	if len(of) == 0 {
		return
	}
	n := g.node
	fs := &n.fields[i]
	if fs.slot == 0 {
		n.keys++
		fs.slot = n.keys
	}
	g.keyOf[i] = append(g.keyOf[i], of)
}

// closeBelow fills node.below by passing types up through nodes without a key until nothing changes; shapes are trees of
// shared nodes without cycles, and parents come before children in c.all.
func (c *compiler) closeBelow() {
	for i := len(c.all) - 1; i >= 0; i-- {
		c.below(c.all[i])
	}
}

func (c *compiler) below(n *node) []int {
	if n.below != nil {
		return n.below
	}
	n.below = n.types
	if !n.keyless || c.overflow {
		return n.below
	}
	out := slices.Clone(n.types)
	for _, f := range n.fields {
		if f.child != nil {
			out = append(out, c.below(f.child)...)
		}
	}
	c.spend(len(out))
	slices.Sort(out)
	n.below = slices.Compact(out)
	return n.below
}
