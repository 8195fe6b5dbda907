package cachepolicy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

const directives = `
enum CacheControlScope { PUBLIC PRIVATE }
directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
directive @stream(if: Boolean = true, initialCount: Int = 0) on FIELD
`

func load(t testing.TB, sdl string) *ast.Schema {
	t.Helper()
	schema := gqltest.Schema(t, directives+sdl)
	return schema
}

func compute(t testing.TB, schema *ast.Schema, document string, defaultMaxAge int) Policy {
	t.Helper()
	doc := gqltest.Document(t, document)
	return Compute(schema, doc, doc.Operations[0], defaultMaxAge, nil, nil)
}

const world = `
type City @cacheControl(maxAge: 60) { id: ID! name: String population: Int @cacheControl(maxAge: 5) mayor: Person twin: City @cacheControl(maxAge: 300) secret: String @cacheControl(scope: PRIVATE)
  country: Country near: [City!] @cacheControl(inheritMaxAge: true) tag: Tag flag: Flag @cacheControl(maxAge: 30) rules: Rules }
type Country { name: String capital: City area: Area @cacheControl(inheritMaxAge: true) }
type Area { km2: Int @cacheControl(maxAge: 1000) }
type Person @cacheControl(maxAge: 40, scope: PRIVATE) { name: String public: Person @cacheControl(scope: PUBLIC) }
type Tag @cacheControl(inheritMaxAge: true) { text: String }
type Flag @cacheControl(inheritMaxAge: true, scope: PRIVATE) { text: String }
type Rules @cacheControl(inheritMaxAge: true, maxAge: 1) { text: String }
interface Place @cacheControl(maxAge: 100) { id: ID! title: String @cacheControl(maxAge: 1) owner: Owner }
type Park implements Place { id: ID! title: String @cacheControl(maxAge: 50) owner: Owner trees: Int @cacheControl(maxAge: 20) }
type Lake implements Place @cacheControl(maxAge: 2) { id: ID! title: String owner: Owner @cacheControl(maxAge: 10) depth: Int @cacheControl(maxAge: 3, scope: PRIVATE) }
type Owner @cacheControl(maxAge: 80) { name: String }
union Thing @cacheControl(maxAge: 70) = Park | Lake | City
union Odd = Park | City
interface Empty { x: Int }
type Ext { x: Int }
extend type Ext @cacheControl(maxAge: 15)
type Query {
  city: City
  cities: [City!]!
  country: Country
  freeCountry: Country @cacheControl(maxAge: 90)
  inheritCountry: Country @cacheControl(inheritMaxAge: true)
  name: String
  longName: String @cacheControl(maxAge: 500)
  never: City @cacheControl(maxAge: 0)
  negative: City @cacheControl(maxAge: -5)
  person: Person
  place: Place
  thing: Thing
  odd: Odd @cacheControl(maxAge: 33)
  tag: Tag
  empty: Empty @cacheControl(maxAge: 12)
  ext: Ext
  huge: String @cacheControl(maxAge: 99999999999)
}
type Mutation { city: City }
type Subscription { city: City }
`

func TestPolicies(t *testing.T) {
	schema := load(t, world)
	for _, c := range []struct {
		name, document string
		fallback       int
		maxAge         int // -1: not cacheable
		private        bool
		path, reason   string // reason: a part of it
	}{
		{"the type's hint", `{city {name}}`, 0, 60, false, "city", "maxAge 60 by type City"},
		{"through lists", `{cities {name}}`, 0, 60, false, "cities", "type City"},
		{"a scalar's own hint", `{city {population}}`, 0, 5, false, "city.population", "field City.population"},
		{"scalars inherit", `{city {id name}}`, 0, 60, false, "city", ""},
		{"field beats type, upward", `{city {twin {name}}}`, 0, 60, false, "city", ""},
		{"field beats type, at the root", `{never {name}}`, 0, -1, false, "never", "maxAge 0 by field Query.never"},
		{"negative is none", `{negative {name}}`, 0, -1, false, "negative", "maxAge 0"},
		{"beyond an Int is none", `{huge}`, 0, -1, false, "huge", ""},
		{"root scalar without a hint", `{name}`, 0, -1, false, "name", "maxAge 0 by default: field Query.name gives none"},
		{"root scalar with the default", `{name}`, 7, 7, false, "name", "default"},
		{"root scalar's own hint", `{longName}`, 0, 500, false, "longName", ""},
		{"object without hints", `{country {name}}`, 0, -1, false, "country", "neither field Query.country nor its type"},
		{"object without hints, default", `{country {name}}`, 25, 25, false, "country", "default"},
		{"composite below takes the default", `{city {country {name}}}`, 0, -1, false, "city.country", "default"},
		{"composite below, default greater", `{city {country {name}}}`, 600, 60, false, "city", ""},
		{"the field says for its type", `{freeCountry {name}}`, 0, 90, false, "freeCountry", "field Query.freeCountry"},
		{"inheritMaxAge at the root gets the default", `{inheritCountry {name}}`, 0, -1, false, "inheritCountry", "default"},
		{"inheritMaxAge below", `{freeCountry {area {km2}}}`, 0, 90, false, "freeCountry", ""},
		{"inheritMaxAge on the type", `{city {tag {text}}}`, 0, 60, false, "city", ""},
		{"inheritMaxAge on the type, at the root", `{tag {text}}`, 0, -1, false, "tag", "default"},
		{"inheritMaxAge beside maxAge voids it", `{city {rules {text}}}`, 0, 60, false, "city", ""},
		{"field's maxAge over the type's inheritance", `{city {flag {text}}}`, 0, 30, true, "city.flag", "private by type Flag at city.flag"},
		{"the type's maxAge over the field's inheritance", `{city {twin {near {name}}}}`, 0, 60, false, "city", ""},
		{"private by a scalar", `{city {secret}}`, 0, 60, true, "city", "private by field City.secret at city.secret"},
		{"private by a type", `{city {mayor {name}}}`, 0, 40, true, "city.mayor", "private by type Person at city.mayor"},
		{"the field's scope beats the type's", `{city {mayor {name}} person {name}}`, 0, 40, true, "city.mayor", ""},
		{"public only where the field says so", `{person {public {name}}}`, 0, 40, true, "person", "private by type Person at person"},
		{"aliases make the path", `{c: city {p: population}}`, 0, 5, false, "c.p", ""},
		{"an interface's own hint", `{place {id}}`, 0, 100, false, "place", "type Place"},
		{"fields of the interface's members", `{place {title}}`, 0, 50, false, "place.title", "field Park.title"},
		{"types behind the members' fields", `{place {owner {name}}}`, 0, 10, false, "place.owner", "field Lake.owner"},
		{"only the named member", `{place {... on Park {title owner {name}}}}`, 0, 50, false, "place.title", ""},
		{"private on one member only", `{place {... on Lake {depth}}}`, 0, 3, true, "place.depth", ""},
		{"a union's own hint", `{thing {... on City {name}}}`, 0, 70, false, "thing", "type Thing"},
		{"a union without one", `{odd {... on Park {id}}}`, 0, 33, false, "odd", "field Query.odd"},
		{"narrowed twice", `{thing {... on Place {... on Lake {title} ... on City {population}}}}`, 0, 70, false, "thing", ""},
		{"an interface nobody implements", `{empty {x}}`, 0, 12, false, "empty", ""},
		{"hints of extensions", `{ext {x}}`, 0, 15, false, "ext", ""},
		{"typename alone", `{__typename}`, 100, -1, false, "", "no field says"},
		{"introspection alone", `{__schema {types {name}} __type(name: "City") {name}}`, 100, -1, false, "", "no field says"},
		{"introspection adds nothing", `{city {__typename name} __schema {types {name}}}`, 0, 60, false, "city", ""},
		{"fragments", `{...A} fragment A on Query {city {...B}} fragment B on City {population}`, 0, 5, false, "city.population", ""},
		{"a fragment met on two types", `{place {...P} thing {...P}} fragment P on Place {title}`, 0, 50, false, "place.title", ""},
		{"a fragment at the root and below", `{...Q}  fragment Q on Query {name}`, 9, 9, false, "name", ""},
		{"cycles end", `{city {...A}} fragment A on City {name twin {...A}}`, 0, 60, false, "city", ""},
		{"literally skipped", `{city {population @skip(if: true) name}}`, 0, 60, false, "city", ""},
		{"literally not included", `{city {... @include(if: false) {population} ...F @include(if: false) name}} fragment F on City {secret}`, 0, 60, false, "city", ""},
		{"perhaps skipped counts", `query ($v: Boolean!) {city {population @skip(if: $v) name}}`, 0, 5, false, "city.population", ""},
		{"defer", `{city {name ... @defer {population}}}`, 0, -1, false, "city", "@defer makes the response incremental"},
		{"defer switched off", `{city {name ... @defer(if: false) {population}}}`, 0, 5, false, "city.population", ""},
		{"defer by variable", `query ($v: Boolean!) {city {name ... @defer(if: $v) {population}}}`, 0, -1, false, "city", "@defer"},
		{"stream", `{cities @stream {name}}`, 0, -1, false, "cities", "@stream"},
		{"mutation", `mutation {city {name}}`, 100, -1, false, "", "a mutation is never cached"},
		{"subscription", `subscription {city {name}}`, 100, -1, false, "", "a subscription is never cached"},
		{"unknown field", `{city {nothing}}`, 100, -1, false, "city.nothing", "City.nothing is not in the schema"},
		{"negative default is none", `{name}`, -1, -1, false, "name", "maxAge 0 by default"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compute(t, schema, c.document, c.fallback)
			if p.Cacheable != (c.maxAge > 0) || p.MaxAge != max(c.maxAge, 0) || p.Private != c.private || p.Path != c.path || !strings.Contains(p.Reason, c.reason) {
				t.Errorf("%s\n got  %+v\n want maxAge %d, private %v, path %q, reason %q", c.document, p, c.maxAge, c.private, c.path, c.reason)
			}
		})
	}
}

func TestEntities(t *testing.T) {
	schema := load(t, `
		scalar _Any
		type City @cacheControl(maxAge: 60) { id: ID! name: String @cacheControl(maxAge: 50) }
		type Person @cacheControl(maxAge: 40, scope: PRIVATE) { id: ID! }
		type Bare { id: ID! }
		type Inherits @cacheControl(inheritMaxAge: true) { id: ID! }
		interface Node @cacheControl(maxAge: 1) { id: ID! }
		union _Entity = City | Person | Bare | Inherits
		type Query { _entities(representations: [_Any!]!): [_Entity]! x: Int }`)
	for document, want := range map[string]Policy{
		`query($r: [_Any!]!) {_entities(representations: $r) {... on City {id}}}`:                                {Cacheable: true, MaxAge: 60},
		`query($r: [_Any!]!) {_entities(representations: $r) {__typename ... on City {name}}}`:                   {Cacheable: true, MaxAge: 50},
		`query($r: [_Any!]!) {_entities(representations: $r) {... on City {id} ... on Person {id}}}`:             {Cacheable: true, MaxAge: 40, Private: true},
		`query($r: [_Any!]!) {_entities(representations: $r) {... on City {id} ...B}} fragment B on Bare {id}`:   {},
		`query($r: [_Any!]!) {_entities(representations: $r) {... on Inherits {id}}}`:                            {},
		`query($r: [_Any!]!) {_entities(representations: $r) {__typename}}`:                                      {Private: true},
		`query($r: [_Any!]!) {_entities(representations: $r) {... on City {id} ... on Person {__typename}}}`:     {Cacheable: true, MaxAge: 60},
		`query($r: [_Any!]!) {_entities(representations: $r) {... on City {id ...L}}} fragment L on City {...L}`: {Cacheable: true, MaxAge: 60},
	} {
		got := compute(t, schema, document, 0)
		t.Logf("%+v", got)
		got.Reason, got.Path, got.Share, got.ShareReason, got.Given, got.Open = "", "", 0, "", false, ""
		if got != want {
			t.Errorf("%s\n got  %+v\n want %+v", document, got, want)
		}
	}
}

func TestHostileDocumentsEnd(t *testing.T) {
	schema := load(t, world)
	bomb := "{city {...F0}}" + gqltest.Repeat(3000, func(i int) string {
		return fmt.Sprintf("fragment F%d on City {a: twin {...F%d} b: twin {...F%d}}", i, (i+1)%3000, (i+1)%3000)
	})
	if p := compute(t, schema, bomb, 0); p.MaxAge != 60 {
		t.Errorf("%+v", p)
	}
	// An interface of many types whose fields are all looked at on each.
	const n = 1000
	wide := load(t, "interface I @cacheControl(maxAge: 9) {x: Int i: I} type Query {i: I} "+gqltest.Repeat(n, func(i int) string { return fmt.Sprintf("type T%d implements I {x: Int i: I}", i) }))
	if p := compute(t, wide, "{i {"+gqltest.Repeat(5000, func(i int) string { return fmt.Sprintf("a%d: x", i) })+"}}", 0); p.Cacheable || p.Reason != tooLarge {
		t.Errorf("%+v", p)
	}
	if p := compute(t, wide, "{i {"+gqltest.Repeat(100, func(i int) string { return fmt.Sprintf("a%d: x", i) })+"}}", 0); p.MaxAge != 9 {
		t.Errorf("%+v", p)
	}
}

func TestWithoutSchema(t *testing.T) {
	doc := gqltest.Document(t, "{a}")
	if p := Compute(nil, doc, doc.Operations[0], 100, nil, nil); p.Cacheable || p.Reason == "" {
		t.Errorf("%+v", p)
	}
}

func BenchmarkCompute(b *testing.B) {
	schema := load(b, world)
	doc := gqltest.Document(b, `{city {name twin {name near {id}}} place {title owner {name}} thing {... on City {name} ...P}} fragment P on Place {title}`)
	b.ReportAllocs()
	for b.Loop() {
		Compute(schema, doc, doc.Operations[0], 0, nil, nil)
	}
}
