package generated

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/weirproxy/weir/bench/internal/gql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func engine(t *testing.T, w *World) *gql.Engine {
	t.Helper()
	e, err := gql.New("generated.graphql", w.SDL(), w.Resolvers(), w.Sources(), TypeOf)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func options(t *testing.T, s string) Options {
	t.Helper()
	o, err := ParseOptions(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// author writes random documents, each with its right answer, from the public functions of a world alone.
type author struct {
	w         *World
	r         *rand.Rand
	revisions map[[2]int64]int64
}

// object writes a selection on an entity and what it selects.
func (a *author) object(kind int, id int64, depth int) (string, map[string]any) {
	var text strings.Builder
	revision := a.revisions[[2]int64{int64(kind), id}]
	answer := map[string]any{"__typename": fmt.Sprintf("T%d", kind)}
	text.WriteString("{ __typename")
	for i := range 1 + a.r.IntN(6) {
		alias := fmt.Sprintf("x%d", i)
		switch choice := a.r.IntN(8); {
		case choice == 0:
			text.WriteString(" id")
			answer["id"] = strconv.FormatInt(id, 10)
		case choice == 1:
			text.WriteString(" revision")
			answer["revision"] = revision
		case choice == 2 && depth > 0:
			fmt.Fprintf(&text, " %s: one ", alias)
			target, ok := a.w.One(kind, id)
			inner, value := a.object(a.w.Target(kind), max(1, target), depth-1)
			text.WriteString(inner)
			if answer[alias] = any(value); !ok {
				answer[alias] = nil
			}
		case choice == 3 && depth > 0:
			n := a.r.IntN(4)
			list := []any{}
			inner := "{ id }"
			for _, target := range a.w.Many(kind, id, n) {
				list = append(list, map[string]any{"id": strconv.FormatInt(target, 10)})
			}
			fmt.Fprintf(&text, " %s: many(first: %d) %s", alias, n, inner)
			answer[alias] = list
		default:
			field := a.r.IntN(a.w.Fields)
			fmt.Fprintf(&text, " %s: f%d", alias, field)
			answer[alias] = a.w.Value(kind, field, id, revision)
		}
	}
	text.WriteString(" }")
	return text.String(), answer
}

// same compares by way of JSON, which is how a client sees both.
func same(t *testing.T, document string, got *gql.Response, want any) {
	t.Helper()
	wanted, err := json.Marshal(map[string]any{"data": want})
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(got.AppendJSON(nil), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(wanted, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s\ngot  %s\nwant %s", document, got.AppendJSON(nil), wanted)
	}
}

func TestAnyDocumentHasTheAnswerThatWasComputed(t *testing.T) {
	for _, text := range []string{"", "types=1,fields=1,entities=1,listSize=0", "types=20,fields=30,entities=1000000,seed=9"} {
		w := New(options(t, text))
		e := engine(t, w)
		a := author{w, rand.New(rand.NewPCG(1, 2)), map[[2]int64]int64{}}
		for range 500 {
			kind, id := a.r.IntN(w.Types), int64(a.r.IntN(w.Entities))+1
			if a.r.IntN(4) == 0 {
				a.revisions[[2]int64{int64(kind), id}]++
				selection, answer := a.object(kind, id, 0)
				document := fmt.Sprintf("mutation { bumpT%d(id: %d) %s }", kind, id, selection)
				same(t, document, e.Execute(t.Context(), &gql.Request{Query: document}), map[string]any{fmt.Sprintf("bumpT%d", kind): answer})
			}
			selection, answer := a.object(kind, id, 3)
			document := fmt.Sprintf("{ a: t%d(id: %d) %s b: entity(type: %d, id: \"%d\") %s }", kind, id, selection, kind, id, "{ ... on T"+strconv.Itoa(kind)+" "+selection+" }")
			same(t, document, e.Execute(t.Context(), &gql.Request{Query: document}), map[string]any{"a": answer, "b": answer})
		}
	}
}

func TestListsAndEdges(t *testing.T) {
	w := New(options(t, "types=2,entities=5,listSize=3"))
	e := engine(t, w)
	for document, want := range map[string]string{
		"{ t0s { id } }":                             `{"data":{"t0s":[{"id":"1"},{"id":"2"},{"id":"3"}]}}`,
		"{ t1s(first: 9, after: 3) { id } }":         `{"data":{"t1s":[{"id":"4"},{"id":"5"}]}}`,
		"{ t0(id: 6) { id } }":                       `{"data":{"t0":null}}`,
		`{ t0(id: "01") { id } }`:                    `{"data":{"t0":null}}`,
		"{ entity(type: 2, id: 1) { id } }":          `{"data":{"entity":null}}`,
		"{ entity(type: -1, id: 1) { id } }":         `{"data":{"entity":null}}`,
		"mutation { bumpT0(id: 0) { id } }":          `{"data":{"bumpT0":null}}`,
		"{ padding(bytes: 0) }":                      `{"data":{"padding":""}}`,
		"{ t0s(first: 1001) { id } }":                `first must be between 0 and 1000, not 1001`,
		"{ t0s(after: -1) { id } }":                  `after must not be negative`,
		"{ padding(bytes: -1) }":                     `bytes must be between 0`,
		"{ t0(id: 1) { many(first: 99) { id } } }":   `{"data":{"t0":{"many":[{"id":`,
		"subscription { t0Changed(id: 1) { nope } }": `Cannot query field`,
	} {
		if got := string(e.Execute(t.Context(), &gql.Request{Query: document}).AppendJSON(nil)); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", document, got, want)
		}
	}
}

func TestChangesAreSeen(t *testing.T) {
	w := New(options(t, "types=2,entities=5"))
	e := engine(t, w)
	events := make(chan string, 10)
	for _, field := range []string{"t0Changed(id: 2)", "t0Changed", "t0Changed(id: 3)", "t1Changed"} {
		begun := make(chan bool)
		go e.Subscribe(t.Context(), &gql.Request{Query: "subscription { " + field + " { id revision } }", Begun: func() { close(begun) }}, func(res *gql.Response) bool {
			events <- field + string(res.AppendJSON(nil))
			return true
		})
		<-begun
	}
	for n := range 2 {
		e.Execute(t.Context(), &gql.Request{Query: "mutation { bumpT0(id: 2) { id } }"})
		seen := map[string]bool{<-events: true, <-events: true}
		for _, field := range []string{"t0Changed(id: 2)", "t0Changed"} {
			if want := fmt.Sprintf(`%s{"data":{"t0Changed":{"id":"2","revision":%d}}}`, field, n+1); !seen[want] {
				t.Errorf("%v, want %s", seen, want)
			}
		}
	}
	if len(events) != 0 || w.Dropped() != 0 {
		t.Errorf("%d more events, %d dropped", len(events), w.Dropped())
	}
}

func TestTheSameSeedMakesTheSameWorld(t *testing.T) {
	a, b, c := New(options(t, "seed=7")), New(options(t, "seed=7")), New(options(t, "seed=8"))
	if a.SDL() != b.SDL() || a.SDL() == c.SDL() {
		t.Error("schemas")
	}
	differs, nulls := 0, 0
	for id := range int64(100) {
		for f := range a.Fields {
			if a.Value(0, f, id, 3) != b.Value(0, f, id, 3) {
				t.Fatalf("field %d of %d", f, id)
			}
			if a.Value(0, f, id, 3) != a.Value(0, f, id, 4) {
				differs++
			}
		}
		if _, ok := a.One(0, id); !ok {
			nulls++
		}
	}
	if differs < 300 || nulls == 0 || nulls > 40 {
		t.Errorf("%d values of 600 changed with the revision, %d relations of 100 are null", differs, nulls)
	}
	// Written down so that a release whose worlds differ is noticed.
	if got := fmt.Sprint(a.Value(0, 0, 1, 0), a.Value(0, 1, 1, 0), a.Many(0, 1, 2)); got != "m9B9a-8R7wBbbq7sc6pf_xGQID_XX_L6558.15625 [191 192]" {
		t.Errorf("%s", got)
	}
}

func TestWrongOptionsNameTheCure(t *testing.T) {
	for text, want := range map[string]string{
		"type=3":         `"type=3" is unknown: write for instance seed=7,types=8`,
		"types":          "is unknown",
		"types=0":        "types is 1 to 200",
		"types=x":        `not "x"`,
		"entities=2e9":   "1 to 1000000000",
		"listSize=1001":  "0 to 1000",
		"seed=-1":        "is unknown",
		"types=2,,":      "is unknown",
		"fields=1000000": "1 to 500",
	} {
		if _, err := ParseOptions(text, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
