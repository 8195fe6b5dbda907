package merge

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

const petsSDL = `
enum Mood { GOOD BAD }
input Where { x: Int y: [String] z: Where }
interface Named { name(long: Boolean, n: Int): String title: String! }
interface Pet implements Named { name(long: Boolean, n: Int): String title: String! owner: Human friend(where: Where): Pet mood: Mood all: [Pet] }
type Dog implements Pet & Named { name(long: Boolean, n: Int): String title: String! owner: Human friend(where: Where): Dog mood: Mood all: [Pet] size: Int tags: [String] litter: [Dog] best: Cat code: ID }
type Cat implements Pet & Named { name(long: Boolean, n: Int): String title: String! owner: Human friend(where: Where): Pet mood: Mood all: [Pet] size: Int! tags: [String!] litter: Cat best: Human code: String }
type Human implements Named { name(long: Boolean, n: Int): String title: String! size: Int tags: String pet: Pet dog: Dog cat: Cat best: Human things: [Thing] code: ID }
union Thing = Dog | Cat | Human
type Query { pet(id: ID): Pet dog: Dog cat: Cat human: Human things(where: Where): [Thing] thing: Thing named: Named }
type Mutation { dog: Dog cat: Cat }
`

func pets(t testing.TB) *ast.Schema {
	t.Helper()
	schema := gqltest.Schema(t, petsSDL)
	return schema
}

// generator writes documents in which fields meet under few names.
type generator struct {
	r         *rand.Rand
	schema    *ast.Schema
	fragments int
	cyclic    bool
	inside    int // the fragment being written; acyclic documents spread later ones only
	left      int
	rare      int // one field in so many has an alias or arguments
}

func (g *generator) pick(list ...string) string { return list[g.r.IntN(len(list))] }

func (g *generator) document() string {
	var b strings.Builder
	g.inside = -1
	g.left = 2 + g.r.IntN(20)
	g.rare = 2 + g.r.IntN(30)
	fmt.Fprintf(&b, "{%s}", g.set("Query", 0))
	for i := range g.fragments {
		g.inside = i
		g.left = 2 + g.r.IntN(8)
		on := g.pick("Dog", "Cat", "Human", "Pet", "Named", "Thing", "Query", "Dog", "Cat", "Pet")
		fmt.Fprintf(&b, " fragment F%d on %s {%s}", i, on, g.set(on, 1))
	}
	return b.String()
}

func (g *generator) set(parent string, depth int) string {
	var parts []string
	for range 1 + g.r.IntN(3) {
		g.left--
		switch k := g.r.IntN(10); {
		case k < 2 && depth < 6:
			on := g.pick("Dog", "Cat", "Human", "Pet", "Named", "Thing", "")
			if on == "" {
				parts = append(parts, "... {"+g.set(parent, depth+1)+"}")
			} else {
				parts = append(parts, "... on "+on+" {"+g.set(on, depth+1)+"}")
			}
		case k < 4 && g.spreadable():
			n := g.r.IntN(g.fragments)
			if !g.cyclic {
				n = g.inside + 1 + g.r.IntN(g.fragments-g.inside-1)
			}
			parts = append(parts, fmt.Sprintf("...F%d", n))
		default:
			parts = append(parts, g.field(parent, depth))
		}
	}
	return strings.Join(parts, " ")
}

func (g *generator) spreadable() bool {
	return g.fragments > 0 && (g.cyclic || g.inside+1 < g.fragments)
}

func (g *generator) field(parent string, depth int) string {
	d := g.schema.Types[parent]
	alias := ""
	if g.r.IntN(g.rare) == 0 {
		alias = g.pick("a", "b", "name") + ": "
	}
	if d == nil || len(d.Fields) == 0 || g.r.IntN(20) == 0 {
		return alias + g.pick("__typename", "nothing", "name")
	}
	// Few of the fields, so that the same ones are met again.
	f := d.Fields[g.r.IntN(min(len(d.Fields), 3+g.r.IntN(10)))]
	if strings.HasPrefix(f.Name, "__") {
		return alias + "__typename"
	}
	args := ""
	if len(f.Arguments) > 0 && g.r.IntN(g.rare) == 0 {
		switch f.Arguments[0].Name {
		case "long":
			args = g.pick("(long: true)", "(n: 1, long: true)", "(long: true, n: 1)", "(n: 1)", "(n: $n)", "(long: null)")
		case "where":
			args = g.pick(`(where: {x: 1, y: ["a"]})`, `(where: {y: ["a"], x: 1})`, `(where: {y: ["""a"""], x: 1})`, `(where: {x: 1, y: "a"})`, "(where: {z: {}})")
		default:
			args = g.pick("(id: 1)", `(id: "1")`)
		}
	}
	named := g.schema.Types[f.Type.Name()]
	if !named.IsCompositeType() {
		return alias + f.Name + args
	}
	if depth >= 6 || g.left <= 0 {
		return alias + f.Name + args + " {" + g.pick("__typename", "name", "a: name", "title") + "}"
	}
	return alias + f.Name + args + " {" + g.set(named.Name, depth+1) + "}"
}
