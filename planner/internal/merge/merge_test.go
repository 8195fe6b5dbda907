package merge

import (
	"strings"
	"testing"

	"github.com/weirproxy/weir/planner/internal/gqltest"
)

// ruleCases are the situations the specification and its implementations discuss, in own documents.
var ruleCases = []struct {
	name, document string
	why            string // part of the first message, "" when the document passes
}{
	{"unique fields", `{dog {name size}}`, ""},
	{"identical fields", `{dog {name name}}`, ""},
	{"identical arguments", `{dog {name(long: true) name(long: true)}}`, ""},
	{"arguments in another order", `{dog {name(long: true, n: 1) name(n: 1, long: true)}}`, ""},
	{"input fields in another order", `{dog {friend(where: {x: 1, y: ["a"]}) {name} friend(where: {y: ["a"], x: 1}) {name}}}`, ""},
	{"list elements in another order", `{dog {friend(where: {y: ["a", "b"]}) {name} friend(where: {y: ["b", "a"]}) {name}}}`, "their arguments differ"},
	{"number and text", `{pet(id: 1) {name} pet(id: "1") {name}}`, "their arguments differ"},
	{"block string and string", `{dog {friend(where: {y: "a"}) {name} friend(where: {y: """a"""}) {name}}}`, "their arguments differ"},
	{"with and without arguments", `{dog {name name(long: true)}}`, "their arguments differ"},
	{"variables of one name", `query($n: Int) {dog {name(n: $n) name(n: $n)}}`, ""},
	{"variables of two names", `query($n: Int, $m: Int) {dog {name(n: $n) name(n: $m)}}`, "their arguments differ"},
	{"alias masks a field", `{dog {name: title name}}`, `"title" and "name" are different fields`},
	{"same alias", `{dog {a: title a: name}}`, `"title" and "name" are different fields`},
	{"same alias on exclusive types", `{pet {... on Dog {a: name} ... on Cat {a: title}}}`, "different shape"},
	{"exclusive types, same shape", `{pet {... on Dog {a: title} ... on Cat {a: title}}}`, ""},
	{"exclusive types, different arguments", `{pet {... on Dog {name(n: 1)} ... on Cat {name(n: 2)}}}`, ""},
	{"interface is not exclusive", `{pet {... on Dog {name(n: 1)} ... on Pet {name(n: 2)}}}`, "their arguments differ"},
	{"interface between exclusive types", `{pet {name ... on Dog {name} ... on Cat {name(n: 2)}}}`, "their arguments differ"},
	{"different nullability", `{pet {... on Dog {size} ... on Cat {size}}}`, `their types "Int" and "Int!"`},
	{"list against none", `{thing {... on Dog {tags} ... on Human {tags}}}`, "different shape"},
	{"lists of different elements", `{pet {... on Dog {tags} ... on Cat {tags}}}`, "different shape"},
	{"list of objects against an object", `{pet {... on Dog {litter {name}} ... on Cat {litter {name}}}}`, "different shape"},
	{"different composite types", `{pet {... on Dog {best {name}} ... on Cat {best {name}}}}`, ""},
	{"behind different composite types", `{pet {... on Dog {best {a: name}} ... on Cat {best {a: size}}}}`, `Fields at "pet.best.a"`},
	{"behind exclusive types arguments may differ", `{pet {... on Dog {best {name(n: 1)}} ... on Cat {best {name(n: 2)}}}}`, ""},
	{"scalars of different names", `{thing {... on Dog {code} ... on Cat {code}}}`, `"ID" and "String"`},
	{"scalar against composite", `{thing {... on Dog {a: owner {name}} ... on Cat {a: title}}}`, "different shape"},
	{"deep conflict", `{dog {a: name} dog {a: title}}`, `Fields at "dog.a"`},
	{"very deep conflict", `{dog {owner {pet {a: name}}} dog {owner {pet {a: title}}}}`, `Fields at "dog.owner.pet.a"`},
	{"in fragments", `{dog {...A ...B}} fragment A on Dog {a: name} fragment B on Dog {a: title}`, "are different fields"},
	{"in nested fragments", `{dog {...A a: name}} fragment A on Dog {...B} fragment B on Dog {a: title}`, "are different fields"},
	{"through fields and fragments", `{dog {...A} dog {owner {a: title}}} fragment A on Dog {owner {...B}} fragment B on Human {a: name}`, `Fields at "dog.owner.a"`},
	{"in a fragment nobody uses", `{dog {name}} fragment A on Dog {a: name a: title}`, `Fields at "a"`},
	{"across operations nothing meets", `query A {dog {a: name}} query B {dog {a: title}}`, ""},
	{"a spread that is not defined", `{dog {...Nothing name}}`, ""},
	{"a fragment in itself", `{dog {...A}} fragment A on Dog {name friend {...A}}`, ""},
	{"a fragment in itself, conflicting", `{dog {...A}} fragment A on Dog {a: name friend {a: title ...A}}`, `Fields at "dog.friend.a"`},
	{"a fragment directly in itself", `{dog {...A}} fragment A on Dog {name ...A}`, ""},
	{"two in each other", `{dog {...A}} fragment A on Dog {name ...B} fragment B on Dog {name ...A}`, ""},
	{"two in each other, conflicting, used by none", `{dog {name}} fragment A on Dog {a: name ...B} fragment B on Dog {a: title ...A}`, "are different fields"},
	{"unknown fields of one name", `{dog {nothing nothing}}`, ""},
	{"unknown fields under one alias", `{dog {a: nothing a: nobody}}`, "are different fields"},
	{"unknown against known on exclusive types", `{pet {... on Dog {a: nothing} ... on Cat {a: title}}}`, ""},
	{"known ones behind an unknown one", `{pet {... on Dog {a: nothing} ... on Cat {a: size} ... on Human {a: title}}}`, "different shape"},
	{"typename has no shape", `{pet {... on Dog {a: __typename} ... on Cat {a: size}}}`, ""},
	{"introspection", `{__type(name: "A") {name} __type(name: "A") {kind}}`, ""},
	{"introspection conflicting", `{__type(name: "A") {name} __type(name: "B") {name}}`, "their arguments differ"},
	{"unknown condition", `{dog {... on Nothing {a: name} a: title}}`, "are different fields"},
	{"mutation", `mutation {dog {a: name a: title}}`, "are different fields"},
}

func TestRule(t *testing.T) {
	schema := pets(t)
	for _, c := range ruleCases {
		t.Run(c.name, func(t *testing.T) {
			errs, exhausted := Check(schema, gqltest.Document(t, c.document), 0)
			if exhausted {
				t.Fatal("exhausted")
			}
			switch {
			case c.why == "" && len(errs) > 0:
				t.Errorf("%s: %v", c.document, errs[0].Message)
			case c.why != "" && len(errs) == 0:
				t.Errorf("%s passed, want %q", c.document, c.why)
			case c.why != "" && !strings.Contains(errs[0].Message, c.why):
				t.Errorf("%s: %s, want %q", c.document, errs[0].Message, c.why)
			case c.why != "" && len(errs[0].Locations) != 2:
				t.Errorf("%s: locations %v", c.document, errs[0].Locations)
			}
		})
	}
}
