package cost

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/document"
)

// record is one field of a selection set as far as its cost is concerned.
type record struct {
	name  int32 // response name
	call  int32 // field name, arguments, directives
	on    int32 // types it applies to
	guard int32 // conditions under which it is resolved
	sub   int32 // selection set, -1: none
}

// spread is a fragment spread in a selection set.
type spread struct{ fragment, on, guard int32 }

// set is a selection set with its inline fragments written out; sets of equal content are one.
type set struct {
	records []record
	spreads []spread
}

func compareRecords(a, b record) int {
	return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.call, b.call), cmp.Compare(a.on, b.on), cmp.Compare(a.guard, b.guard), cmp.Compare(a.sub, b.sub))
}

func compareSpreads(a, b spread) int {
	return cmp.Or(cmp.Compare(a.fragment, b.fragment), cmp.Compare(a.on, b.on), cmp.Compare(a.guard, b.guard))
}

// builder turns selection sets into sets, innermost first.
type builder struct {
	fragments    map[string]int32
	fragmentSets []int32
	texts        map[string]int32
	contents     map[string]int32
	sets         []set
	fields       []*ast.Field // by call
	conditions   conditions
	filters      filters
	buf          []byte
}

func newBuilder(schema *ast.Schema, fragments ast.FragmentDefinitionList, variables map[string]int32) *builder {
	b := &builder{
		fragments: make(map[string]int32, len(fragments)), texts: map[string]int32{}, contents: map[string]int32{},
		conditions: newConditions(variables), filters: newFilters(schema),
	}
	var list []*ast.FragmentDefinition
	for _, f := range fragments {
		if _, twice := b.fragments[f.Name]; !twice {
			b.fragments[f.Name] = int32(len(list))
			list = append(list, f)
		}
	}
	for _, f := range list {
		var s set
		b.flatten(&s, f.SelectionSet, b.filters.and(0, f.TypeCondition), 0)
		b.fragmentSets = append(b.fragmentSets, b.intern(s))
	}
	return b
}

func (b *builder) set(selections ast.SelectionSet) int32 {
	var s set
	b.flatten(&s, selections, 0, 0)
	return b.intern(s)
}

// intern gives sets of equal content the same number.
func (b *builder) intern(s set) int32 {
	slices.SortFunc(s.records, compareRecords)
	s.records = slices.Compact(s.records)
	slices.SortFunc(s.spreads, compareSpreads)
	s.spreads = slices.Compact(s.spreads)
	key := b.buf[:0]
	for _, r := range s.records {
		for _, x := range [...]int32{r.name, r.call, r.on, r.guard, r.sub} {
			key = binary.LittleEndian.AppendUint32(key, uint32(x))
		}
	}
	key = append(key, 0)
	for _, x := range s.spreads {
		for _, x := range [...]int32{x.fragment, x.on, x.guard} {
			key = binary.LittleEndian.AppendUint32(key, uint32(x))
		}
	}
	b.buf = key
	n, known := b.contents[string(key)]
	if !known {
		n = int32(len(b.sets))
		b.contents[string(key)] = n
		b.sets = append(b.sets, s)
	}
	return n
}

func (b *builder) flatten(s *set, selections ast.SelectionSet, on, guard int32) {
	for _, sel := range selections {
		switch sel := sel.(type) {
		case *ast.Field:
			if g := b.conditions.and(guard, b.conditions.of(sel.Directives)); g >= 0 {
				b.field(s, sel, on, g)
			}
		case *ast.InlineFragment:
			if g := b.conditions.and(guard, b.conditions.of(sel.Directives)); g >= 0 {
				b.flatten(s, sel.SelectionSet, b.filters.and(on, sel.TypeCondition), g)
			}
		case *ast.FragmentSpread:
			f, known := b.fragments[sel.Name]
			if g := b.conditions.and(guard, b.conditions.of(sel.Directives)); g >= 0 && known {
				s.spreads = append(s.spreads, spread{f, on, g})
			}
		}
	}
}

func (b *builder) field(s *set, f *ast.Field, on, guard int32) {
	if f.Name == "__typename" {
		return // free
	}
	r := record{on: on, guard: guard, sub: -1}
	r.name = b.text(append(append(b.buf[:0], 'n'), document.ResponseName(f)...))
	b.buf = append(append(b.buf[:0], 'c'), f.Name...)
	for _, a := range f.Arguments {
		b.buf = appendArgument(b.buf, '(', a)
	}
	for _, d := range f.Directives {
		if d.Name == "skip" || d.Name == "include" {
			continue
		}
		b.buf = append(append(b.buf, '@'), d.Name...)
		for _, a := range d.Arguments {
			b.buf = appendArgument(b.buf, ',', a)
		}
	}
	r.call = b.text(b.buf)
	for len(b.fields) <= int(r.call) {
		b.fields = append(b.fields, nil)
	}
	if b.fields[r.call] == nil {
		b.fields[r.call] = f
	}
	if len(f.SelectionSet) > 0 && !strings.HasPrefix(f.Name, "__") {
		r.sub = b.set(f.SelectionSet)
	}
	s.records = append(s.records, r)
}

func appendArgument(dst []byte, mark byte, a *ast.Argument) []byte {
	return append(append(append(append(dst, mark), a.Name...), ':'), a.Value.String()...)
}

func (b *builder) text(s []byte) int32 {
	b.buf = s
	n, known := b.texts[string(s)]
	if !known {
		n = int32(len(b.texts))
		b.texts[string(s)] = n
	}
	return n
}

// filters gives numbers to conjunctions of type conditions; 0 lets every type through.
type filters struct {
	schema *ast.Schema
	list   []filter
	known  map[string]int32
}

type filter struct {
	names []string                     // sorted
	types map[*ast.Definition]struct{} // nil: all
}

func newFilters(schema *ast.Schema) filters {
	return filters{schema: schema, list: []filter{{}}, known: map[string]int32{"": 0}}
}

// and adds a condition to a conjunction.
func (f *filters) and(n int32, condition string) int32 {
	if condition == "" || slices.Contains(f.list[n].names, condition) {
		return n
	}
	names := append(slices.Clone(f.list[n].names), condition)
	slices.Sort(names)
	key := strings.Join(names, " ")
	m, known := f.known[key]
	if known {
		return m
	}
	types := map[*ast.Definition]struct{}{}
	if d := f.schema.Types[condition]; d != nil {
		for _, t := range possible(f.schema, d) {
			if f.lets(n, t) {
				types[t] = struct{}{}
			}
		}
	}
	m = int32(len(f.list))
	f.list = append(f.list, filter{names, types})
	f.known[key] = m
	return m
}

func (f *filters) lets(n int32, t *ast.Definition) bool {
	if f.list[n].types == nil {
		return true
	}
	_, in := f.list[n].types[t]
	return in
}

// possible lists the object types of a composite type.
func possible(schema *ast.Schema, d *ast.Definition) []*ast.Definition {
	switch {
	case d.Kind == ast.Object:
		return []*ast.Definition{d}
	case d.IsAbstractType():
		return schema.GetPossibleTypes(d)
	}
	return nil
}
