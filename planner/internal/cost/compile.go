package cost

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

const (
	// maxWork bounds the steps of Compile. An operation that needs more costs the maximum.
	maxWork = 1 << 19
	// maxTerms bounds the fields whose cost depends on variables, each counted once for each type it costs differently on,
	// and so the time of Evaluate.
	maxTerms = 1 << 14
)

// Compile builds the formula of op, a validated operation of doc. Fields that are merged into one in the response cost once.
// A selection whose @skip or @include depends on a variable is priced by the variable's value. Introspection fields cost 1
// each, whatever is selected of them. A weight of the schema that is not one counts as absent.
func Compile(schema *ast.Schema, doc *ast.QueryDocument, op *ast.OperationDefinition) *Formula {
	f := &Formula{root: operand{Cost{Type: 1}, -1}, variables: map[string]int32{}}
	root := document.Root(schema, op.Operation)
	if root == nil {
		return f
	}
	c := &compiler{
		schema: schema, f: f, b: newBuilder(schema, doc.Fragments, f.variables), weights: weights{schema: schema, types: map[string]float64{}},
		inputTypes: map[string]int32{}, defaults: map[*ast.FieldDefinition]float64{}, memo: map[string]operand{}, equal: map[string]int32{},
		fields: map[place]*fieldInfo{}, sized: map[sizedCall]sizedResult{}, sizings: []sizing{{}}, left: maxWork,
	}
	set := c.b.set(op.SelectionSet)
	f.root = c.node(root, 0, []part{{set, 0}})
	if c.left < 0 || len(f.terms) > maxTerms {
		return &Formula{root: operand{Cost{ceiling, ceiling}, -1}}
	}
	return f.compact()
}

// part is a selection set and the conditions under which it counts.
type part struct{ set, guard int32 }

// sizing is what a field with sizedFields says of the lists behind it.
type sizing struct {
	fields  []string
	known   float64
	dynamic int32 // of c.f.sizes, -1: known
}

type place struct {
	parent *ast.Definition
	name   string
}

// fieldInfo is what is known of a field, looked up once.
type fieldInfo struct {
	def    *ast.FieldDefinition
	typ    *ast.Definition
	weight float64
	lists  int // levels of list
	size   listSize
	sized  bool // it has a size
}

type compiler struct {
	schema     *ast.Schema
	f          *Formula
	b          *builder
	weights    weights
	inputTypes map[string]int32
	defaults   map[*ast.FieldDefinition]float64
	memo       map[string]operand
	equal      map[string]int32 // nodes by content
	fields     map[place]*fieldInfo
	sized      map[sizedCall]sizedResult
	sizings    []sizing
	left       int
}

func (c *compiler) spend(n int) bool {
	c.left -= n
	return c.left >= 0
}

// node compiles one value of object type t with the parts selected of it.
func (c *compiler) node(t *ast.Definition, sized int32, parts []part) operand {
	if !c.spend(1 + len(parts)) {
		return operand{node: -1}
	}
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.set, b.set), cmp.Compare(a.guard, b.guard)) })
	parts = slices.Compact(parts)
	key := append([]byte(t.Name), 0)
	key = binary.LittleEndian.AppendUint32(key, uint32(sized))
	for _, p := range parts {
		key = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(key, uint32(p.set)), uint32(p.guard))
	}
	if known, ok := c.memo[string(key)]; ok {
		return known
	}
	c.memo[string(key)] = operand{node: -1} // ends cycles
	n := node{known: Cost{Type: c.weights.typ(t.Name)}}
	var terms []term
	records := c.collect(t, parts)
	for lo := 0; lo < len(records); {
		hi := lo + 1
		for hi < len(records) && records[hi].name == records[lo].name {
			hi++
		}
		outer := c.sizings[sized]
		terms = c.term(t, &outer, records[lo:hi], &n, terms)
		lo = hi
	}
	out := operand{n.known, -1}
	if len(terms) > 0 {
		out = operand{node: c.share(n, terms)}
	}
	c.memo[string(key)] = out
	return out
}

// collect gathers the records of the parts, and of the fragments spread in them, that apply to t, sorted by name.
func (c *compiler) collect(t *ast.Definition, parts []part) []record {
	var out []record
	seen := map[part]struct{}{}
	for stack := slices.Clone(parts); len(stack) > 0; {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if _, before := seen[p]; before {
			continue
		}
		seen[p] = struct{}{}
		s := &c.b.sets[p.set]
		if !c.spend(1 + len(s.records) + len(s.spreads)) {
			return nil
		}
		for _, r := range s.records {
			if c.b.filters.lets(r.on, t) {
				if r.guard = c.b.conditions.and(p.guard, r.guard); r.guard >= 0 {
					r.on = 0
					out = append(out, r)
				}
			}
		}
		for _, x := range s.spreads {
			if c.b.filters.lets(x.on, t) {
				if g := c.b.conditions.and(p.guard, x.guard); g >= 0 {
					stack = append(stack, part{c.b.fragmentSets[x.fragment], g})
				}
			}
		}
	}
	slices.SortFunc(out, compareRecords)
	return slices.Compact(out)
}

func (c *compiler) info(at place) *fieldInfo {
	if x, known := c.fields[at]; known {
		return x
	}
	x := &fieldInfo{def: at.parent.Fields.ForName(at.name)}
	c.fields[at] = x
	if x.def == nil {
		return x
	}
	x.typ = c.schema.Types[x.def.Type.Name()]
	x.weight = c.weights.place(x.def.Directives, x.def.Type)
	for t := x.def.Type; t.Elem != nil; t = t.Elem {
		x.lists++
	}
	x.size, x.sized = readListSize(x.def)
	for _, name := range at.parent.Interfaces {
		if x.sized {
			break
		}
		if i := c.schema.Types[name]; i != nil {
			if d := i.Fields.ForName(at.name); d != nil {
				x.size, x.sized = readListSize(d)
			}
		}
	}
	return x
}
