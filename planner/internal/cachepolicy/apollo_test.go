package cachepolicy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/jsoracle"
)

type oracleCase struct {
	Schema        int    `json:"schema"`
	Document      string `json:"document"`
	DefaultMaxAge int    `json:"defaultMaxAge"`
}

type oracleAnswer struct {
	Header string   `json:"header"`
	Errors []string `json:"errors"`
}

// randomSDL writes a schema whose fields and types carry random hints. Abstract types are met in lists only, so that an
// execution meets each of their members.
func randomSDL(r *rand.Rand) string {
	hint := func(often int) string {
		if r.IntN(often) == 0 {
			return ""
		}
		var args []string
		if r.IntN(4) > 0 {
			args = append(args, fmt.Sprintf("maxAge: %d", []int{0, 5, 10, 30, 60, 60, 120}[r.IntN(7)]))
		}
		if r.IntN(5) == 0 {
			args = append(args, "scope: "+[]string{"PUBLIC", "PRIVATE"}[r.IntN(2)])
		}
		if r.IntN(4) == 0 {
			args = append(args, "inheritMaxAge: "+[]string{"true", "true", "false"}[r.IntN(3)])
		}
		if len(args) == 0 {
			return " @cacheControl"
		}
		return " @cacheControl(" + strings.Join(args, ", ") + ")"
	}
	var b strings.Builder
	fields := func() string {
		return "{ id: ID" + hint(2) + " name: String" + hint(2) + " one: A" + hint(2) + " two: B" + hint(2) + " list: [A!]!" + hint(2) + " nodes: [Node!]" + hint(2) + " things: [Thing]" + hint(2) + " kind: Kind" + hint(2) + " }\n"
	}
	b.WriteString("enum Kind { X Y }\n")
	b.WriteString("interface Node" + hint(2) + fields())
	for _, name := range []string{"A", "B", "C"} {
		own := hint(2)
		if name == "C" { // has it on its extension, if at all
			b.WriteString("extend type C" + own + " { more: Int }\n")
			own = ""
		}
		b.WriteString("type " + name + " implements Node" + own + fields())
	}
	b.WriteString("union Thing" + hint(2) + " = A | C\n")
	b.WriteString("type Query" + hint(3) + fields())
	return b.String()
}

type writer struct {
	r      *rand.Rand
	schema *ast.Schema
	left   int
	names  int
}

func (w *writer) alias() int {
	w.names++
	return w.names
}

func (w *writer) set(t *ast.Definition, depth, fragments int) string {
	parts := []string{}
	for range 1 + w.r.IntN(3) {
		w.left--
		condition := []string{"", "", "", " @skip(if: true)", " @include(if: true)", " @include(if: false)"}[w.r.IntN(6)]
		switch k := w.r.IntN(8); {
		case k == 0 && t.Name != "Query":
			on := []string{"A", "B", "C", "Node", "Thing"}[w.r.IntN(5)]
			if w.meet(on, t.Name) {
				parts = append(parts, "... on "+on+condition+" {"+w.set(w.schema.Types[on], depth+1, fragments)+"}")
			}
		case k == 1 && fragments < 3 && w.meet([]string{"A", "Node", "C"}[fragments], t.Name):
			parts = append(parts, fmt.Sprintf("...F%d%s", fragments, condition))
		case k == 2 || len(t.Fields) == 0:
			parts = append(parts, "__typename")
		default:
			f := t.Fields[w.r.IntN(len(t.Fields))]
			switch target := w.schema.Types[f.Type.Name()]; {
			case strings.HasPrefix(f.Name, "__"):
			case !target.IsCompositeType():
				parts = append(parts, f.Name+condition)
			case depth < 5 && w.left > 0:
				parts = append(parts, fmt.Sprintf("a%d: %s%s {%s}", w.alias(), f.Name, condition, w.set(target, depth+1, fragments)))
			}
		}
	}
	if len(parts) == 0 {
		return "__typename"
	}
	return strings.Join(parts, " ")
}

func (w *writer) meet(a, b string) bool {
	of := func(name string) []*ast.Definition {
		if d := w.schema.Types[name]; d.Kind == ast.Object {
			return []*ast.Definition{d}
		}
		return w.schema.PossibleTypes[name]
	}
	return slices.ContainsFunc(of(a), func(d *ast.Definition) bool { return slices.Contains(of(b), d) })
}

func (w *writer) document() string {
	w.left = 3 + w.r.IntN(15)
	doc := "{" + w.set(w.schema.Query, 0, 0) + "}"
	for i, on := range []string{"A", "Node", "C"} {
		if body := w.set(w.schema.Types[on], 3, i+1); strings.Contains(doc, fmt.Sprintf("...F%d", i)) {
			doc += fmt.Sprintf(" fragment F%d on %s {%s}", i, on, body)
		}
	}
	return doc
}

// TestAgainstApolloServer compares with the header of Apollo Server when every field is resolved: then nothing is left of
// the difference between what may happen and what did, and the two must be equal.
func TestAgainstApolloServer(t *testing.T) {
	r := rand.New(rand.NewPCG(20261125, 9))
	var sdls []string
	var schemas []*ast.Schema
	var cases []oracleCase
	for i := range 6 {
		sdl := randomSDL(r)
		sdls, schemas = append(sdls, directives+sdl), append(schemas, load(t, sdl))
		for range 250 {
			w := &writer{r: r, schema: schemas[i]}
			cases = append(cases, oracleCase{i, w.document(), []int{0, 20, 90}[r.IntN(3)]})
		}
	}
	cacheable, private := 0, 0
	for i, a := range jsoracle.Run[oracleCase, oracleAnswer](t, "cachecontrol", sdls, cases) {
		c := cases[i]
		if len(a.Errors) > 0 {
			t.Fatalf("%s: %v", c.Document, a.Errors)
		}
		p := compute(t, schemas[c.Schema], c.Document, c.DefaultMaxAge)
		want := "no-store"
		if p.Cacheable {
			cacheable++
			want = fmt.Sprintf("max-age=%d, public", p.MaxAge)
			if p.Private {
				private++
				want = fmt.Sprintf("max-age=%d, private", p.MaxAge)
			}
		}
		if a.Header != want {
			t.Fatalf("%s\ndefault %d: %+v, Apollo Server says %q\n%s", c.Document, c.DefaultMaxAge, p, a.Header, sdls[c.Schema])
		}
	}
	t.Logf("%d operations, %d cacheable, %d of them private", len(cases), cacheable, private)
	if cacheable < len(cases)/10 || private < 20 {
		t.Error("the generator tests too few cases of a kind")
	}
}
