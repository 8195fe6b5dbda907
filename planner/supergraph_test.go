package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const joinDirectives = `
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: String, provides: String, type: String, external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: String, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
enum join__Graph { A @join__graph(name: "a", url: "http://a") B @join__graph(name: "b", url: "http://b") C @join__graph(name: "c", url: "http://c") }
`

// Plans of small supergraphs, as the requests they consist of: "step subgraph <-after query".
func TestFetchPlans(t *testing.T) {
	for _, c := range []struct {
		name, sdl, document string
		labels              []string
		want                []string
	}{
		{
			name: "a mutation's root fields wait for all that belongs to those before them",
			sdl: `type Query @join__type(graph: A) { x: Int }
				type Mutation @join__type(graph: A) @join__type(graph: B) { one: T @join__field(graph: A) two: T @join__field(graph: B) three: T @join__field(graph: B) }
				type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! a: Int @join__field(graph: A) b: Int @join__field(graph: B) }`,
			document: `mutation { one { b } two { b } three { a } }`,
			want: []string{
				`0 a <-[] mutation{one{id}}`,
				`1 b <-[0] query($_r:[_Any!]!){_entities(representations:$_r){...on T{b}}}`,
				`2 b <-[0 1] mutation{two{b}three{id}}`,
				`3 a <-[2] query($_r:[_Any!]!){_entities(representations:$_r){...on T{a}}}`,
			},
		},
		{
			name: "a label that is off leaves the field to the other subgraph",
			sdl: `type Query @join__type(graph: A) { t: T @join__field(graph: A) }
				type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! x: Int @join__field(graph: A) @join__field(graph: B, override: "a", overrideLabel: "moved") }`,
			document: `{ t { x } }`,
			want:     []string{`0 a <-[] {t{x}}`},
		},
		{
			name: "a label that is on gives it to the one that overrides",
			sdl: `type Query @join__type(graph: A) { t: T @join__field(graph: A) }
				type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! x: Int @join__field(graph: A) @join__field(graph: B, override: "a", overrideLabel: "moved") }`,
			document: `{ t { x } }`,
			labels:   []string{"moved"},
			want:     []string{`0 a <-[] {t{id}}`, `1 b <-[0] query($_r:[_Any!]!){_entities(representations:$_r){...on T{x}}}`},
		},
		{
			name: "entities of two kinds for one subgraph are one request",
			sdl: `type Query @join__type(graph: A) { t: T @join__field(graph: A) u: U @join__field(graph: A) }
				type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! x(n: Int): Int @join__field(graph: B) }
				type U @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! y: Int @join__field(graph: B) }`,
			document: `query ($n: Int = 3) { t { x(n: $n) } u { y } }`,
			want: []string{
				`0 a <-[] {t{id}u{id}}`,
				`1 b <-[0] query($_r0:[_Any!]!,$_r1:[_Any!]!,$n:Int=3){_e0:_entities(representations:$_r0){...on T{x(n:$n)}}_e1:_entities(representations:$_r1){...on U{y}}}`,
			},
		},
		{
			name: "a key that is not resolvable leads nowhere, but names the entity elsewhere",
			sdl: `type Query @join__type(graph: A) @join__type(graph: B) { t: T @join__field(graph: A) }
				type T @join__type(graph: A, key: "id", resolvable: false) @join__type(graph: B, key: "id") { id: ID! x: Int @join__field(graph: B) }`,
			document: `{ t { x } }`,
			want:     []string{`0 a <-[] {t{id}}`, `1 b <-[0] query($_r:[_Any!]!){_entities(representations:$_r){...on T{x}}}`},
		},
		{
			name: "a subscription's event is completed by other subgraphs",
			sdl: `type Query @join__type(graph: A) { x: Int }
				type Subscription @join__type(graph: A) { t: T @join__field(graph: A) }
				type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! x: Int @join__field(graph: B) }`,
			document: `subscription { t { x } }`,
			want:     []string{`0 a <-[] subscription{t{id}}`, `1 b <-[0] query($_r:[_Any!]!){_entities(representations:$_r){...on T{x}}}`},
		},
		{
			name: "what a field requires comes under a key that is not the client's",
			sdl: `type Query @join__type(graph: A) { t: T @join__field(graph: A) }
				type T @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! price(in: String): Int @join__field(graph: A) @join__field(graph: B, external: true) x: Int @join__field(graph: B, requires: "price(in: \"USD\")") }`,
			document: `{ t { price(in: "EUR") x } }`,
			want: []string{
				`0 a <-[] {t{id _w0_price:price(in:"USD")price(in:"EUR")}}`,
				`1 b <-[0] query($_r:[_Any!]!){_entities(representations:$_r){...on T{x}}}`,
			},
		},
		{
			name: "what a field of an entity interface requires is asked for by the objects' types",
			sdl: `type Query @join__type(graph: A) { node: Node @join__field(graph: A) }
				interface Node @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String @join__field(graph: A) @join__field(graph: B, external: true) greet: String @join__field(graph: B, requires: "name") }
				type X implements Node @join__implements(graph: A, interface: "Node") @join__implements(graph: B, interface: "Node") @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String @join__field(graph: A) @join__field(graph: B, external: true) greet: String @join__field(graph: B, requires: "name") }
				type Y implements Node @join__implements(graph: A, interface: "Node") @join__implements(graph: B, interface: "Node") @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String @join__field(graph: A) @join__field(graph: B, external: true) greet: String @join__field(graph: B, requires: "name") y: Int @join__field(graph: B) }`,
			document: `{ node { greet ... on Y { y } } }`,
			want: []string{
				`0 a <-[] {node{__typename...on X{id name}...on Y{id name}}}`,
				`1 b <-[0] query($_r:[_Any!]!){_entities(representations:$_r){...on X{greet}...on Y{greet y}}}`,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := LoadSupergraph("s", joinDirectives+c.sdl, c.labels...)
			if err != nil {
				t.Fatal(err)
			}
			p := Build(s.Schema(), c.document, "", Options{})
			if len(p.Errors()) > 0 {
				t.Fatal(p.Errors())
			}
			var v Values
			p.Coerce(nil, &v)
			plan, err := p.Fetches(&v)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range plan.Steps {
				got = append(got, fmt.Sprintf("%d %s <-%v %s", x.ID, plan.Subgraphs[x.Subgraph], x.After, x.Query))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
