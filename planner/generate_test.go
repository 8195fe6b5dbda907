package planner

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// documents generates random documents over a schema: most of them valid, many with one mistake of the kinds that clients make.
type documents struct {
	r         *rand.Rand
	schema    *ast.Schema
	variables map[string]string // name: type
	fragments []string
	depth     int
	mistakes  int // one in so many places is wrong; 0: none
}

func (g *documents) oneIn(n int) bool { return g.r.IntN(n) == 0 }

func (g *documents) wrong() bool { return g.mistakes > 0 && g.oneIn(g.mistakes) }

func pick[T any](g *documents, list ...T) T { return list[g.r.IntN(len(list))] }

// document returns one document.
func (g *documents) document() string {
	g.variables, g.fragments = map[string]string{}, nil
	root, keyword := g.schema.Query, "query"
	switch g.r.IntN(10) {
	case 0:
		root, keyword = g.schema.Mutation, "mutation"
	case 1:
		root, keyword = g.schema.Subscription, "subscription"
	}
	var body string
	if keyword == "subscription" && !g.wrong() {
		body = "{" + pick(g, "cityChanged(id: 4) { id name }", "tick", "a: tick(every: 2)", "...S") + "}"
		if strings.Contains(body, "...S") {
			g.fragments = append(g.fragments, "fragment S on Subscription { tick }")
		}
	} else {
		body = g.set(root, 0)
	}
	var defs []string
	for name, typ := range g.variables {
		def := "$" + name + ": " + typ
		if g.wrong() {
			def = "$" + name + ": " + pick(g, "Int", "[String!]", "Missing", "City", "CityFilter!", "By")
		}
		if g.oneIn(12) {
			def += " = " + pick(g, "null", "1", `"a"`, "[1]", "{max: 2}", "METRIC")
		}
		if g.oneIn(20) {
			def += pick(g, " @once", " @once(n: 1)", " @mark(name: \"a\")", " @deprecated")
		}
		defs = append(defs, def)
	}
	if g.wrong() {
		defs = append(defs, pick(g, "$unused: Int", "$twice: Int, $twice: Int"))
	}
	head := keyword
	if g.oneIn(2) {
		head += " Op"
	}
	if len(defs) > 0 {
		head += "(" + strings.Join(defs, ", ") + ")"
	}
	if g.oneIn(15) {
		head += pick(g, ` @mark(name: "q")`, " @skip(if: true)", " @missing")
	}
	if head == "query" && g.oneIn(2) {
		head = ""
	}
	parts := append([]string{head + " " + body}, g.fragments...)
	if g.wrong() {
		parts = append(parts, pick(g, "fragment Unused on City { id }", "query Other { now }", "{ now }", "fragment Loop on City { ...Loop }", "type X { a: Int }"))
	}
	g.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return strings.Join(parts, pick(g, "\n", " ", "\n# and\n"))
}

func (g *documents) set(d *ast.Definition, depth int) string {
	var out []string
	for range 1 + g.r.IntN(3) {
		out = append(out, g.selection(d, depth))
	}
	return "{ " + strings.Join(out, pick(g, " ", ", ", "\n")) + " }"
}

func (g *documents) selection(d *ast.Definition, depth int) string {
	switch {
	case g.oneIn(12):
		return "__typename"
	case g.oneIn(6):
		on := g.narrower(d)
		spread := "..."
		if on != d || g.oneIn(2) {
			spread += " on " + on.Name
		}
		if g.wrong() {
			spread = "... on " + pick(g, "Robot", "Unit", "Missing", "CityFilter", "City")
		}
		return spread + g.directives() + " " + g.set(on, depth)
	case g.oneIn(6) && len(g.fragments) < 4:
		on := g.narrower(d)
		name := fmt.Sprint("F", len(g.fragments))
		g.fragments = append(g.fragments, "")
		i := len(g.fragments) - 1
		g.fragments[i] = "fragment " + name + " on " + on.Name + " " + g.set(on, depth+1)
		if g.wrong() {
			return "...Missing"
		}
		return "..." + name + g.directives()
	}
	return g.field(d, depth)
}

func (g *documents) narrower(d *ast.Definition) *ast.Definition {
	options := []*ast.Definition{d}
	options = append(append(options, g.schema.GetPossibleTypes(d)...), g.schema.GetImplements(d)...)
	return options[g.r.IntN(len(options))]
}

func (g *documents) field(d *ast.Definition, depth int) string {
	var fields []*ast.FieldDefinition
	for _, f := range d.Fields {
		composite := g.schema.Types[f.Type.Name()].IsCompositeType()
		if !strings.HasPrefix(f.Name, "__") && (!composite || depth < 4) {
			fields = append(fields, f)
		}
	}
	if g.wrong() {
		return pick(g, "missing", "id(x: 1)", "name { a }", "id: name", "__schema { types { name } }", "area(unit: WRONG)", "city", "a: b: c", "@skip")
	}
	if len(fields) == 0 {
		return "__typename"
	}
	f := fields[g.r.IntN(len(fields))]
	out := f.Name
	if g.oneIn(4) {
		out = pick(g, "a", "b", "name", f.Name) + ": " + out
	}
	var args []string
	for _, a := range f.Arguments {
		required := a.Type.NonNull && a.DefaultValue == nil
		if required && !g.wrong() || !required && g.oneIn(2) {
			args = append(args, a.Name+": "+g.value(a.Type, a.DefaultValue != nil))
		}
	}
	if g.wrong() {
		args = append(args, pick(g, "nope: 1", "id: 1, id: 2", "id: null"))
	}
	g.r.Shuffle(len(args), func(i, j int) { args[i], args[j] = args[j], args[i] })
	if len(args) > 0 {
		out += "(" + strings.Join(args, ", ") + ")"
	}
	out += g.directives()
	if composite := g.schema.Types[f.Type.Name()]; composite.IsCompositeType() && !g.wrong() {
		out += " " + g.set(composite, depth+1)
	}
	return out
}

func (g *documents) directives() string {
	if !g.oneIn(10) {
		return ""
	}
	if g.wrong() {
		return pick(g, " @missing", " @once @once", " @skip", ` @skip(if: "yes")`, " @mark(name: 1)", " @cost(weight: \"1\")", " @include(if: true, if: false)")
	}
	return pick(g, " @skip(if: true)", " @include(if: false)", ` @mark(name: "a") @mark(name: "b")`, " @once(n: 3)", " @skip(if: "+g.variable("Boolean!")+")")
}

func (g *documents) variable(typ string) string {
	for name, t := range g.variables {
		if t == typ {
			return "$" + name
		}
	}
	name := fmt.Sprint("v", len(g.variables))
	g.variables[name] = typ
	return "$" + name
}

func (g *documents) value(t *ast.Type, defaulted bool) string {
	if g.wrong() {
		return pick(g, "null", "1", `"a"`, "RED", "{}", "[]", "1.5", "true", "2147483648", "-2147483649", "99999999999999999999", "$undefined", `{a: 1, a: 2}`, "METRIC", `"""b"""`)
	}
	if g.oneIn(5) {
		typ := t.String()
		if defaulted && t.NonNull && g.oneIn(2) {
			typ = strings.TrimSuffix(typ, "!") // allowed: the place has a default
		}
		return g.variable(typ)
	}
	if !t.NonNull && g.oneIn(10) {
		return "null"
	}
	if t.Elem != nil {
		if g.oneIn(4) {
			return g.value(t.Elem, false)
		}
		var items []string
		for range g.r.IntN(3) {
			items = append(items, g.value(t.Elem, false))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	switch t.NamedType {
	case "Int":
		return pick(g, "0", "7", "-1", "2147483647", "-2147483648")
	case "Float":
		return pick(g, "0", "1.5", "-2e-3", "17", "3e10")
	case "String":
		return pick(g, `""`, `"a\"b\\"`, `"é\u00e9"`, `"""block "quoted" """`, `"\u{1F600}"`)
	case "ID":
		return pick(g, `"4"`, "4", `"x-1"`)
	case "Boolean":
		return pick(g, "true", "false")
	case "Date":
		return pick(g, `"2026-01-01"`, "5", "{y: 2026, m: [1]}", "E")
	case "Unit":
		return pick(g, "METRIC", "IMPERIAL", "NAUTICAL")
	case "By":
		return pick(g, "{id: 4}", `{name: "x"}`, "{code: 5}", "{id: "+g.variable("ID!")+"}")
	}
	var members []string
	for _, f := range g.schema.Types[t.NamedType].Fields {
		if g.depth < 3 && (f.Type.NonNull || g.oneIn(3)) {
			g.depth++
			members = append(members, f.Name+": "+g.value(f.Type, f.DefaultValue != nil))
			g.depth--
		} else if f.Type.NonNull {
			members = append(members, f.Name+": 1")
		}
	}
	g.r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ", ") + "}"
}
