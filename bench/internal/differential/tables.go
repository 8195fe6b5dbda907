package differential

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/zeebo/xxh3"

	"github.com/weirproxy/weir/bench/internal/federated"
	"github.com/weirproxy/weir/bench/internal/subgraphs"
)

// filler makes tables for a schema.
type filler struct {
	r      *rand.Rand
	s      *federated.Schema
	whole  *ast.Schema
	clean  map[string]bool
	faults int // one field in so many fails; 0: none
	data   *subgraphs.Data
	seed   uint64
	// gentle: what must not be null does not fail. A failure would take the object with it, in one answer with what others need of that object.
	gentle bool
}

const (
	rowsPerEntity = 3
	events        = 3 // of each subscription
)

// makeTables makes the same tables for the same seed.
func makeTables(seed uint64, s *federated.Schema, whole *ast.Schema, clean map[string]bool) *subgraphs.Data {
	f := &filler{r: rand.New(rand.NewPCG(seed, 2)), s: s, whole: whole, clean: clean, seed: seed}
	if f.r.IntN(3) == 0 {
		f.faults = 12
	}
	f.gentle = slices.ContainsFunc(s.Types, needsNested)
	f.data = &subgraphs.Data{Rows: map[string][]*subgraphs.Row{}, Objects: map[string][]string{}}
	var entities []*federated.Type
	for _, t := range s.Types {
		switch {
		case t.Kind == ast.Union || t.Kind == ast.Interface:
			f.data.Objects[t.Name] = s.Objects(t.Name)
		case t.Kind == ast.Object && isEntity(t):
			entities = append(entities, t)
			for i := range rowsPerEntity {
				f.data.Rows[t.Name] = append(f.data.Rows[t.Name], &subgraphs.Row{Type: t.Name, Fields: map[string]any{
					"id": fmt.Sprintf("%s-%d", t.Name, i), "code": fmt.Sprintf("c%d", i), "area": fmt.Sprintf("z%d", i%3), "rev": int64(i),
				}})
			}
		}
	}
	for _, t := range entities {
		for i, row := range f.data.Rows[t.Name] {
			f.fill(t, row, strconv.Itoa(i))
		}
	}
	for _, t := range s.Types {
		if !isRoot(t) {
			continue
		}
		f.data.Rows[t.Name] = []*subgraphs.Row{{Type: t.Name, Fields: map[string]any{}}}
		f.fill(t, f.data.Rows[t.Name][0], "")
		for i := 1; t.Name == "Subscription" && i < events; i++ {
			row := &subgraphs.Row{Type: t.Name, Fields: map[string]any{}}
			f.fill(t, row, strconv.Itoa(i))
			f.data.Rows[t.Name] = append(f.data.Rows[t.Name], row)
		}
	}
	return f.data
}

// needsNested tells that a key or @requires of a type selects below objects.
func needsNested(t *federated.Type) bool {
	nested := func(k federated.Key) bool { return strings.Contains(k.Fields, "{") }
	return slices.ContainsFunc(t.Parts, func(p federated.Part) bool { return slices.ContainsFunc(p.Keys, nested) }) ||
		slices.ContainsFunc(t.Fields, func(f *federated.Field) bool {
			return slices.ContainsFunc(f.Parts, func(p federated.FieldPart) bool { return strings.Contains(p.Requires, "{") })
		})
}

func isEntity(t *federated.Type) bool {
	return slices.ContainsFunc(t.Parts, func(p federated.Part) bool { return len(p.Keys) > 0 })
}

func (f *filler) oneIn(n int) bool { return f.r.IntN(n) == 0 }

// fill makes the fields of a row, each from the seed, its name and the row's: what else there is makes no difference.
func (f *filler) fill(t *federated.Type, row *subgraphs.Row, name string) {
	r := f.r
	defer func() { f.r = r }()
	for _, field := range t.Fields {
		if _, ok := row.Fields[field.Name]; ok {
			continue
		}
		f.r = rand.New(rand.NewPCG(f.seed, xxh3.HashString(t.Name+"."+field.Name+"."+name)))
		row.Fields[field.Name] = f.field(t, field)
	}
}

func (f *filler) field(t *federated.Type, field *federated.Field) any {
	def := f.whole.Types[t.Name].Fields.ForName(field.Name)
	if f.faults > 0 && !(f.gentle && strings.Contains(field.Type, "!")) && !f.clean[t.Name+"."+field.Name] && f.oneIn(f.faults) {
		return subgraphs.Fault("no " + t.Name + "." + field.Name)
	}
	owner := f.owner(t, field)
	for i := range owner.Parts {
		if requires := owner.Parts[i].Requires; requires != "" {
			return &subgraphs.Derived{Requires: requires}
		}
	}
	if t.Name == "Mutation" && strings.HasPrefix(field.Name, "note") {
		return subgraphs.Note{}
	}
	if t.Name == "Mutation" {
		return &subgraphs.Change{Type: def.Type.Name(), Field: "rev"}
	}
	if owner.Narrow != "" {
		return f.value(typeOf(owner.Narrow), owner)
	}
	return f.value(def.Type, owner)
}

// owner is the field of the interface, where an interface object resolves it.
func (f *filler) owner(t *federated.Type, field *federated.Field) *federated.Field {
	if len(field.Parts) > 0 {
		return field
	}
	for _, name := range t.Implements() {
		if own := f.s.Type(name).Field(field.Name); own != nil && len(own.Parts) > 0 {
			return own
		}
	}
	return field
}

func (f *filler) value(t *ast.Type, field *federated.Field) any {
	if !t.NonNull && f.oneIn(8) {
		return nil
	}
	if t.Elem != nil {
		list := []any{}
		for range f.r.IntN(4) {
			list = append(list, f.value(t.Elem, field))
		}
		return list
	}
	switch def := f.whole.Types[t.NamedType]; def.Kind {
	case ast.Enum:
		return pick(f.r, def.EnumValues).Name
	case ast.Scalar:
		return f.leaf(t.NamedType)
	case ast.Object:
		return f.object(def.Name)
	default:
		list := f.common(f.s.Type(def.Name), field)
		if len(list) == 0 {
			return nil
		}
		return f.object(pick(f.r, list))
	}
}

// common lists the object types of an abstract type that all graphs know that resolve a field.
func (f *filler) common(t *federated.Type, field *federated.Field) []string {
	list := slices.Clone(f.s.Objects(t.Name))
	for _, p := range field.Parts {
		known := t.In(p.Graph)
		if p.External || known == nil || known.InterfaceObject {
			continue
		}
		list = slices.DeleteFunc(list, func(name string) bool {
			if t.Kind == ast.Union {
				return !slices.Contains(known.Members, name)
			}
			o := f.s.Type(name).In(p.Graph)
			return o == nil || !slices.Contains(o.Implements, t.Name)
		})
	}
	return list
}

func (f *filler) object(name string) *subgraphs.Row {
	if rows := f.data.Rows[name]; rows != nil {
		return pick(f.r, rows)
	}
	row := &subgraphs.Row{Type: name, Fields: map[string]any{}}
	f.fill(f.s.Type(name), row, strconv.Itoa(f.r.IntN(1000)))
	return row
}

func (f *filler) leaf(name string) any {
	switch name {
	case "JSON":
		return json.RawMessage(pick(f.r, rawValues))
	case "Int":
		return int64(f.r.IntN(1000) - 100)
	case "Float":
		return float64(f.r.IntN(1000)) / 8
	case "Boolean":
		return f.oneIn(2)
	case "ID":
		return fmt.Sprintf("i%d", f.r.IntN(1000))
	}
	return fmt.Sprintf("s%d%s", f.r.IntN(1000), pick(f.r, []string{"", "", " é", "\"q\"", "\\", "\n"}))
}
