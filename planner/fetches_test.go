package planner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func loadSupergraph(t testing.TB, file string) *Supergraph {
	t.Helper()
	sdl, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadSupergraph(filepath.Base(file), string(sdl))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// coerced is the plan of a valid operation with the values of its variables.
func coerced(t testing.TB, s *Supergraph, document, variables string) (p *Plan, v *Values) {
	t.Helper()
	p, v = Build(s.Schema(), document, "", Options{}), new(Values)
	if len(p.Errors()) > 0 {
		t.Fatal(p.Errors())
	}
	if errs := p.Coerce([]byte(variables), v); errs != nil {
		t.Fatal(errs)
	}
	return p, v
}

func fetchPlan(t testing.TB, s *Supergraph, document, variables string) *FetchPlan {
	t.Helper()
	p, v := coerced(t, s, document, variables)
	plan, err := p.Fetches(v)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// The operations of the shop have as many requests, in as many steps after one another, as the best plan for them.
func TestFetchesOfShop(t *testing.T) {
	s := loadSupergraph(t, "testdata/shop.graphql")
	for _, c := range []struct {
		file            string
		requests, depth int
	}{{"testdata/big.graphql", 6, 4}, {"testdata/two.graphql", 2, 2}} {
		document, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		plan := fetchPlan(t, s, string(document), "")
		if depth := depthOf(plan); len(plan.Steps) != c.requests || depth != c.depth {
			t.Errorf("%s: %d requests in %d steps, want %d in %d\n%s", c.file, len(plan.Steps), depth, c.requests, c.depth, plan)
		}
	}
}

func TestAPlanIsShownAsATree(t *testing.T) {
	s := loadSupergraph(t, "testdata/shop.graphql")
	plan := fetchPlan(t, s, `query ($n: Int = 2) { topProducts(first: $n) { name inStock reviews { author { name } } } }`, "")
	const want = `└─ 1 products
      query($n:Int=2){topProducts(first:$n){name upc}}
      with $n
   ├─ 2 inventory, after 1
   │     for topProducts by {Product upc!}
   │     query($_r:[_Any!]!){_entities(representations:$_r){...on Product{inStock}}}
   └─ 3 reviews, after 1
         for topProducts by {Product upc!}
         query($_r:[_Any!]!){_entities(representations:$_r){...on Product{reviews{author{id}}}}}
      └─ 4 accounts, after 3
            for topProducts.reviews.author by {User id!}
            query($_r:[_Any!]!){_entities(representations:$_r){...on User{name}}}
`
	if got := plan.String(); got != want || plan.Waves() != 3 {
		t.Errorf("in %d waves:\n%s\nwant\n%s", plan.Waves(), got, want)
	}
}

func depthOf(p *FetchPlan) int {
	depths := make([]int, len(p.Steps))
	most := 0
	for i := range p.Steps {
		depths[i] = 1
		for _, d := range p.Steps[i].After {
			depths[i] = max(depths[i], depths[d]+1)
		}
		most = max(most, depths[i])
	}
	return most
}

// A plan is found again without an allocation, and each combination of conditions has its own.
func TestFetchesAgain(t *testing.T) {
	s := loadSupergraph(t, "testdata/shop.graphql")
	p := Build(s.Schema(), `query ($names: Boolean!) { users { id name @include(if: $names) reviews @skip(if: $names) { id } } }`, "", Options{})
	var with, without Values
	p.Coerce([]byte(`{"names": true}`), &with)
	p.Coerce([]byte(`{"names": false}`), &without)
	a, err := p.Fetches(&with)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := p.Fetches(&without)
	if a == b || len(a.Steps) != 1 || len(b.Steps) != 2 {
		t.Errorf("with names:\n%swithout:\n%s", a, b)
	}
	if n := testing.AllocsPerRun(100, func() {
		if c, _ := p.Fetches(&with); c != a {
			t.Fatal("another plan")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLoadSupergraphErrors(t *testing.T) {
	head := `enum join__Graph { A @join__graph(name: "a", url: "") } directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT `
	for sdl, want := range map[string]string{
		`type Query { a: Int }`: `s:1:1: this is no supergraph`,
		head + "\ntype Query { t: T }\ntype T @join__type(graph: A, key: \"id nope\") { id: ID }":                                                               `s:3:9: type T: @join__type(key:): T has no field nope`,
		head + "\ntype Query @join__type(graph: B) { a: Int }":                                                                                                  `s:2:13: @join__type names the graph "B"`,
		"schema\n @link(url: \"https://specs.apollo.dev/join/v0.9\", for: EXECUTION) { query: Query }\n" + head + "type Query { a: Int }":                       `s:2:3: @link: the supergraph is composed with join v0.9; what is read is join v0.1 to v0.5`,
		"schema @link(url: \"https://specs.apollo.dev/requiresScopes/v0.9\", for: SECURITY) { query: Query }\n" + head + "type Query { a: Int }":                `s:1:9: @link: the supergraph asks for requiresScopes v0.9 to be enforced; what is enforced is v0.1`,
		"schema @link(url: \"https://specs.apollo.dev/other/v0.1\", for: SECURITY) { query: Query }\n" + head + "type Query { a: Int }":                         `s:1:9: @link: the supergraph asks for other v0.1 to be enforced, which is not supported`,
		head + "type Query { a: Int @policy(policies: \"x\") }":                                                                                                 `@policy: policies is to be a list of lists of names`,
		"schema @link(url: \"https://specs.apollo.dev/connect/v0.1\", for: EXECUTION) { query: Query }\n" + head + "type Query { a: Int }":                      `asks for connect v0.1, which is not supported`,
		head + "\ntype Query { a(x: Int): Int @join__field(graph: A, contextArguments: [{context: \"c\", name: \"x\", type: \"Int\", selection: \"{ x }\"}]) }": `s:2:30: type Query, field a: arguments from a context (@fromContext) are not supported`,
		head + "\ntype Query {\n a: Missing }": `type Query, field a: its type Missing is not defined`,
	} {
		if _, err := LoadSupergraph("s", sdl); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", sdl, err, want)
		}
	}
}

func BenchmarkFetches(b *testing.B) {
	s := loadSupergraph(b, "testdata/shop.graphql")
	for _, name := range []string{"big", "two"} {
		document, err := os.ReadFile("testdata/" + name + ".graphql")
		if err != nil {
			b.Fatal(err)
		}
		p := Build(s.Schema(), string(document), "", Options{})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := p.federated.plan(choice{}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A supergraph of 2,000 entities over 20 graphs.
func BenchmarkLoadSupergraph(b *testing.B) {
	var sdl strings.Builder
	sdl.WriteString("enum join__Graph {")
	for g := range 20 {
		fmt.Fprintf(&sdl, " G%d @join__graph(name: \"g%d\", url: \"http://g%d\")", g, g, g)
	}
	sdl.WriteString(" }\ndirective @join__graph(name: String!, url: String!) on ENUM_VALUE\ntype Query { t0: T0 @join__field(graph: G0) }\n")
	for t := range 2000 {
		fmt.Fprintf(&sdl, "type T%d @join__type(graph: G%d, key: \"id\") @join__type(graph: G%d, key: \"id\") { id: ID! a: Int @join__field(graph: G%d) b(x: Int): String @join__field(graph: G%d) next: T%d @join__field(graph: G%d) }\n",
			t, t%20, (t+1)%20, t%20, (t+1)%20, (t+1)%2000, t%20)
	}
	for b.Loop() {
		if _, err := LoadSupergraph("large", sdl.String()); err != nil {
			b.Fatal(err)
		}
	}
}
