package gql

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sdl = `
type Query { book(id: ID!): Book }
type Mutation { lend(id: ID!): Book }
type Subscription { lent(first: Int!): Book! never: Book! }
type Book { id: ID! title: String }
`

func library(t *testing.T) *Engine {
	t.Helper()
	book := func(_ context.Context, c *Call) (any, error) { return c.Args["id"], nil }
	parent := func(_ context.Context, c *Call) (any, error) { return c.Parent, nil }
	e, err := New("library.graphql", sdl, Resolvers{
		"Query": {"book": book}, "Mutation": {"lend": book}, "Subscription": {"lent": parent, "never": parent},
		"Book": {"id": parent, "title": func(_ context.Context, c *Call) (any, error) { return "Book " + c.Parent.(string), nil }},
	}, map[string]Source{
		"lent": func(ctx context.Context, c *Call) (<-chan any, error) {
			n := c.Args["first"].(int64)
			if n < 0 {
				return nil, errors.New("first is negative")
			}
			events := make(chan any)
			go func() {
				defer close(events)
				for i := range n {
					select {
					case events <- string(rune('a' + i)):
					case <-ctx.Done():
						return
					}
				}
			}()
			return events, nil
		},
		"never": func(ctx context.Context, _ *Call) (<-chan any, error) {
			events := make(chan any)
			context.AfterFunc(ctx, func() { close(events) })
			return events, nil
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSubscribe(t *testing.T) {
	e := library(t)
	for _, c := range []struct {
		query, refused string
		most           int // results after which emit says no; 0: it never does
		want           []string
	}{
		{query: "subscription { x: lent(first: 2) { id title } }", want: []string{`{"data":{"x":{"id":"a","title":"Book a"}}}`, `{"data":{"x":{"id":"b","title":"Book b"}}}`}},
		{query: "subscription { lent(first: 0) { id } }"},
		{query: "subscription { lent(first: 20) { id } }", most: 1, want: []string{`{"data":{"lent":{"id":"a"}}}`}},
		{query: `{ book(id: "c") { title } }`, want: []string{`{"data":{"book":{"title":"Book c"}}}`}},
		{query: `mutation { lend(id: "c") { id } }`, want: []string{`{"data":{"lend":{"id":"c"}}}`}},
		{query: "subscription { lent(first: -1) { id } }", refused: `[{"message":"first is negative","locations":[{"line":1,"column":16}],"path":["lent"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]`},
		{query: "subscription { __typename }", refused: "GRAPHQL_VALIDATION_FAILED"},
		{query: "subscription { nope }", refused: "GRAPHQL_VALIDATION_FAILED"},
		{query: "subscription {", refused: "GRAPHQL_PARSE_FAILED"},
		{query: "subscription ($n: Int!) { lent(first: $n) { id } }", refused: "BAD_USER_INPUT"},
	} {
		var got []string
		begun := 0
		refused := e.Subscribe(t.Context(), &Request{Query: c.query, Begun: func() { begun++ }}, func(r *Response) bool {
			got = append(got, string(r.AppendJSON(nil)))
			return len(got) != c.most
		})
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: %q", c.query, got)
		}
		switch {
		case c.refused == "" && (refused != nil || begun != 1):
			t.Errorf("%s: refused %v, begun %d times", c.query, refused, begun)
		case c.refused != "" && (refused == nil || begun != 0 || !strings.Contains(string(refused.AppendErrors(nil)), c.refused)):
			t.Errorf("%s: %v, want %q, begun %d times", c.query, refused, c.refused, begun)
		}
	}
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	refused := library(t).Subscribe(ctx, &Request{Query: "subscription { never { id } }", Begun: cancel}, func(r *Response) bool {
		t.Errorf("%s", r.AppendJSON(nil))
		return true
	})
	if refused != nil {
		t.Errorf("%s", refused.AppendErrors(nil))
	}
}

func TestAProbeSeesEachFieldAndMayFailIt(t *testing.T) {
	var seen []string
	res := library(t).Execute(t.Context(), &Request{
		Query: `{ __typename a: book(id: "x") { __typename id t: title } __schema { queryType { name } } }`,
		Probe: func(f *Field) error {
			seen = append(seen, f.Type+"."+f.Name)
			if f.Name == "title" {
				if at := f.Path(); len(at) != 2 || at[0] != "a" || at[1] != "t" || !f.Nullable {
					t.Errorf("%v %v", at, f.Nullable)
				}
				return errors.New("torn out")
			}
			return nil
		},
	})
	if got := strings.Join(seen, " "); got != "Query.book Book.id Book.title" {
		t.Errorf("%s", got)
	}
	if got := string(res.AppendJSON(nil)); !strings.Contains(got, `"message":"torn out"`) || !strings.Contains(got, `"path":["a","t"]`) || !strings.Contains(got, `"t":null`) {
		t.Errorf("%s", got)
	}
}

func TestIdentify(t *testing.T) {
	e := library(t)
	for query, want := range map[string]Operation{
		`query Q { book(id: 1) { id } }`:  {"query", "Q", "query.book"},
		`mutation { lend(id: 1) { id } }`: {"mutation", "", "mutation.lend"},
		`{ nope }`:                        {}, `{`: {}, `query A { book(id: 1) { id } } query B { book(id: 1) { id } }`: {},
	} {
		if got := e.Identify(&Request{Query: query}); got != want {
			t.Errorf("%s: %+v, want %+v", query, got, want)
		}
	}
	if !e.HasField("Book", "title") || e.HasField("Book", "nope") || e.HasField("Nope", "id") {
		t.Error("fields")
	}
	if _, err := New("x", sdl, e.resolvers, nil, nil); err == nil || !strings.Contains(err.Error(), "no source for Subscription.") {
		t.Errorf("%v", err)
	}
}
