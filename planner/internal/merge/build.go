package merge

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

// record is one field as far as merging is concerned; two that are equal but for node never conflict.
type record struct {
	name   int32 // response name
	parent int32 // the object type it stands on; 0: an interface, a union, or not known
	field  int32 // name and arguments
	shape  int32 // type of the result, composite types taken for one; 0: not known
	sub    int32 // selection set, -1: none
	node   int32 // a field that gave this record
}

func compareRecords(a, b record) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.parent, b.parent), cmp.Compare(a.field, b.field), cmp.Compare(a.shape, b.shape), cmp.Compare(a.sub, b.sub))
}

func sameRecord(a, b record) bool {
	a.node = b.node
	return a == b
}

// set is a selection set with its inline fragments written out: sorted, each record and fragment once. Sets of equal
// content are one.
type set struct {
	records []record
	spreads []int32
}

type node struct {
	field *ast.Field
	typ   *ast.Type // nil: not known
}

type place struct {
	parent *ast.Definition
	name   string
}

type definition struct {
	typ   *ast.Type
	named *ast.Definition
	shape int32
}

// builder turns a document into sets, innermost first.
type builder struct {
	schema    *ast.Schema
	fragments map[string]int32
	known     map[place]definition
	texts     map[string]int32 // response names, fields, shapes and object types, each kind under a prefix of its own
	contents  map[string]int32 // content of a set to its id
	names     []string         // response names by id

	sets         []set
	nodes        []node
	roots        []int32 // sets of the operations
	fragmentSets []int32
	spread       []bool // the fragment is spread by another fragment
	buf          []byte
}

func newBuilder(schema *ast.Schema, doc *ast.QueryDocument) *builder {
	b := &builder{
		schema: schema, fragments: make(map[string]int32, len(doc.Fragments)), known: map[place]definition{},
		texts: map[string]int32{}, contents: map[string]int32{}, names: []string{""},
	}
	b.texts["\x00"] = 0
	var fragments []*ast.FragmentDefinition
	for _, f := range doc.Fragments {
		if _, twice := b.fragments[f.Name]; !twice {
			b.fragments[f.Name] = int32(len(fragments))
			fragments = append(fragments, f)
		}
	}
	b.spread = make([]bool, len(fragments))
	for _, f := range fragments {
		id := b.set(f.SelectionSet, b.typeNamed(f.TypeCondition), true)
		b.fragmentSets = append(b.fragmentSets, id)
	}
	for _, op := range doc.Operations {
		b.roots = append(b.roots, b.set(op.SelectionSet, document.Root(b.schema, op.Operation), false))
	}
	return b
}

func (b *builder) typeNamed(name string) *ast.Definition {
	if b.schema == nil {
		return nil
	}
	return b.schema.Types[name]
}

// set builds the set of a selection set on parent and returns its id.
func (b *builder) set(selections ast.SelectionSet, parent *ast.Definition, inFragment bool) int32 {
	var s set
	b.flatten(&s, selections, parent, inFragment)
	slices.SortFunc(s.records, compareRecords)
	s.records = slices.CompactFunc(s.records, sameRecord)
	slices.Sort(s.spreads)
	s.spreads = slices.Compact(s.spreads)

	key := b.buf[:0]
	for _, r := range s.records {
		for _, x := range [...]int32{r.name, r.parent, r.field, r.shape, r.sub} {
			key = binary.LittleEndian.AppendUint32(key, uint32(x))
		}
	}
	key = append(key, 0)
	for _, f := range s.spreads {
		key = binary.LittleEndian.AppendUint32(key, uint32(f))
	}
	b.buf = key
	if id, known := b.contents[string(key)]; known {
		return id
	}
	id := int32(len(b.sets))
	b.contents[string(key)] = id
	b.sets = append(b.sets, s)
	return id
}

func (b *builder) flatten(s *set, selections ast.SelectionSet, parent *ast.Definition, inFragment bool) {
	for _, sel := range selections {
		switch sel := sel.(type) {
		case *ast.Field:
			s.records = append(s.records, b.record(sel, parent, inFragment))
		case *ast.InlineFragment:
			on := parent
			if sel.TypeCondition != "" {
				on = b.typeNamed(sel.TypeCondition)
			}
			b.flatten(s, sel.SelectionSet, on, inFragment)
		case *ast.FragmentSpread:
			if f, known := b.fragments[sel.Name]; known {
				s.spreads = append(s.spreads, f)
				if inFragment {
					b.spread[f] = true
				}
			}
		}
	}
}

func (b *builder) record(f *ast.Field, parent *ast.Definition, inFragment bool) record {
	d := b.definition(place{parent, f.Name})
	r := record{name: b.responseName(f), shape: d.shape, sub: -1, node: int32(len(b.nodes))}
	b.nodes = append(b.nodes, node{f, d.typ})
	if parent != nil && parent.Kind == ast.Object {
		r.parent = b.text('o', parent.Name)
	}
	b.buf = appendField(append(b.buf[:0], 'f'), f)
	r.field = b.intern()
	if len(f.SelectionSet) > 0 {
		r.sub = b.set(f.SelectionSet, d.named, inFragment)
	}
	return r
}

func (b *builder) responseName(f *ast.Field) int32 {
	name := document.ResponseName(f)
	id := b.text('n', name)
	for len(b.names) <= int(id) {
		b.names = append(b.names, "")
	}
	b.names[id] = name
	return id
}

func (b *builder) text(prefix byte, s string) int32 {
	b.buf = append(append(b.buf[:0], prefix), s...)
	return b.intern()
}

// intern returns the number of the text in b.buf; no text has the number 0.
func (b *builder) intern() int32 {
	id, known := b.texts[string(b.buf)]
	if !known {
		id = int32(len(b.texts))
		b.texts[string(b.buf)] = id
	}
	return id
}

// definition finds what is known of a field. The fields of introspection (__typename, __schema, __type) count as not
// known, as they do in other implementations of the rule.
func (b *builder) definition(at place) definition {
	if at.parent == nil || at.parent.Kind != ast.Object && at.parent.Kind != ast.Interface || strings.HasPrefix(at.name, "__") {
		return definition{}
	}
	if d, known := b.known[at]; known {
		return d
	}
	var d definition
	if f := at.parent.Fields.ForName(at.name); f != nil {
		d.typ = f.Type
		d.named = b.typeNamed(f.Type.Name())
		b.buf = b.appendShape(append(b.buf[:0], 's'), f.Type)
		d.shape = b.intern()
	}
	b.known[at] = d
	return d
}

func (b *builder) appendShape(dst []byte, t *ast.Type) []byte {
	if t.NonNull {
		dst = append(dst, '!')
	}
	if t.Elem != nil {
		return b.appendShape(append(dst, '['), t.Elem)
	}
	if d := b.typeNamed(t.NamedType); d != nil && d.IsCompositeType() {
		return dst
	}
	return append(dst, t.NamedType...)
}
