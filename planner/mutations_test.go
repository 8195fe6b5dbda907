package planner

import (
	"slices"
	"strings"
	"testing"
)

const shopSDL = `
type Query { book(id: ID!): Book books: [Book] shelf: Shelf now: String }
type Mutation { setBook: Book setBooks: [Book] setShelf: Shelf remove(id: ID!): Boolean wrapped: Payload done: Done track: Int }
type Book { id: ID! title: String shelf: Shelf }
type Shelf { name: String books: [Book] }
type Payload { ok: Boolean book: Book }
type Done { ok: Boolean }
union Thing = Book | Shelf
`

func shop(t *testing.T) *Schema {
	t.Helper()
	s, err := ParseSchema("shop", shopSDL)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func invalidated(p *Plan, body string) (string, Facts) {
	var tags Tags
	f := p.InspectMutation([]byte(body), &tags)
	var list []string
	for i := range tags.Len() {
		list = append(list, string(tags.At(i)))
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " "), f
}

func TestWhatAMutationInvalidates(t *testing.T) {
	s := shop(t)
	o := Options{Mutations: Mutations{
		Fields: map[string]MutationPolicy{"setBook": MutationEntity, "setBooks": MutationType},
		Types:  map[string][]string{"remove": {"Book", "Shelf"}, "track": {}},
	}}
	const book = `{"id":"5","title":"a"}`
	for _, c := range []struct {
		document, body string
		o              Options
		tags           string
		unnamed        bool
	}{
		{`mutation { setBook { id } }`, `{"data":{"setBook":` + book + `}}`, Options{}, "Book:5 Book:? list:Book", false},
		{`mutation { setBook { id } }`, `{"data":{"setBook":` + book + `}}`, o, "Book:5 Book:?", false},
		{`mutation { a: setBook { id } b: setBooks { id } }`, `{"data":{"a":` + book + `,"b":[{"id":"6"}]}}`, o, "Book Book:5 Book:?", false},
		{`mutation { setBook { title } }`, `{"data":{"setBook":{"title":"a"}}}`, o, "Book", false}, // its key is not known
		{`mutation { setBook { id } }`, `{"data":{"setBook":null}}`, o, "Book", false},             // nor is it here
		{`mutation { setBook { id } }`, `{"data":{"setBook":null},"errors":[{}]}`, o, "", false},   // nothing was done
		{`mutation { setBook { id } setBooks { id } }`, `{"data":{"setBook":` + book + `,"setBooks":null},"errors":[{}]}`, Options{}, "Book:5 Book:? list:Book", false},
		{`mutation { setShelf { name } }`, `{"data":{"setShelf":{"name":"a"}}}`, Options{}, "Shelf", false}, // a type without key
		{`mutation { wrapped { ok book { id } } }`, `{"data":{"wrapped":{"ok":true,"book":` + book + `}}}`, Options{Mutations: Mutations{Policy: MutationEntity}}, "Book:5 Book:? Payload", false},
		{`mutation { remove(id: 5) }`, `{"data":{"remove":true}}`, o, "Book Shelf", false},
		{`mutation { remove(id: 5) }`, `{"data":{"remove":null}}`, o, "Book Shelf", false},
		{`mutation { remove(id: 5) }`, `{"data":{"remove":null},"errors":[{}]}`, o, "", false},
		{`mutation { remove(id: 5) }`, `{"data":{"remove":true}}`, Options{}, "", true},
		{`mutation { track }`, `{"data":{"track":1}}`, o, "", false},
		{`mutation { track setBook { id } }`, `{"data":{"track":1,"setBook":` + book + `}}`, Options{}, "Book:5 Book:? list:Book", true},
		{`mutation { done { ok } }`, `{"data":{"done":{"ok":true}}}`, Options{}, "Done", true}, // no entry holds a Done
		{`mutation { wrapped { ok } }`, `{"data":{"wrapped":{"ok":true}}}`, Options{}, "Payload", true},
		{`mutation { ...f } fragment f on Mutation { ... { remove(id: 5) } }`, `{"data":{"remove":true}}`, Options{}, "", true},
		{`mutation { track }`, `{"data":{"track":1}}`, Options{Mutations: Mutations{Types: map[string][]string{"track": {"Thing"}}}}, "Book Shelf", false},
		{`mutation { remove(id: 5) }`, `no JSON`, o, "Book Shelf", false},
		{`mutation { track }`, `no JSON`, Options{}, "", true},
		{`mutation { __typename }`, `{"data":{"__typename":"Mutation"}}`, Options{}, "", false},
	} {
		p := Build(s, c.document, "", c.o)
		if got, f := invalidated(p, c.body); got != c.tags || f.Unnamed != c.unnamed {
			t.Errorf("%s %s: %q unnamed %v, want %q %v", c.document, c.body, got, f.Unnamed, c.tags, c.unnamed)
		}
	}
	p := Build(nil, `mutation { remove(id: 5) }`, "", Options{})
	if _, f := invalidated(p, `{"data":{"remove":true}}`); !f.Unnamed || !p.Unnamed() {
		t.Error("without a schema nothing is known of a mutation")
	}
	if _, f := invalidated(p, `{"errors":[{}]}`); f.Unnamed {
		t.Error("a mutation that was refused counts")
	}
}

func TestTypesThatAQueryCanReturn(t *testing.T) {
	var tags Tags
	if s := shop(t); !s.AppendQueriedTypes(&tags, 2) || tags.Len() != 2 || string(tags.At(0)) != "Book" || string(tags.At(1)) != "Shelf" {
		t.Errorf("%d types", tags.Len())
	}
	if shop(t).AppendQueriedTypes(&tags, 1) || (*Schema)(nil).AppendQueriedTypes(&tags, 100) {
		t.Error("too many, or none known, are said to be all")
	}
}
