package shape

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// selection is a selection set together with the type it stands on and the concrete types it applies to.
type selection struct {
	set    ast.SelectionSet
	owner  *ast.Field // the field the set belongs to; nil for the operation
	parent *ast.Definition
	types  []int
}

type compiler struct {
	schema    *ast.Schema
	fragments map[string]*ast.FragmentDefinition
	shape     *Shape
	byName    map[string]int
	concrete  map[string][]int // of interfaces and unions
	ids       map[*ast.Field]int
	nodes     map[string]*node
	all       []*node
	work      int
	overflow  bool
}

func newCompiler(schema *ast.Schema, fragments ast.FragmentDefinitionList, s *Shape) *compiler {
	c := &compiler{
		schema: schema, shape: s, fragments: map[string]*ast.FragmentDefinition{}, byName: map[string]int{},
		ids: map[*ast.Field]int{}, concrete: map[string][]int{}, nodes: map[string]*node{},
	}
	for _, f := range fragments {
		c.fragments[f.Name] = f
	}
	return c
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
	c.shape.types = append(c.shape.types, typeInfo{
		name: d.Name, unknown: d.Name + ":?", list: "list:" + d.Name, prefix: d.Name + ":", key: keyField(d),
		root: d == c.schema.Query || d == c.schema.Mutation || d == c.schema.Subscription, templates: templates(d),
	})
	return i
}

// keyField names the field that identifies an entity: that of the first @key on a single field, else id.
func keyField(d *ast.Definition) string {
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

// templates reads the formats of @cacheTag on a type. Those that ask for anything but the key of keyField cannot be filled in from a response,
// and are left out.
func templates(d *ast.Definition) [][]string {
	var out [][]string
	place := "{$key." + keyField(d) + "}"
	for _, dir := range d.Directives {
		if dir.Name != "cacheTag" {
			continue
		}
		if arg := dir.Arguments.ForName("format"); arg != nil && arg.Value != nil {
			texts := strings.Split(arg.Value.Raw, place)
			if !strings.Contains(strings.Join(texts, ""), "{$") {
				out = append(out, texts)
			}
		}
	}
	return out
}

// possible lists the concrete types of a composite type; nil for others.
func (c *compiler) possible(d *ast.Definition) []int {
	switch {
	case d == nil:
		return nil
	case d.Kind == ast.Object:
		return []int{c.typeIndex(d)}
	case d.Kind != ast.Interface && d.Kind != ast.Union:
		return nil
	}
	if out, ok := c.concrete[d.Name]; ok {
		return out
	}
	var out []int
	for _, p := range c.schema.GetPossibleTypes(d) {
		if p.Kind == ast.Object {
			out = append(out, c.typeIndex(p))
		}
	}
	slices.Sort(out)
	c.concrete[d.Name] = slices.Compact(out)
	return c.concrete[d.Name]
}

// intersect merges two sorted lists.
func intersect(a, b []int) []int {
	var out []int
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			out = append(out, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return out
}

func typesKey(types []int) string {
	b := make([]byte, 0, 4*len(types))
	for _, t := range types {
		b = append(strconv.AppendInt(b, int64(t), 10), ' ')
	}
	return string(b)
}

// gathering collects the fields of one node.
type gathering struct {
	node     *node
	children [][]selection // per field, the selection sets to merge into its child
	seen     map[string]struct{}
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
		key.WriteString(strconv.Itoa(id) + ":" + p.parent.Name + ":" + typesKey(p.types) + ";")
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
	g := &gathering{node: n, seen: map[string]struct{}{}}
	for _, p := range parts {
		c.spend(len(p.types))
		n.types = append(n.types, p.types...)
		c.gather(g, p.set, p.parent, p.types)
	}
	slices.Sort(n.types)
	n.types = slices.Compact(n.types)
	for _, t := range n.types {
		n.keyless = n.keyless || c.shape.types[t].key == ""
	}
	if n.keys > maxKeys {
		n.keys = 0
		for i := range n.fields {
			n.fields[i].slot, n.fields[i].keyOf = 0, nil
		}
	}
	for i := range n.fields {
		if n.fields[i].slot > 0 {
			n.keyFields = append(n.keyFields, i)
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
			key := s.Name + "/" + typesKey(types)
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
		types = intersect(types, c.possible(parent))
	}
	c.spend(len(types))
	if len(types) > 0 {
		c.gather(g, set, parent, types)
	}
}

func (c *compiler) field(g *gathering, f *ast.Field, parent *ast.Definition, types []int) {
	key := f.Alias
	if key == "" {
		key = f.Name
	}
	n := g.node
	i, known := n.index[key]
	if !known {
		i = len(n.fields)
		n.index[key] = i
		n.fields = append(n.fields, fieldShape{key: key})
		g.children = append(g.children, nil)
	}
	fs := &n.fields[i]
	if f.Name == "__typename" {
		fs.typename = true
		return
	}
	for _, t := range types {
		if c.shape.types[t].key == f.Name && !slices.Contains(fs.keyOf, t) {
			if fs.slot == 0 {
				n.keys++
				fs.slot = n.keys
			}
			fs.keyOf = append(fs.keyOf, t)
		}
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
	out := append([]int{}, n.types...)
	n.below = out
	if n.keyless {
		for _, f := range n.fields {
			if f.child != nil {
				out = append(out, c.below(f.child)...)
			}
		}
	}
	slices.Sort(out)
	n.below = slices.Compact(out)
	return n.below
}
