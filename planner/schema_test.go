package planner

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner/internal/jsoracle"
)

func TestSchemaErrorsTellThePlace(t *testing.T) {
	for _, tc := range []struct{ name, sdl, want string }{
		{"syntax", "type Query {\n  a: Int\n  b Int\n}", "s.graphql:3:5: "},
		{"undefined type", "type Query {\n  a: Missing\n}", "s.graphql:2:6: Undefined type Missing."},
		{"undefined directive", "type Query { a: Int @nope }", "s.graphql:1:22: Undefined directive nope."},
		{"no query", "type City { id: ID }", "s.graphql:1:1: the schema has no query type"},
		{"hint", "type Query {\n a: Int @cacheControl(maxAge: \"5\")\n}", "s.graphql:2:23: @cacheControl(maxAge:) must be"},
		{"negative hint", "type Query { a: Int @cacheControl(maxAge: -1) }", "s.graphql:1:35: "},
		{"scope", "type Query { a: Int @cacheControl(scope: SECRET) }", "must be PUBLIC or PRIVATE"},
		{"unknown argument of a hint", "type Query { a: Int @cacheControl(maxage: 1) }", "Undefined argument maxage"},
		{"sizes", "type Query { a: [Int] @listSize(slicingArguments: 3) }", "must be a list of names"},
		{"weight", "type Query {\n a(x: In): Int }\ninput In { x: Int @cost(weight: \"cheap\") }", "s.graphql:3:25: @cost(weight:) must be a number"},
		{"weight on an argument", "type Query { a(x: Int @cost(weight: \"NaN\")): Int }", "s.graphql:1:29: @cost(weight:) must be a number"},
		{"no weight", "scalar A @cost type Query { a: A }", "s.graphql:1:11: "},
		{"assumed size", "type Query { a: [Int] @listSize(assumedSize: \"10\") }", "s.graphql:1:33: @listSize(assumedSize:) must be a whole number"},
		{"twice", "type Query { a: Int }\ntype Query { b: Int }", "s.graphql:2:"},
		{"empty", "", "s.graphql:1:1: "},
	} {
		_, err := ParseSchema("s.graphql", tc.sdl)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "s.graphql:") {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestSubgraphSchemasLoad(t *testing.T) {
	for name, sdl := range map[string]string{
		"federation 1": `
			type City @key(fields: "id") { id: ID! name: String @external country: Country @provides(fields: "name") }
			extend type Country @key(fields: "code") { code: ID! @external cities: [City] @requires(fields: "code") }
			extend type Query { city(id: ID!): City }`,
		"federation 2": `
			extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", {name: "@tag", as: "@label"}, "@fresh"])
			type City @key(fields: "id") @federation__interfaceObject @label(name: "x") { id: ID! name: String @shareable @fresh(kind: [1, {a: E}]) }
			type Query { city(id: ID!): City }`,
		"cost as numbers": `
			extend schema @link(url: "https://specs.apollo.dev/cost/v0.1", import: ["@cost"])
			type Query { a: [Int] @cost(weight: 5) @cost__listSize(assumedSize: 10) }`,
		"another cost": `
			directive @cost(complexity: Int) on FIELD_DEFINITION
			type Query { a: [Int] @cost(complexity: 5) }`,
		"no query of its own": `type City @key(fields: "id") { id: ID! }`,
		"served form": `
			type City @key(fields: "id") { id: ID! }
			scalar _Any union _Entity = City type _Service { sdl: String }
			type Query { _entities(representations: [_Any!]!): [_Entity]! _service: _Service! }`,
		"served in part": `type City @key(fields: "id") { id: ID! } scalar _Any extend type Query { a: Int _service: _Service! }`,
		"own definitions": `
			directive @cacheControl(maxAge: Int, scope: CacheControlScope) on FIELD_DEFINITION
			enum CacheControlScope { PUBLIC PRIVATE }
			directive @key(fields: _FieldSet!, resolvable: Boolean) repeatable on OBJECT
			scalar _FieldSet
			type Query { a: Int @cacheControl(maxAge: 5) c: City }
			type City @key(fields: "id") { id: ID! }`,
		"own roots": `schema { query: Root } type Root { a: Int } type Mutation { id: ID }`,
	} {
		s, err := ParseSchema(name, sdl)
		if err != nil {
			t.Error(err)
			continue
		}
		if p := Build(s, "{__typename}", "", Options{}); len(p.Errors()) > 0 {
			t.Errorf("%s: %v", name, p.Errors())
		}
	}
}

func TestSubgraphAnswersItsRouter(t *testing.T) {
	s, err := ParseSchema("s", `
		extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", {name: "@cacheControl", as: "@hint"}])
		type City @key(fields: "code") @hint(maxAge: 30) { code: ID! name: String }
		type Street @key(fields: "id", resolvable: false) { id: ID! }
		type Query { city: City street: Street }`)
	if err != nil {
		t.Fatal(err)
	}
	p := Build(s, `query($r: [_Any!]!) { _entities(representations: $r) { ... on City { code name } } }`, "", Options{})
	if len(p.Errors()) > 0 {
		t.Fatal(p.Errors())
	}
	if c := p.Cache(); !c.Cacheable || c.MaxAge != 30 || !c.Hinted {
		t.Errorf("%+v", c)
	}
	if p := Build(s, `{ _service { sdl } }`, "", Options{}); len(p.Errors()) > 0 {
		t.Error(p.Errors())
	}
	if p := Build(s, `query($r: [_Any!]!) { _entities(representations: $r) { ... on Street { id } } }`, "", Options{}); len(p.Errors()) == 0 {
		t.Error("an entity that cannot be resolved is a member")
	}
	var tags Tags
	p = Build(s, `{ city { code name } }`, "", Options{})
	p.Inspect([]byte(`{"data":{"city":{"code":"x7","name":"n"}}}`), &tags)
	if got := list(&tags); got != "City City:x7" {
		t.Errorf("tags %s", got)
	}
}

func list(t *Tags) string {
	out := make([]string, 0, t.Len())
	for i := range t.Len() {
		out = append(out, string(t.At(i)))
	}
	return strings.Join(out, " ")
}

func TestSchemaHashKnowsMeaningOnly(t *testing.T) {
	hash := func(sdl string) [32]byte {
		s, err := ParseSchema("s", sdl)
		if err != nil {
			t.Fatal(err)
		}
		return s.Hash()
	}
	base := `type Query { a(x: Int = 1): Int b: City @cacheControl(maxAge: 5) } type City { id: ID } enum E { A B }`
	same := "\"about\" enum E { \"the first\" B, A }\n# comment\ntype City { id: ID }\ntype Query { b: City @cacheControl(maxAge: 5) a(x: Int = 1): Int }"
	if hash(base) != hash(same) {
		t.Error("layout, order and descriptions change the hash")
	}
	for _, other := range []string{
		strings.Replace(base, "maxAge: 5", "maxAge: 6", 1), strings.Replace(base, "= 1", "= 2", 1), strings.Replace(base, "id: ID", "id: ID!", 1),
		strings.Replace(base, "A B", "A B C", 1), strings.Replace(base, "b: City", "c: City", 1), strings.Replace(base, "x: Int", "y: Int", 1),
		base + " type Mutation { a: Int }", base + " interface I { a: Int }", base + " union U = City",
	} {
		if hash(base) == hash(other) {
			t.Errorf("same hash: %s", other)
		}
	}
}

// TestIntrospectionGivesTheSchema takes the way of a real server: the schema is built and introspected by graphql-js, and what is read from the
// result must mean the same as the SDL without the directives that introspection does not tell.
func TestIntrospectionGivesTheSchema(t *testing.T) {
	sdl := worldSDL(t)
	answers := jsoracle.Run[string, json.RawMessage](t, "introspect", map[string]string{"sdl": sdl}, []string{IntrospectionQuery, IntrospectionQueryBasic})
	full, err := ParseIntrospection(answers[0])
	if err != nil {
		t.Fatal(err)
	}
	plain := sdl
	for _, d := range []string{`@cacheControl\([^)]*\)`, `@cacheTag\([^)]*\)`, `@cost\([^)]*\)`, `@listSize\([^)]*\)`} {
		plain = without(plain, d)
	}
	plain = strings.ReplaceAll(plain, "old: String @deprecated", `old: String @deprecated(reason: "No longer supported")`)
	want, err := ParseSchema("world.graphql", plain)
	if err != nil {
		t.Fatal(err)
	}
	if full.Hash() != want.Hash() {
		t.Error("the schema from introspection differs from the schema of the SDL")
	}
	basic, err := ParseIntrospection(answers[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{IntrospectionQuery, IntrospectionQueryBasic} {
		if p := Build(full, query, "", Options{}); len(p.Errors()) > 0 || len(p.Violations()) > 0 || !p.Introspects() {
			t.Errorf("%v %v", p.Errors(), p.Violations())
		}
	}
	var v Values
	for name, s := range map[string]*Schema{"full": full, "basic": basic} {
		p := Build(s, `query($by: By!, $f: CityFilter) { country(by: $by) { cities(filter: $f) { nodes { old founded area(unit: NAUTICAL) } } } }`, "", Options{})
		if len(p.Errors()) > 0 {
			t.Fatalf("%s: %v", name, p.Errors())
		}
		if errs := p.Coerce([]byte(`{"by":{"id":1,"name":"x"}}`), &v); (len(errs) > 0) != (name == "full") {
			t.Errorf("%s: oneOf: %v", name, errs)
		}
		if errs := p.Coerce([]byte(`{"by":{"id":1},"f":{"population":{"max":3}}}`), &v); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
		}
		if x, ok := v.Find("f", []string{"population", "min"}).Int(); !ok || x != 0 {
			t.Errorf("%s: the default of an input field is lost", name)
		}
		var tags Tags
		p.Inspect([]byte(`{"data":{"country":null}}`), &tags)
		if list(&tags) != "Country list:Country" {
			t.Errorf("%s: %s", name, list(&tags))
		}
	}
}

func TestIntrospectionThatIsNone(t *testing.T) {
	for in, want := range map[string]string{
		``: "introspection: ", `{}`: "no __schema", `{"data":null}`: "no __schema", `{"errors":[{"message":"not allowed"}]}`: "refused: not allowed",
		`{"data":{"__schema":{"queryType":{"name":"Q"},"types":[]}}}`:                                                                          "introspection:1:1: Schema root query refers to a type Q",
		`{"__schema":{"types":[{"kind":"BLOB","name":"X"}]}}`:                                                                                  `type X: unknown kind "BLOB"`,
		`{"__schema":{"types":[{"kind":"OBJECT","name":"X","fields":[{"name":"a","type":{"kind":"LIST"}}]}]}}`:                                 "wrapped deeper",
		`{"__schema":{"types":[{"kind":"INPUT_OBJECT","name":"X","inputFields":[{"name":"a","type":{"name":"Int"},"defaultValue":"1) b"}]}]}}`: "is not a value",
	} {
		if _, err := ParseIntrospection([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func without(text, pattern string) string {
	return regexp.MustCompile(pattern).ReplaceAllString(text, "")
}
