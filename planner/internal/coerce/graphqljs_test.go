package coerce

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/weirproxy/weir/planner/internal/gqltest"
	"github.com/weirproxy/weir/planner/internal/jsoracle"
)

const oracleSDL = `
scalar Any
enum Color { RED GREEN BLUE }
input Point { x: Int! y: Int = 7 label: String }
input In {
  id: ID! n: Int = 3 f: Float s: String = "d\"q" b: Boolean = false color: Color = RED colors: [Color!] = [GREEN]
  grid: [[Int!]] point: Point = {x: 1} points: [Point!] any: Any req: Int! = 5 next: In
}
input One @oneOf { a: Int b: String p: Point l: [Int!] }
input Nest { in: In = {id: 4, point: {x: 2}} one: One = {a: 1} list: [Point!]! = [{x: 1}, {x: 2, y: null}] any: Any = {k: [1, 2.5, E, "s"]} }
type Query { f: Int }
`

var oracleTypes = []string{
	"Int", "Int!", "[Int]", "[Int!]!", "[[Int]]", "[[Int!]!]", "Float", "Float!", "String", "String!", "[String!]", "Boolean", "Boolean!", "ID", "ID!",
	"[ID!]", "Color", "Color!", "[Color!]", "Any", "Any!", "[Any]", "Point", "Point!", "[Point!]", "In", "In!", "[In!]", "One", "One!", "[One!]", "Nest", "Nest!",
}

var oracleDefaults = map[string][]string{
	"Int": {"1", "null", "-5"}, "Int!": {"2"}, "[Int]": {"3", "[1, null]", "[]"}, "[[Int]]": {"1", "[1, 2]", "[[1], null]"}, "Float": {"1", "2.5"},
	"String": {`"x"`, `"""a block"""`, `"\u00e9"`}, "Boolean": {"true"}, "ID": {"4", `"4"`}, "[ID!]": {`[1, "b"]`}, "Color": {"GREEN"}, "[Color!]": {"BLUE"},
	"Any": {"{b: 1, a: [true, null]}", `"s"`}, "Point": {"{x: 1}", "{x: 1, y: null}"}, "In": {"{id: 1}", `{id: "a", next: {id: 2}}`}, "One": {"{b: \"x\"}"}, "Nest": {"{}"},
}

// hostile values: what clients send where something else is due.
var hostile = []string{
	"null", "true", "false", "0", "-0", "1", "12", "3.0", "1.5", "-2147483648", "2147483647", "2147483648", "-2147483649", "1e3", "1E-2", "1e400", "-1e400", "1e-400",
	"9007199254740991", "9007199254740993", "12345678901234567890", "1e21", "4.0", "4.5", `""`, `"12"`, `"1.5"`, `"true"`, `"RED"`, `"red"`, `"R\u0045D"`, `"PINK"`,
	`"\ud83d\ude00\n"`, "[]", "[[]]", "[null]", "[1,\"2\"]", "{}", `{"x":1}`, `{"x":"1"}`, `{"x":1,"z":2}`, `{"a":1,"b":"2"}`, `{"a":null}`, `{"__typename":"Point","x":1}`,
	`{"id":4}`, `{"k":{"z":1,"a":[1,{"b":"\u00e9"}]}}`,
}

type generator struct{ r *rand.Rand }

func (g generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

func (g generator) value(schema *ast.Schema, t *ast.Type, depth int) string {
	if g.r.IntN(12) == 0 {
		return g.pick(hostile...)
	}
	if !t.NonNull && g.r.IntN(10) == 0 {
		return "null"
	}
	if t.Elem != nil {
		if g.r.IntN(5) == 0 {
			return g.value(schema, t.Elem, depth+1)
		}
		items := make([]string, g.r.IntN(4))
		for i := range items {
			items[i] = g.value(schema, t.Elem, depth+1)
		}
		return "[" + strings.Join(items, g.pick(",", " , ", ",\n")) + "]"
	}
	switch t.NamedType {
	case "Int":
		return g.pick("0", "7", "-1", "3.0", "2147483647", "1e3")
	case "Float":
		return g.pick("0", "1.5", "-2e-3", "17", "3.0")
	case "String":
		return g.pick(`""`, `"a"`, `"\u00e9\\\""`, `"日本"`)
	case "ID":
		return g.pick(`"4"`, "4", `"x-1"`, "4.0")
	case "Boolean":
		return g.pick("true", "false")
	case "Color":
		return g.pick(`"RED"`, `"GREEN"`, `"B\u004cUE"`)
	case "Any":
		return g.pick(hostile...)
	}
	d := schema.Types[t.NamedType]
	var members []string
	one := g.r.IntN(len(d.Fields))
	for i, f := range d.Fields {
		if d.Name == "One" {
			if i != one && g.r.IntN(12) != 0 {
				continue
			}
		} else if depth > 3 && f.Type.NamedType == "In" || g.r.IntN(3) == 0 && (!f.Type.NonNull || f.DefaultValue != nil || g.r.IntN(8) == 0) {
			continue
		}
		members = append(members, fmt.Sprintf("%q:%s", f.Name, g.value(schema, f.Type, depth+1)))
	}
	g.r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

type oracleCase struct {
	Query     string `json:"query"`
	Variables string `json:"variables"`
}

func oracleCases(schema *ast.Schema, random int) []oracleCase {
	var cases []oracleCase
	for _, t := range oracleTypes { // every hostile value at every type
		for _, h := range hostile {
			cases = append(cases, oracleCase{"query($v: " + t + "){f}", `{"v":` + h + `}`})
		}
		cases = append(cases, oracleCase{"query($v: " + t + "){f}", `{}`}, oracleCase{"query($v: " + t + "){f}", `null`})
		for _, d := range oracleDefaults[t] {
			q := "query($v: " + t + " = " + d + "){f}"
			cases = append(cases, oracleCase{q, `{}`}, oracleCase{q, `{"v":null}`}, oracleCase{q, `{"other":1}`})
		}
	}
	cases = append(cases, oracleCase{"query($v: Int){f}", `{"v":1,"v":2}`}, oracleCase{"query($v: Point){f}", `{"v":{"x":1,"\u0078":2}}`})
	g := generator{rand.New(rand.NewPCG(20250901, 42))}
	for range random {
		var defs, vars []string
		for i := range 1 + g.r.IntN(3) {
			t := g.pick(oracleTypes...)
			def := "$v" + fmt.Sprint(i) + ": " + t
			if list := oracleDefaults[t]; len(list) > 0 && g.r.IntN(4) == 0 {
				def += " = " + g.pick(list...)
			}
			defs = append(defs, def)
			if g.r.IntN(8) > 0 {
				parsed, err := parser.ParseQuery(&ast.Source{Input: "query($v:" + t + "){f}"})
				if err != nil {
					panic(err)
				}
				vars = append(vars, fmt.Sprintf("%q: %s", fmt.Sprint("v", i), g.value(schema, parsed.Operations[0].VariableDefinitions[0].Type, 0)))
			}
		}
		if g.r.IntN(6) == 0 {
			vars = append(vars, `"unknown": [1]`)
		}
		cases = append(cases, oracleCase{"query(" + strings.Join(defs, " ") + "){f}", "{" + strings.Join(vars, ", ") + "}"})
	}
	return cases
}

// deliberate lists where this package means to differ from graphql-js, and why. same tells that a pair of answers that are
// not equal is one of these cases; each must occur, else the row is out of date.
var deliberate = []struct {
	reason string
	same   func(c oracleCase, ours, theirs answer) bool
}{
	{
		"a name given twice is refused: JSON.parse takes the last, other servers take the first, and a cache key must not depend on that",
		func(c oracleCase, ours, theirs answer) bool {
			return theirs.OK && !ours.OK && strings.Contains(ours.why, "more than once")
		},
	},
	{
		"an ID keeps all digits of a whole number beyond 2^53; JavaScript rounds it, which would merge the keys of different entities",
		func(c oracleCase, ours, theirs answer) bool {
			return ours.OK && theirs.OK && mentions(c.Query, "ID", "In", "Nest") && (strings.Contains(c.Variables, "9007199254740993") || strings.Contains(c.Variables, "12345678901234567890"))
		},
	},
	{
		"an opaque number beyond the range of a double stays as written; JavaScript reads Infinity, which JSON cannot carry back",
		func(c oracleCase, ours, theirs answer) bool {
			return ours.OK && theirs.OK && mentions(c.Query, "Any", "In", "Nest") && strings.Contains(c.Variables, "1e400")
		},
	},
}

// mentions tells whether one of the types' names occurs in the query as a whole word.
func mentions(query string, types ...string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune("[]!: (){}$", r) }), func(word string) bool {
		return slices.Contains(types, word)
	})
}

type answer struct {
	OK     bool           `json:"ok"`
	Values map[string]any `json:"values"`
	Errors []string       `json:"errors"`
	why    string
}

func TestAgainstGraphQLJS(t *testing.T) {
	schema := gqltest.Schema(t, oracleSDL)
	cases := oracleCases(schema, 2500)
	answers := jsoracle.Run[oracleCase, answer](t, "coerce", map[string]string{"sdl": oracleSDL}, cases)
	var v Values
	used := make([]int, len(deliberate))
	accepted, bad := 0, 0
	for i, c := range cases {
		theirs := answers[i]
		doc := gqltest.Document(t, c.Query)
		var ours answer
		errs := Compile(schema, doc.Operations[0].VariableDefinitions).Run([]byte(c.Variables), &v)
		if ours.OK = errs == nil; ours.OK {
			accepted++
			ours.Values = decode(Value{v.Canonical}).(map[string]any)
		} else {
			ours.why = errs[0].Message
		}
		if ours.OK == theirs.OK && (!ours.OK || reflect.DeepEqual(ours.Values, theirs.Values)) {
			continue
		}
		known := false
		for d := range deliberate {
			if known = deliberate[d].same(c, ours, theirs); known {
				used[d]++
				break
			}
		}
		if !known {
			if bad++; bad <= 20 {
				t.Errorf("%s %s\n ours   %v %v %s\n theirs %v %v %v", c.Query, c.Variables, ours.OK, ours.Values, ours.why, theirs.OK, theirs.Values, theirs.Errors)
			}
		}
	}
	for d, n := range used {
		if n == 0 {
			t.Errorf("deliberate difference never met: %s", deliberate[d].reason)
		}
	}
	t.Logf("%d cases, %d accepted, deliberate differences met %v, other differences %d", len(cases), accepted, used, bad)
}

// decode turns a canonical value into what encoding/json would make of the same value.
func decode(x Value) any {
	switch {
	case x.Null():
		return nil
	case x.List():
		n, _ := x.Len()
		list := make([]any, 0, n)
		for e, rest := x.First(); e.Present(); e, rest = rest.Next() {
			list = append(list, decode(e))
		}
		return list
	case x.Object():
		object := map[string]any{}
		members := x.Bytes()[9:]
		for len(members) > 0 {
			n := int(members[3]) | int(members[2])<<8
			name := string(members[4 : 4+n])
			value := Value{members[4+n:]}
			object[name] = decode(Value{value.Bytes()})
			members = members[4+n+len(value.Bytes()):]
		}
		return object
	}
	if x.b[0] == tagJSON {
		var v any
		text, _ := x.Text()
		if err := json.Unmarshal(text, &v); err != nil {
			return "beyond encoding/json: " + string(text)
		}
		return v
	}
	if b, ok := x.Bool(); ok {
		return b
	}
	if f, ok := x.Float(); ok {
		return f
	}
	text, _ := x.Text()
	return string(text)
}
