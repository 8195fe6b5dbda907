package cachepolicy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

type oracleCase struct {
	Document      string `json:"document"`
	DefaultMaxAge int    `json:"defaultMaxAge"`
}

type oracleAnswer struct {
	Header string   `json:"header"`
	Errors []string `json:"errors"`
}

// runOracle executes the operations on Apollo Server and returns the headers it answers with.
func runOracle(t *testing.T, sdl string, cases []oracleCase) []oracleAnswer {
	t.Helper()
	dir := filepath.Join("testdata", "apollo")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the differential test against Apollo Server needs %s on the PATH (Node.js 20 or newer): %v", tool, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@apollo", "server", "package.json")); err != nil {
		c := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("npm ci in %s: %v\n%s", dir, err, out)
		}
	}
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	if err := enc.Encode(map[string]string{"sdl": sdl}); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if err := enc.Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	tmp := t.TempDir()
	input, output := filepath.Join(tmp, "cases"), filepath.Join(tmp, "answers")
	if err := os.WriteFile(input, in.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(ctx, "node", filepath.Join(dir, "cache.mjs"), input, output).CombinedOutput(); err != nil {
		t.Fatalf("Apollo Server: %v\n%s", err, out)
	}
	text, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	var answers []oracleAnswer
	sc := bufio.NewScanner(bytes.NewReader(text))
	sc.Buffer(nil, 1<<24)
	for first := true; sc.Scan(); first = false {
		if first {
			t.Logf("oracle: Apollo Server %s", sc.Bytes())
			continue
		}
		var a oracleAnswer
		if err := json.Unmarshal(sc.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(cases) {
		t.Fatalf("Apollo Server answered %d of %d cases", len(answers), len(cases))
	}
	return answers
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
	total, cacheable, private := 0, 0, 0
	for range 6 {
		sdl := directives + randomSDL(r)
		schema := load(t, strings.TrimPrefix(sdl, directives))
		var cases []oracleCase
		for range 500 {
			w := &writer{r: r, schema: schema}
			cases = append(cases, oracleCase{w.document(), []int{0, 20, 90}[r.IntN(3)]})
		}
		for i, a := range runOracle(t, sdl, cases) {
			if len(a.Errors) > 0 {
				t.Fatalf("%s: %v", cases[i].Document, a.Errors)
			}
			p := compute(t, schema, cases[i].Document, cases[i].DefaultMaxAge)
			want := "no-store"
			if p.Cacheable {
				cacheable++
				want = fmt.Sprintf("max-age=%d, public", p.MaxAge)
				if p.Private {
					private++
					want = fmt.Sprintf("max-age=%d, private", p.MaxAge)
				}
			}
			if total++; a.Header != want {
				t.Errorf("%s\ndefault %d: %+v, Apollo Server says %q\n%s", cases[i].Document, cases[i].DefaultMaxAge, p, a.Header, sdl)
				return
			}
		}
	}
	t.Logf("%d operations, %d cacheable, %d of them private", total, cacheable, private)
	if cacheable < total/10 || private < 20 {
		t.Error("the generator tests too few cases of a kind")
	}
}
