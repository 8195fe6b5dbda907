package planner

import (
	"slices"
	"strings"
	"testing"
)

// held are rights of a caller who is authenticated.
type held []string

func (held) Authenticated() bool       { return true }
func (h held) Scope(name string) bool  { return slices.Contains(h, name) }
func (h held) Policy(name string) bool { return slices.Contains(h, "p:"+name) }

const guarded = `
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/authenticated/v0.1", as: "login", for: SECURITY)
	@link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY) @link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY) { query: Query mutation: Mutation }
directive @login on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
type Query @join__type(graph: A) @join__type(graph: B) {
	open: Int @join__field(graph: A)
	me: User @login @join__field(graph: A)
	users: [[User]] @join__field(graph: A)
	card: Card @join__field(graph: A)
	level: Level @join__field(graph: A)
	animal: Animal @join__field(graph: A)
	named: Named @join__field(graph: A)
	any: Any @join__field(graph: A)
}
type Mutation @join__type(graph: A) { wipe: Int @requiresScopes(scopes: [["admin"]]) set: Int }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
	id: ID!
	name: String @join__field(graph: A)
	email: String! @requiresScopes(scopes: [["email", "read"], ["admin"]]) @join__field(graph: A) @join__field(graph: B, external: true)
	mask: String @join__field(graph: B, requires: "email")
	notes: String @policy(policies: [["staff"]]) @login @join__field(graph: B)
	never: String @policy(policies: []) @join__field(graph: A)
}
type Card @login @join__type(graph: A) { number: String }
enum Level @requiresScopes(scopes: [["level"]]) @join__type(graph: A) { HIGH @join__enumValue(graph: A) }
interface Animal @join__type(graph: A) { name: String @requiresScopes(scopes: [["zoo"]]) age: Int }
interface Named @join__type(graph: A) @requiresScopes(scopes: [["named"]]) { title: String }
type Cat implements Animal @join__implements(graph: A, interface: "Animal") @join__type(graph: A) { name: String age: Int }
type Dog implements Animal & Named @join__implements(graph: A, interface: "Animal") @join__implements(graph: A, interface: "Named") @join__type(graph: A) { name: String age: Int @login title: String }
union Any @join__type(graph: A) @join__unionMember(graph: A, member: "Cat") @join__unionMember(graph: A, member: "Card") = Cat | Card
`

func TestRights(t *testing.T) {
	s, err := LoadSupergraph("s", joinDirectives+guarded)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, document, variables string
		rights                    Rights
		denied, steps             string // joined by blanks; steps: the documents
	}{
		{"what is open", `{ open }`, "", nil, "", "{open}"},
		{"nobody", `{ open me { name } }`, "", nil, "me", "{open}"},
		{"nobody at all", `{ me { name } }`, "", nil, "me", ""},
		{"authenticated", `{ me { name } }`, "", held{}, "", "{me{name}}"},
		{"no scope", `{ me { name email } }`, "", held{}, "me.email", "{me{name}}"},
		{"half of a list", `{ me { email } }`, "", held{"email"}, "me.email", "{me{__typename}}"},
		{"one list", `{ me { email } }`, "", held{"email", "read"}, "", "{me{email}}"},
		{"another list", `{ me { email } }`, "", held{"admin"}, "", "{me{email}}"},
		{"an alias", `{ me { name: email x: name } }`, "", held{}, "me.name", "{me{x:name}}"},
		{"a fragment", `{ me { ...f } } fragment f on User { ...g } fragment g on User { email id }`, "", held{}, "me.email", "{me{id}}"},
		{"elements of lists", `{ users { email id } }`, "", held{}, "users.@.@.email", "{users{id}}"},
		{"what a field requires", `{ me { id mask } }`, "", held{}, "me.mask", "{me{id}}"},
		{"a policy of a second subgraph", `{ me { id notes } }`, "", held{"staff"}, "me.notes", "{me{id}}"},
		{"a policy that is held", `{ me { notes } }`, "", held{"p:staff"}, "", "{me{id}} query($_r:[_Any!]!){_entities(representations:$_r){...on User{notes}}}"},
		{"an empty policy", `{ me { id never } }`, "", held{"p:", "admin"}, "me.never", "{me{id}}"},
		{"a type", `{ open card { number } }`, "", nil, "card", "{open}"},
		{"an enum", `{ open level }`, "", held{}, "level", "{open}"},
		{"a field of an interface", `{ animal { name } }`, "", held{}, "animal.name", "{animal{__typename}}"},
		{"the same by the objects", `{ animal { ... on Cat { name } ... on Dog { name } } }`, "", held{}, "animal.name", "{animal{__typename}}"},
		{"one implementation asks for more", `{ animal { age } }`, "", nil, "animal.age", "{animal{__typename}}"},
		{"the other one is asked for", `{ animal { ... on Cat { age } } }`, "", nil, "", "{animal{__typename...on Cat{age}}}"},
		{"through another interface", `{ animal { ... on Named { title } } }`, "", held{}, "animal.title", "{animal{__typename}}"},
		{"an interface", `{ open named { __typename } }`, "", held{}, "named", "{open}"},
		{"a member of a union", `{ any { ... on Card { number } ... on Cat { age } } }`, "", nil, "any.number", "{any{__typename...on Cat{age}}}"},
		{"skipped", `query($s: Boolean!) { open me @skip(if: $s) { name } }`, `{"s":true}`, nil, "", "{open}"},
		{"not skipped", `query($s: Boolean!) { open me @skip(if: $s) { name } }`, `{"s":false}`, nil, "me", "{open}"},
		{"skipped once of two", `query($s: Boolean!) { open me @skip(if: $s) { name } ... @include(if: true) { me { id } } }`, `{"s":true}`, nil, "me", "{open}"},
		{"a mutation", `mutation { wipe set }`, "", held{}, "wipe", "mutation{set}"},
		{"introspection", `{ __type(name: "Card") { name } __typename }`, "", nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Build(s.Schema(), c.document, "", Options{})
			if len(p.Errors()) > 0 {
				t.Fatal(p.Errors())
			}
			var v Values
			p.Coerce([]byte(c.variables), &v)
			for range 2 {
				plan, err := p.FetchesFor(&v, c.rights)
				if err != nil {
					t.Fatal(err)
				}
				var denied, steps []string
				for _, path := range plan.Denied {
					denied = append(denied, strings.Join(path, "."))
				}
				for i := range plan.Steps {
					steps = append(steps, plan.Steps[i].Query)
				}
				if got := strings.Join(denied, " "); got != c.denied {
					t.Errorf("denied %q, want %q", got, c.denied)
				}
				if got := strings.Join(steps, " "); got != c.steps {
					t.Errorf("steps %q, want %q", got, c.steps)
				}
			}
		})
	}
}

// A caller's variant is made once, and found without an allocation; one who may have all has the plan of nobody else's making.
func TestRightsFindTheirVariant(t *testing.T) {
	s, err := LoadSupergraph("s", joinDirectives+guarded)
	if err != nil {
		t.Fatal(err)
	}
	p := Build(s.Schema(), `{ open me { name email } }`, "", Options{})
	var v Values
	p.Coerce(nil, &v)
	nobody, _ := p.Fetches(&v)
	some, _ := p.FetchesFor(&v, held{})
	all, _ := p.FetchesFor(&v, held{"admin"})
	if nobody == some || some == all || len(all.Denied) != 0 || !slices.Equal(all.Requirements, []string{"@authenticated", `@requiresScopes(scopes: [["email", "read"], ["admin"]])`}) {
		t.Errorf("%v %v %v %v", nobody.Denied, some.Denied, all.Denied, all.Requirements)
	}
	var rights Rights = held{}
	if n := testing.AllocsPerRun(100, func() {
		if again, _ := p.FetchesFor(&v, rights); again != some {
			t.Error("another plan")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
