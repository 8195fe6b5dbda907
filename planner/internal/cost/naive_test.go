package cost

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"github.com/weirproxy/weir/planner/internal/coerce"
	"github.com/weirproxy/weir/planner/internal/gqltest"
)

// naive prices an operation by walking the document with the variables at hand.
type naive struct {
	schema *ast.Schema
	doc    *ast.QueryDocument
	vars   map[string]any // after defaults
}

func (n *naive) weight(list ast.DirectiveList, t *ast.Type) float64 {
	if d := list.ForName("cost"); d != nil {
		x, _ := strconv.ParseFloat(d.Arguments.ForName("weight").Value.Raw, 64)
		return x
	}
	return composite(n.schema.Types[t.Name()])
}

func (n *naive) resolved(list ast.DirectiveList) bool {
	for _, d := range list {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		if b, ok := n.value(d.Arguments.ForName("if").Value).(bool); ok && b == (d.Name == "skip") {
			return false
		}
	}
	return true
}

func (n *naive) collect(out []*ast.Field, set ast.SelectionSet, t *ast.Definition, seen map[string]bool) []*ast.Field {
	applies := func(condition string) bool {
		return condition == "" || slices.Contains(possible(n.schema, n.schema.Types[condition]), t)
	}
	for _, sel := range set {
		switch s := sel.(type) {
		case *ast.Field:
			if n.resolved(s.Directives) {
				out = append(out, s)
			}
		case *ast.InlineFragment:
			if n.resolved(s.Directives) && applies(s.TypeCondition) {
				out = n.collect(out, s.SelectionSet, t, seen)
			}
		case *ast.FragmentSpread:
			f := n.doc.Fragments.ForName(s.Name)
			if n.resolved(s.Directives) && applies(f.TypeCondition) && !seen[s.Name] {
				seen[s.Name] = true
				out = n.collect(out, f.SelectionSet, t, seen)
			}
		}
	}
	return out
}

type absent struct{}

func (n *naive) value(v *ast.Value) any {
	switch v.Kind {
	case ast.Variable:
		if x, ok := n.vars[v.Raw]; ok {
			return x
		}
		return absent{}
	case ast.IntValue, ast.FloatValue:
		x, _ := strconv.ParseFloat(v.Raw, 64)
		return x
	case ast.BooleanValue:
		return v.Raw == "true"
	case ast.NullValue:
		return nil
	case ast.ListValue:
		list := []any{}
		for _, c := range v.Children {
			list = append(list, n.value(c.Value))
		}
		return list
	case ast.ObjectValue:
		object := map[string]any{}
		for _, c := range v.Children {
			object[c.Name] = n.value(c.Value)
		}
		return object
	}
	return v.Raw
}

// given is the value of an argument or input field, its default filled in.
func (n *naive) given(x any, present bool, def *ast.Value) any {
	if _, none := x.(absent); !present || none {
		if def == nil {
			return absent{}
		}
		return n.value(def)
	}
	return x
}

func (n *naive) input(t *ast.Type, x any) float64 {
	d := n.schema.Types[t.Name()]
	if d.Kind != ast.InputObject {
		return 0
	}
	sum := 0.0
	switch x := x.(type) {
	case []any:
		for _, e := range x {
			sum += n.input(t, e)
		}
	case map[string]any:
		for _, f := range d.Fields {
			inner, ok := x[f.Name]
			inner = n.given(inner, ok, f.DefaultValue)
			if _, none := inner.(absent); !none {
				sum += n.weight(f.Directives, f.Type) + n.input(f.Type, inner)
			}
		}
	}
	return sum
}

func (n *naive) argument(f *ast.Field, def *ast.ArgumentDefinition) any {
	a := f.Arguments.ForName(def.Name)
	if a == nil {
		return n.given(nil, false, def.DefaultValue)
	}
	return n.given(n.value(a.Value), true, def.DefaultValue)
}

func (n *naive) size(l listSize, f *ast.Field, def *ast.FieldDefinition) float64 {
	greatest := -1.0
	for _, name := range l.slicing {
		path := strings.Split(name, ".")
		x := n.argument(f, def.Arguments.ForName(path[0]))
		for _, p := range path[1:] {
			object, _ := x.(map[string]any)
			x = object[p]
		}
		switch x := x.(type) {
		case float64:
			greatest = max(greatest, x)
		case []any:
			greatest = max(greatest, float64(len(x)))
		}
	}
	switch {
	case greatest >= 0:
		return greatest
	case l.assumed >= 0:
		return l.assumed
	}
	return DefaultListSize
}

func (n *naive) object(t *ast.Definition, sets []ast.SelectionSet, sized map[string]float64) Cost {
	w := 1.0
	if d := t.Directives.ForName("cost"); d != nil {
		w, _ = strconv.ParseFloat(d.Arguments.ForName("weight").Value.Raw, 64)
	}
	sum := Cost{Type: w}
	groups := map[string][]*ast.Field{}
	seen := map[string]bool{}
	for _, set := range sets {
		for _, f := range n.collect(nil, set, t, seen) {
			groups[f.Alias] = append(groups[f.Alias], f)
		}
	}
	for _, g := range groups {
		if strings.HasPrefix(g[0].Name, "__") {
			continue
		}
		n.field(&sum, t, g, sized)
	}
	return sum
}

func (n *naive) field(sum *Cost, t *ast.Definition, g []*ast.Field, sized map[string]float64) {
	f := g[0]
	def := t.Fields.ForName(f.Name)
	call := n.weight(def.Directives, def.Type)
	for _, a := range def.Arguments {
		x := n.argument(f, a)
		if _, none := x.(absent); !none {
			call += n.weight(a.Directives, a.Type) + n.input(a.Type, x)
		}
	}
	l, has := readListSize(def)
	for _, i := range t.Interfaces {
		if d := n.schema.Types[i].Fields.ForName(f.Name); d != nil && !has {
			l, has = readListSize(d)
		}
	}
	inner := map[string]float64{}
	own := float64(DefaultListSize)
	if x, outer := sized[f.Name]; outer {
		own = x
	}
	if has {
		s := n.size(l, f, def)
		for _, name := range l.sized {
			inner[name] = s
		}
		if len(l.sized) == 0 {
			own = s
		}
	}
	count := 1.0
	for x := def.Type; x.Elem != nil; x = x.Elem {
		count *= own
		own = DefaultListSize
	}
	var value Cost
	target := n.schema.Types[def.Type.Name()]
	var sets []ast.SelectionSet
	for _, one := range g {
		sets = append(sets, one.SelectionSet)
	}
	if d := target.Directives.ForName("cost"); target.IsLeafType() && d != nil {
		value.Type, _ = strconv.ParseFloat(d.Arguments.ForName("weight").Value.Raw, 64)
	}
	for _, p := range possible(n.schema, target) {
		x := n.object(p, sets, inner)
		value.Type, value.Field = max(value.Type, x.Type), max(value.Field, x.Field)
	}
	sum.Type += count * value.Type
	sum.Field += max(call, 0) + count*value.Field
}

// writer writes valid operations on the shop, with the variables it uses.
type writer struct {
	r      *rand.Rand
	schema *ast.Schema
	left   int
}

// The arguments of each field are always the same, so that fields merge.
var shopArguments = map[string][]string{
	"node": {"(id: 1)"}, "nodes": {"(ids: $ids)", "(ids: [1, 2])"}, "related": {"(first: $n)", ""}, "items": {"(first: $n, page: $range)", "(page: {from: 1, next: $range})", ""},
	"search": {"(in: $range, n: $x)", "(list: [{to: 1}, $one])", "(list: $list)"}, "_entities": {"(representations: $ids2)"},
}

func (w *writer) set(t *ast.Definition, depth int, fragments int) string {
	var parts []string
	for range 1 + w.r.IntN(3) {
		w.left--
		condition := []string{"", "", "", " @include(if: $yes)", " @skip(if: $maybe)", " @include(if: $maybe)"}[w.r.IntN(6)]
		switch k := w.r.IntN(8); {
		case k < 2 && depth < 5:
			on := []string{"Book", "Film", "Page", "Node", "Item"}[w.r.IntN(5)]
			if t.Name == "Query" || w.r.IntN(4) == 0 {
				on = t.Name
			}
			if d := w.schema.Types[on]; overlap(w.schema, d, t) {
				parts = append(parts, "... on "+on+condition+" {"+w.set(d, depth+1, fragments)+"}")
			}
		case k == 2 && fragments < 3 && overlap(w.schema, w.schema.Types[fragmentTypes[fragments]], t):
			parts = append(parts, "...F"+strconv.Itoa(fragments)+condition)
		case len(t.Fields) == 0 || w.r.IntN(10) == 0:
			parts = append(parts, "__typename")
		default:
			f := t.Fields[w.r.IntN(len(t.Fields))]
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			if list := shopArguments[f.Name]; len(list) > 0 {
				n := w.r.IntN(len(list))
				args := list[n]
				parts = append(parts, fmt.Sprintf("%s%d: ", f.Name, n)+f.Name+args+condition+w.behind(f, depth, fragments))
				continue
			}
			parts = append(parts, f.Name+condition+w.behind(f, depth, fragments))
		}
	}
	if len(parts) == 0 {
		return "__typename"
	}
	return strings.Join(parts, " ")
}

var fragmentTypes = []string{"Query", "Book", "Node"}

func (w *writer) behind(f *ast.FieldDefinition, depth, fragments int) string {
	t := w.schema.Types[f.Type.Name()]
	if !t.IsCompositeType() {
		return ""
	}
	if depth > 5 || w.left < 0 {
		return " {__typename}"
	}
	return " {" + w.set(t, depth+1, fragments) + "}"
}

func overlap(schema *ast.Schema, a, b *ast.Definition) bool {
	return slices.ContainsFunc(possible(schema, a), func(t *ast.Definition) bool { return slices.Contains(possible(schema, b), t) })
}

func (w *writer) document() string {
	w.left = 5 + w.r.IntN(25)
	doc := "query ($n: Int, $x: Float, $ids: [ID!], $ids2: [Blob!]!, $range: Range, $one: Range!, $list: [Range!], $yes: Boolean!, $maybe: Boolean!) {" + w.set(w.schema.Query, 0, 0) + "}"
	for i, on := range fragmentTypes {
		doc += fmt.Sprintf(" fragment F%d on %s {%s}", i, on, w.set(w.schema.Types[on], 2, i+1))
	}
	return doc
}

func (w *writer) rangeValue(depth int) map[string]any {
	out := map[string]any{}
	if w.r.IntN(2) == 0 {
		out["from"] = float64(w.r.IntN(5))
	}
	if w.r.IntN(3) == 0 {
		out["page"] = float64(w.r.IntN(50) - 5)
	}
	if depth < 3 && w.r.IntN(2) == 0 {
		out["next"] = w.rangeValue(depth + 1)
	}
	if depth < 3 && w.r.IntN(3) == 0 {
		out["and"] = []any{w.rangeValue(depth + 1), w.rangeValue(depth + 1)}
	}
	return out
}

func (w *writer) variables() map[string]any {
	out := map[string]any{"ids2": []any{map[string]any{}, "x"}, "one": w.rangeValue(0), "yes": true, "maybe": w.r.IntN(2) == 0}
	optional := map[string]any{
		"n": float64(w.r.IntN(30) - 3), "x": float64(w.r.IntN(9)) / 2, "ids": []any{"a", "b", "c"}, "range": w.rangeValue(0), "list": []any{w.rangeValue(1), w.rangeValue(1)},
	}
	for name, x := range optional {
		switch w.r.IntN(4) {
		case 0:
		case 1:
			out[name] = nil
		default:
			out[name] = x
		}
	}
	return out
}

func TestFormulaPricesWhatAWalkPrices(t *testing.T) {
	schema := load(t, shop)
	dynamic, checked := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w := &writer{r: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 3)), schema: schema}
		for range 10 {
			document := w.document()
			doc := gqltest.Document(t, document)
			vars := w.variables()
			text, err := json.Marshal(vars)
			if err != nil {
				rt.Fatal(err)
			}
			c := compiled{Compile(schema, doc, doc.Operations[0]), coerce.Compile(schema, doc.Operations[0].VariableDefinitions)}
			want := (&naive{schema, doc, vars}).object(schema.Query, []ast.SelectionSet{doc.Operations[0].SelectionSet}, nil)
			got := c.price(t, string(text))
			if !close(got.Type, want.Type) || !close(got.Field, want.Field) {
				rt.Fatalf("%s\n%s\n got  %+v\n want %+v", document, text, got, want)
			}
			checked++
			dynamic += min(len(c.formula.nodes), 1)
		}
	})
	t.Logf("%d operations, %d of them with a price that depends on variables", checked, dynamic)
}

func close(a, b float64) bool { return a-b < 1e-6*(a+b+1) && b-a < 1e-6*(a+b+1) }
