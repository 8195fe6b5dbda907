package proxy

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

const books = `
type Book @key(fields: "id") @cacheControl(maxAge: 60) { id: ID! title: String }
type Shelf @cacheControl(maxAge: 60) { name: String }
type Query { book(id: ID!): Book books: [Book] @cacheControl(maxAge: 60) shelf: Shelf count: Int @cacheControl(maxAge: 60) }
type Mutation { setBook(id: ID!): Book removeBook(id: ID!): Boolean track: Boolean }
`

// entries are the queries of libraryOrigin, each of which has an entry of its own.
var entries = map[string]string{
	"one": `{ book(id: "1") { id title } }`, "two": `{ book(id: "2") { id title } }`, "list": `{ books { id title } }`, "shelf": `{ shelf { name } }`,
	"count": `{ count }`,
}

func answerLibrary(w http.ResponseWriter, _ *http.Request, body string) {
	for _, c := range [][2]string{
		{"setBook", `{"data":{"setBook":{"id":"1","title":"new"}}}`},
		{"removeBook", `{"data":{"removeBook":true}}`},
		{"track", `{"data":{"track":true}}`},
		{"books", `{"data":{"books":[{"id":"2","title":"b"}]}}`},
		{"shelf", `{"data":{"shelf":{"name":"s"}}}`},
		{"count", `{"data":{"count":7}}`},
		{`id: \"2\"`, `{"data":{"book":{"id":"2","title":"b"}}}`},
		{"", `{"data":{"book":{"id":"1","title":"a"}}}`},
	} {
		if strings.Contains(body, c[0]) {
			fmt.Fprint(w, c[1])
			return
		}
	}
}

// overLibrary is a sidecar before an origin with books.
func overLibrary(t *testing.T, edit func(*config.CachePolicy)) (*rig, *script) {
	t.Helper()
	s := scripted(t, answerLibrary)
	return start(t, configuration(t, s.URL, func(f *config.File) {
		f.Schema = write(t, filepath.Join(t.TempDir(), "library.graphql"), books)
		if edit != nil {
			edit(&f.Policy.Cache)
		}
	})), s
}

// fillAll makes an entry of each query.
func (r *rig) fillAll() {
	r.t.Helper()
	for name, q := range entries {
		r.kept(name, call{body: operation(q)})
	}
}

// gone returns which entries no longer answer, in the order of the names.
func (r *rig) gone() string {
	r.t.Helper()
	var out []string
	for _, name := range []string{"one", "two", "list", "shelf", "count"} {
		if !r.fetch(call{body: operation(entries[name])}).hit() {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

func TestMutationPolicies(t *testing.T) {
	set, remove, track := `mutation { setBook(id: "1") { id } }`, `mutation { removeBook(id: "1") }`, `mutation { track }`
	fields := func(f ...config.Mutation) func(*config.CachePolicy) {
		return func(p *config.CachePolicy) { p.Mutations.Fields = f }
	}
	for name, c := range map[string]struct {
		edit     func(*config.CachePolicy)
		mutation string
		gone     string
	}{
		"list is the default":               {nil, set, "one list"},
		"entity":                            {func(p *config.CachePolicy) { p.Mutations.Policy = "entity" }, set, "one"},
		"type":                              {func(p *config.CachePolicy) { p.Mutations.Policy = "type" }, set, "one two list"},
		"override":                          {fields(config.Mutation{Name: "setBook", Policy: "type"}), set, "one two list"},
		"override of another":               {fields(config.Mutation{Name: "track", Policy: "type"}), set, "one list"},
		"types beside the answer":           {fields(config.Mutation{Name: "setBook", Policy: "entity", Types: []string{"Shelf"}}), set, "one shelf"},
		"plain result":                      {nil, remove, "one two list shelf"},
		"plain result with types":           {fields(config.Mutation{Name: "removeBook", Types: []string{"Book"}}), remove, "one two list"},
		"plain result that changes nothing": {fields(config.Mutation{Name: "track", Only: true}), track, ""},
		"plain result, everything":          {func(p *config.CachePolicy) { p.UnreadMutations = "everything" }, remove, "one two list shelf count"},
		"plain result, counted":             {func(p *config.CachePolicy) { p.UnreadMutations = "count" }, remove, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := overLibrary(t, c.edit)
			r.fillAll()
			r.fetch(call{body: operation(c.mutation)})
			if got := r.gone(); got != c.gone {
				t.Errorf("gone: %q, want %q", got, c.gone)
			}
			unnamed := 0.0
			if strings.HasPrefix(name, "plain result") && !strings.Contains(name, "types") && !strings.Contains(name, "nothing") {
				unnamed = 1
			}
			if n := r.metric("weir_unnamed_mutations_total"); n != unnamed {
				t.Errorf("%v are counted, want %v", n, unnamed)
			}
		})
	}
}
