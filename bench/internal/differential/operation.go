package differential

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// asker makes operations over a schema; not all of them are valid, for response keys may clash.
type asker struct {
	r         *rand.Rand
	schema    *ast.Schema
	defs      []string
	values    map[string]any
	fragments map[string]string // name: definition
	on        map[string]string // name: type
	budget    int               // selections still to come
	count     int
}

// operation is a document with its variables.
type operation struct {
	Query     string
	Variables string // JSON
}

const maxDepth = 6

func makeOperation(r *rand.Rand, schema *ast.Schema) operation {
	a := &asker{r: r, schema: schema, values: map[string]any{}, fragments: map[string]string{}, on: map[string]string{}, budget: 8 + r.IntN(32)}
	head, root := "query", schema.Query
	if schema.Mutation != nil && a.oneIn(6) {
		head, root = "mutation", schema.Mutation
	}
	var body string
	if schema.Subscription != nil && a.oneIn(5) {
		head = "subscription"
		body = "{ " + a.field(schema.Subscription, 0) + " }"
	} else {
		body = a.set(root, 0)
	}
	if len(a.defs) > 0 {
		head += "(" + strings.Join(a.defs, ", ") + ")"
	}
	text := head + " " + body
	names := make([]string, 0, len(a.fragments))
	for name := range a.fragments {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text += "\n" + a.fragments[name]
	}
	values, err := json.Marshal(a.values)
	if err != nil {
		panic("BUG: variables are no JSON: " + err.Error())
	}
	return operation{text, string(values)}
}

func (a *asker) oneIn(n int) bool { return a.r.IntN(n) == 0 }

func (a *asker) set(t *ast.Definition, depth int) string {
	var out []string
	for range 1 + a.r.IntN(4) {
		if s := a.selection(t, depth); s != "" {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		out = append(out, "__typename")
	}
	return "{ " + strings.Join(out, " ") + " }"
}

func (a *asker) selection(t *ast.Definition, depth int) string {
	a.budget--
	switch n := a.r.IntN(20); {
	case n == 0 || t.Kind == ast.Union && n < 5:
		return a.alias(4) + "__typename" + a.directive()
	case n < 4 || t.IsAbstractType() && n < 11 || t.Kind == ast.Union:
		return a.fragment(t, depth)
	}
	return a.field(t, depth)
}

func (a *asker) alias(n int) string {
	if !a.oneIn(n) {
		return ""
	}
	return pick(a.r, []string{"x", "y", "z", "id", "w"}) + ": "
}

func (a *asker) directive() string {
	if !a.oneIn(12) {
		return ""
	}
	name := pick(a.r, []string{"skip", "include"})
	if a.oneIn(2) {
		return fmt.Sprintf(" @%s(if: %t)", name, (name == "skip") == a.oneIn(4))
	}
	return fmt.Sprintf(" @%s(if: $%s)", name, a.variable("Boolean!"))
}

// fragment selects on a type that the objects may have.
func (a *asker) fragment(t *ast.Definition, depth int) string {
	on := a.condition(t)
	if a.oneIn(4) {
		for name, known := range a.on {
			if known == on.Name && a.oneIn(2) {
				return "..." + name + a.directive()
			}
		}
		a.count++
		name := fmt.Sprintf("F%d", a.count)
		a.fragments[name] = "fragment " + name + " on " + on.Name + " " + a.set(on, depth)
		a.on[name] = on.Name
		return "..." + name + a.directive()
	}
	if on == t && a.oneIn(2) {
		return "..." + a.directive() + " " + a.set(t, depth)
	}
	return "... on " + on.Name + a.directive() + " " + a.set(on, depth)
}

// condition returns a type that shares objects with t.
func (a *asker) condition(t *ast.Definition) *ast.Definition {
	possible := a.schema.GetPossibleTypes(t)
	if len(possible) == 0 {
		return t
	}
	o := pick(a.r, possible)
	if a.oneIn(3) {
		list := slices.Clone(a.schema.GetImplements(o))
		if len(list) > 0 {
			return pick(a.r, list)
		}
	}
	if a.oneIn(8) {
		return t
	}
	return o
}

func (a *asker) field(t *ast.Definition, depth int) string {
	var list []*ast.FieldDefinition
	for _, f := range t.Fields {
		if strings.HasPrefix(f.Name, "_") {
			continue
		}
		if composite := a.schema.Types[f.Type.Name()].IsCompositeType(); !composite || depth < maxDepth && a.budget > 0 {
			list = append(list, f)
			if composite {
				list = append(list, f)
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	f := pick(a.r, list)
	alias, args := a.alias(8), a.arguments(f)
	if args != "" {
		a.count++
		alias = fmt.Sprintf("a%d: ", a.count)
	}
	out := alias + f.Name + args + a.directive()
	if def := a.schema.Types[f.Type.Name()]; def.IsCompositeType() {
		out += " " + a.set(def, depth+1)
	}
	return out
}

func (a *asker) arguments(f *ast.FieldDefinition) string {
	var out []string
	for _, d := range f.Arguments {
		if !d.Type.NonNull && a.oneIn(3) {
			continue
		}
		if f.Name != "" && d.Name == "id" && strings.HasPrefix(f.Name, "bump") {
			out = append(out, fmt.Sprintf("id: \"%s-%d\"", f.Type.Name(), a.r.IntN(rowsPerEntity)))
			continue
		}
		if a.oneIn(3) {
			out = append(out, d.Name+": $"+a.variable(d.Type.String()))
			continue
		}
		out = append(out, d.Name+": "+a.literal(d.Type, 0))
	}
	if len(out) == 0 {
		return ""
	}
	return "(" + strings.Join(out, ", ") + ")"
}
