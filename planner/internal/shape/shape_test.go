package shape

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/weirproxy/weir/planner/internal/gqltest"
	"github.com/weirproxy/weir/planner/internal/taglist"
)

const testSDL = `
directive @key(fields: String!) repeatable on OBJECT
scalar Any
interface Node { id: ID! }
type City implements Node { id: ID! name: String country: Country population: Figure raw: Any twins: [City!] }
type Country @key(fields: "code") @key(fields: "id name") { code: ID! id: ID name: String capital: City }
type Region @key(fields: "a b") { a: ID b: ID }
type Figure { value: Float since: String }
type PageInfo { next: Boolean }
type CityEdge { node: City }
type CityConnection { edges: [CityEdge] info: PageInfo }
union Place = City | Country | Region
type Query { city(id: ID): City cities: [City] grid: [[City]] places: [Place] node: Node page: CityConnection country: Country region: Region n: Int }
type Payload { city: City note: String }
type Mutation { update: City updateAll: [City] wrapped: Payload ok: Boolean place: Place figure: Figure }
`

func compileDoc(t testing.TB, doc string) *Shape {
	t.Helper()
	schema := gqltest.Schema(t, testSDL)
	q, errs := gqlparser.LoadQueryWithRules(schema, doc, rules.NewDefaultRules())
	if errs != nil {
		t.Fatal(errs)
	}
	return Compile(schema, q.Operations[0], q.Fragments)
}

func sorted(l *taglist.List) string {
	var out []string
	for i := range l.Len() {
		out = append(out, string(l.At(i)))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestTags(t *testing.T) {
	for _, tc := range []struct{ name, doc, data, want string }{
		{"entity", `{city{id name}}`, `{"city":{"id":"5","name":"x"}}`, "City City:5"},
		{"number key", `{city{id}}`, `{"city":{"id":5}}`, "City City:5"},
		{"alias", `{c:city{k:id}}`, `{"c":{"k":"5"}}`, "City City:5"},
		{"escaped", `{city{id}}`, `{"c\u0069ty":{"\u0069d":"a\u002fb"}}`, "City City:a/b"},
		{"key not selected", `{city{name}}`, `{"city":{"name":"x"}}`, "City City:?"},
		{"key skipped", `{city{id @skip(if:true) name}}`, `{"city":{"name":"x"}}`, "City City:?"},
		{"odd keys", `{cities{id}}`, `{"cities":[{"id":null},{"id":{}},{"id":1.5},{"id":""},{"id":"1","id":"2"}]}`, "City City:? list:City"},
		{"null", `{city{id}}`, `{"city":null}`, "City list:City"},
		{"empty list", `{cities{id}}`, `{"cities":[]}`, "City list:City"},
		{"list", `{cities{id}}`, `{"cities":[{"id":1},{"id":2},{"id":1},null]}`, "City City:1 City:2 list:City"},
		{"lists of lists", `{grid{id}}`, `{"grid":[[{"id":1}],[]]}`, "City City:1 list:City"},
		{"single key directive", `{country{code capital{id}}}`, `{"country":{"code":"DE","capital":{"id":1}}}`, "City City:1 Country Country:DE"},
		{"composite key", `{region{a b}}`, `{"region":{"a":1,"b":2}}`, "Region Region:?"},
		{"type without key", `{city{id population{value}}}`, `{"city":{"id":1,"population":{"value":1e99}}}`, "City City:1 Figure Figure:?"},
		{
			"connection", `{page{edges{node{id}} info{next}}}`, `{"page":{"edges":[{"node":{"id":1}}],"info":{"next":true}}}`,
			"City City:1 CityConnection CityConnection:? CityEdge CityEdge:? PageInfo PageInfo:? list:City list:CityEdge",
		},
		{"empty connection", `{page{edges{node{id}}}}`, `{"page":{"edges":[]}}`, "City CityConnection CityConnection:? CityEdge list:City list:CityEdge"},
		{
			"union with typename", `{places{t:__typename ...on City{id} ...on Country{code}}}`, `{"places":[{"id":1,"t":"City"},{"t":"Country","code":"DE"},{"t":"Region"}]}`,
			"City City:1 Country Country:DE Region Region:? list:City list:Country list:Region",
		},
		{
			"union without typename", `{places{...on City{k:id} ...on Country{code}}}`, `{"places":[{"k":1}]}`,
			"City City:1 Country Country:? Region Region:? list:City list:Country list:Region",
		},
		{"unknown typename", `{node{__typename id}}`, `{"node":{"__typename":"Ship","id":"9"}}`, "City City:9 Ship Ship:?"},
		{"fragments merged", `{city{...A ...B}} fragment A on City{country{name}} fragment B on Node{...on City{country{code}} id}`, `{"city":{"country":{"name":"x","code":"DE"},"id":1}}`, "City City:1 Country Country:DE"},
		{"extra members", `{city{id}}`, `{"city":{"x":[{"id":3}],"id":1,"raw":{}},"y":null}`, "City City:1"},
		{"custom scalar", `{city{id raw}}`, `{"city":{"id":1,"raw":{"id":7,"a":[null,123456789012345678901234567890]}}}`, "City City:1"},
		{"introspection", `{__schema{types{name}} n}`, `{"__schema":{"types":[]},"n":1}`, ""},
	} {
		s := compileDoc(t, tc.doc)
		var l taglist.List
		f := s.Walk([]byte(`{"data":`+tc.data+`}`), &l)
		if got := sorted(&l); !f.Readable || got != tc.want {
			t.Errorf("%s: readable %v\n got  %s\n want %s", tc.name, f.Readable, got, tc.want)
		}
	}
}

func TestMutationTags(t *testing.T) {
	for _, tc := range []struct{ doc, body, want string }{
		{`mutation{update{id}}`, `{"data":{"update":{"id":5}}}`, "City:5 City:? list:City"},
		{`mutation{update{name}}`, `{"data":{"update":{"name":""}}}`, "City"},
		{`mutation{update{id}}`, `{"data":{"update":null}}`, "City"},
		{`mutation{update{id}}`, `{"data":{"update":null},"errors":[{"message":"no"}]}`, ""},
		{`mutation{updateAll{id}}`, `{"errors":[{}],"data":{"updateAll":[{"id":1},null,{"id":2}]}}`, "City:1 City:2 City:? list:City"},
		{`mutation{wrapped{city{id}}}`, `{"data":{"wrapped":{"city":{"id":1}}}}`, "City:1 City:? Payload list:City"},
		{`mutation{ok}`, `{"data":{"ok":true}}`, ""},
		{`mutation{place{...on City{id}}}`, `{"data":{"place":{}}}`, "City Country Region"},
	} {
		var l taglist.List
		f := compileDoc(t, tc.doc).WalkMutation([]byte(tc.body), &l)
		if got := sorted(&l); !f.Readable || got != tc.want {
			t.Errorf("%s %s: readable %v\n got  %s\n want %s", tc.doc, tc.body, f.Readable, got, tc.want)
		}
	}
}

// TestMutationFindsEntry is the rule itself: whatever a query and a mutation select, what the mutation invalidates is on
// each entry that holds the entity, or a place where it could be.
func TestMutationFindsEntry(t *testing.T) {
	entries := [][2]string{
		{`{city{id}}`, `{"city":{"id":"5"}}`},
		{`{city{name}}`, `{"city":{"name":"x"}}`},
		{`{city{id}}`, `{"city":null}`},
		{`{cities{id}}`, `{"cities":[]}`},
		{`{cities{id}}`, `{"cities":[{"id":1},{"id":2}]}`},
		{`{page{edges{node{id}}}}`, `{"page":{"edges":[]}}`},
		{`{page{edges{node{id}}}}`, `{"page":null}`},
		{`{page{edges{node{id}}}}`, `{"page":{"edges":[{"node":{"id":1}}]}}`},
		{`{places{...on City{id}}}`, `{"places":[{"id":5}]}`},
		{`{node{id}}`, `{"node":{"id":"5"}}`},
		{`{node{id}}`, `{"node":null}`},
		{`{country{code capital{name}}}`, `{"country":{"code":1,"capital":{"name":"x"}}}`},
		{`{grid{id}}`, `{"grid":[null]}`},
	}
	mutations := [][2]string{{`mutation{update{id}}`, `{"update":{"id":5}}`}, {`mutation{update{name}}`, `{"update":{"name":"x"}}`}, {`mutation{place{...on City{k:id}}}`, `{"place":{"k":"5"}}`}}
	for _, e := range entries {
		var has taglist.List
		compileDoc(t, e[0]).Walk([]byte(`{"data":`+e[1]+`}`), &has)
		for _, m := range mutations {
			var kills taglist.List
			compileDoc(t, m[0]).WalkMutation([]byte(`{"data":`+m[1]+`}`), &kills)
			found := false
			for i := range kills.Len() {
				found = found || slices.Contains(strings.Fields(sorted(&has)), string(kills.At(i)))
			}
			if !found {
				t.Errorf("%s %s [%s] is not found by %s %s [%s]", e[0], e[1], sorted(&has), m[0], m[1], sorted(&kills))
			}
		}
	}
}

func TestFacts(t *testing.T) {
	typed, free := compileDoc(t, `{city{id} n}`), Compile(nil, nil, nil)
	for _, tc := range []struct {
		body string
		want Facts
	}{
		{`{"data":{"city":{"id":1},"n":1}}`, Facts{Readable: true, HasData: true}},
		{` { "extensions":{}, "data" : { "city" : null , "n":2 } , "errors" : [ ] } `, Facts{Readable: true, HasData: true, Negative: true, extensions: 16}},
		{`{"data":{"city":{"id":1},"n":null}}`, Facts{Readable: true, HasData: true, Negative: true}},
		{`{"errors":[{"message":"x"}],"data":{"city":null}}`, Facts{Readable: true, HasData: true, HasErrors: true}},
		{`{"errors":[{}],"data":null}`, Facts{Readable: true, DataNull: true, HasErrors: true}},
		{`{"errors":[{}]}`, Facts{Readable: true, HasErrors: true}},
		{`{"data":{"city":{"id":1}},"hasNext":true}`, Facts{}},
		{`{"data":{},"data":{}}`, Facts{}},
		{`{"data":[]}`, Facts{}},
		{`{}`, Facts{}},
		{`[]`, Facts{}},
		{``, Facts{}},
		{`{"data":{}`, Facts{}},
		{`{"data":{}}x`, Facts{}},
		{`{"data":{"a":1,}}`, Facts{}},
		{`{"data":{"z":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}}`, Facts{}},
		{strings.Repeat(`{"data":`, 1<<18), Facts{}},
	} {
		var l taglist.List
		if got := typed.Walk([]byte(tc.body), &l); got != tc.want {
			t.Errorf("with schema %.60s: %+v, want %+v", tc.body, got, tc.want)
		}
		if got := free.Walk([]byte(tc.body), &l); got != tc.want {
			t.Errorf("without %.60s: %+v, want %+v", tc.body, got, tc.want)
		}
	}
	var l taglist.List
	if f := typed.Walk([]byte(`{"data":{"city":"x"}}`), &l); f.Readable {
		t.Error("a string where an object is due is readable")
	}
}

var hot = []byte(`{"data":{"cities":[` + strings.Repeat(`{"id":"12","name":"Bad Oeynhausen","country":{"code":"DE"},"population":{"value":48990,"since":"2020-01-01"}},`, 20) + `null],"places":[{"__typename":"City","id":"7"}]}}`)

const hotDoc = `{cities{id name country{code} population{value since}} places{__typename ...on City{id}}}`

func TestNoAllocation(t *testing.T) {
	typed, free := compileDoc(t, hotDoc), Compile(nil, nil, nil)
	var l taglist.List
	for _, walk := range []func([]byte, *taglist.List) Facts{typed.Walk, typed.WalkMutation, free.Walk} {
		if n := testing.AllocsPerRun(100, func() {
			l.Reset()
			if !walk(hot, &l).Readable {
				t.Fatal("not readable")
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(hot)
	f.Add([]byte(`{"errors":[{"message":"x"}],"data":null}`))
	f.Add([]byte(`{"data":{"places":[{"id":"\u0031","__typename":"Ci\u0074y"},null,[]]}}`))
	typed, free := compileDoc(f, hotDoc), Compile(nil, nil, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		var l taglist.List
		a, c := typed.Walk(b, &l), free.Walk(b, &l)
		typed.WalkMutation(b, &l)
		if (a.Readable || c.Readable) && !json.Valid(b) {
			t.Fatalf("not JSON, yet readable: %q", b)
		}
		if a.Readable && a != c {
			t.Fatalf("%q: %+v with schema, %+v without", b, a, c)
		}
	})
}

func BenchmarkWalk(b *testing.B) {
	s := compileDoc(b, hotDoc)
	var l taglist.List
	b.SetBytes(int64(len(hot)))
	b.ReportAllocs()
	for b.Loop() {
		l.Reset()
		s.Walk(hot, &l)
	}
}

func TestTagOfAllNeedsNoKey(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		directive @cacheTag(format: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE
		type City @cacheTag(format: "places") @cacheTag(format: "city-{$key.id}") { id: ID! name: String }
		type Query { cities: [City] }`})
	for document, want := range map[string]string{
		`{cities {name}}`:    "City City:? list:City places",
		`{cities {id name}}`: "City City:1 City:2 city-1 city-2 list:City places",
	} {
		doc := gqltest.Document(t, document)
		var l taglist.List
		Compile(schema, doc.Operations[0], doc.Fragments).Walk([]byte(`{"data":{"cities":[{"id":1,"name":"a"},{"id":2,"name":"b"}]}}`), &l)
		if got := sorted(&l); got != want {
			t.Errorf("%s\n got  %s\n want %s", document, got, want)
		}
	}
}
