package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/admin"
	"github.com/weirproxy/weir/proxy/internal/config"
)

const namedBook = `{"query":"query Front { x: book(id: \"1\") { id title } }"}`

// reach is what the receipt of an invalidation says.
func (r *rig) invalidate(body string) (reach admin.Reach) {
	r.t.Helper()
	head, text := do(r.t, r.admin, http.MethodPost, "/cache/invalidate", body)
	var receipt struct {
		Time    string
		Reached *admin.Reach
	}
	if err := json.Unmarshal([]byte(text), &receipt); err != nil || head.StatusCode != http.StatusOK || receipt.Reached == nil || receipt.Time == "" {
		r.t.Fatalf("%s: %d %s", body, head.StatusCode, text)
	}
	return *receipt.Reached
}

// Whatever names an entry finds it: tags of its type, key, lists, root field and arguments, operation, tags that the upstream gave in headers
// and in the answer, prefixes and patterns over all of these, and everything.
func TestEntryIsFoundByEachOfItsNames(t *testing.T) {
	s := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Surrogate-Key", "shelf-1 red")
		w.Header().Set("Cache-Tag", "blue, dark green")
		w.Header().Add("Cache-Groups", `"books";a=1, "old \"books\""`)
		fmt.Fprint(w, `{"data":{"x":{"id":"1","title":"a"}},"extensions":{"cacheTags":["e1"],"apolloCacheTags":["e2"]}}`)
	})
	r := before(t, s, func(f *config.File) { f.Policy.Cache.HoldOff = "0s" })
	eventually(t, "the schema is in force", func() bool { return r.policies.load().Plans.Schema() != nil })
	for body, entries := range map[string]int64{
		`{"tags":["Book:1"]}`: 1, `{"tags":["Book"]}`: 1, `{"types":["Book"]}`: 1, `{"types":["Paper"]}`: 1, `{"tags":["Query.book"]}`: 1,
		`{"operations":["Front"]}`: 1, `{"tags":["red"]}`: 1, `{"tags":["dark green"]}`: 1, `{"tags":["books"]}`: 1, `{"tags":["old \"books\""]}`: 1,
		`{"tags":["e1"]}`: 1, `{"tags":["e2"]}`: 1, `{"prefixes":["shelf-"]}`: 1, `{"patterns":["Book:*"]}`: 1, `{"patterns":["Query.b*k(*)"]}`: 1,
		`{"patterns":["dark*n"]}`: 1, `{"all":true}`: 1,
		`{"tags":["Book:2"]}`: 0, `{"types":["Diary"]}`: 0, `{"operations":["Other"]}`: 0, `{"patterns":["Query.*b"]}`: 0, `{"tags":["shelf"]}`: 0,
	} {
		r.fetch(call{body: namedBook})
		if a := r.fetch(call{body: namedBook}); !a.hit() {
			t.Fatalf("before %s: %s", body, a.header.Get("Cache-Status"))
		}
		if reach := r.invalidate(body); reach.Entries != entries {
			t.Errorf("%s reached %+v, want %d entries", body, reach, entries)
		}
		if a := r.fetch(call{body: namedBook}); a.hit() == (entries > 0) {
			t.Errorf("after %s: %s", body, a.header.Get("Cache-Status"))
		}
		r.invalidate(`{"all":true}`)
	}
}

// An answer that the upstream gave a tag that cannot be kept is not kept at all: whoever invalidates by the tag would miss it.
func TestAnswerWithATagThatCannotBeKeptIsNotKept(t *testing.T) {
	long := strings.Repeat("a", 300)
	for name, lines := range map[string][]string{
		"too long": {"Surrogate-Key", "a " + long}, "too many": {"Cache-Tag", strings.Repeat("a,", 201)}, "reserved": {"Cache-Tag", "@op:Front"},
		"broken list": {"Cache-Groups", "books"},
	} {
		t.Run(name, func(t *testing.T) {
			r := before(t, scripted(t, numbered(lines...)), nil)
			for range 3 {
				if a := r.fetch(call{body: namedBook}); a.hit() || a.status != http.StatusOK {
					t.Fatalf("%d %s", a.status, a.header.Get("Cache-Status"))
				}
			}
			if n := r.metric(`weir_not_stored_total{reason="tags"}`); n < 1 {
				t.Errorf("%v are counted", n)
			}
		})
	}
}

// The upstream invalidates groups by its answers to methods that may change something, also where the request is none of GraphQL, and before
// the client sees the answer.
func TestUpstreamInvalidatesGroups(t *testing.T) {
	list := `"other";a=1, "books"`
	for _, c := range []struct {
		name, method, path, groups string
		gone, unknown              bool
	}{
		{"PUT", http.MethodPut, "/shelves/1", list, true, false},
		{"DELETE", http.MethodDelete, "/shelves/1", list, true, false},
		{"POST elsewhere", http.MethodPost, "/import", list, true, false},
		{"two lines", http.MethodPut, "/shelves/1", "\"other\"\n\"books\"", true, false},
		{"another group", http.MethodPost, "/import", `"other"`, false, false},
		{"GET", http.MethodGet, "/shelves/1", list, false, false},
		{"broken", http.MethodPut, "/shelves/1", `books`, true, true},
		{"switched off", http.MethodPut, "/shelves/1", list, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scripted(t, func(w http.ResponseWriter, r *http.Request, _ string) {
				if r.URL.Path == "/graphql" {
					w.Header().Set("Cache-Groups", `"books"`)
					fmt.Fprint(w, `{"data":{"x":{"id":"1","title":"a"}}}`)
					return
				}
				for line := range strings.SplitSeq(c.groups, "\n") {
					w.Header().Add("Cache-Group-Invalidation", line)
				}
				fmt.Fprint(w, `"done"`)
			})
			r := before(t, s, func(f *config.File) { f.Policy.Cache.Tags.Obey = c.name != "switched off" })
			eventually(t, "the schema is in force", func() bool { return r.policies.load().Plans.Schema() != nil })
			r.kept("the book", call{body: namedBook})
			if a := r.fetch(call{method: c.method, path: c.path}); a.status != http.StatusOK {
				t.Fatal(a.status)
			}
			if a := r.fetch(call{body: namedBook}); a.hit() == c.gone {
				t.Errorf("after %s %s: %s", c.method, c.groups, a.header.Get("Cache-Status"))
			}
			if n := r.metric("weir_unnamed_mutations_total"); (n == 1) != c.unknown {
				t.Errorf("%v lists that could not be read", n)
			}
		})
	}
}

func TestTagsOfWhatIsHeldAreShown(t *testing.T) {
	r := before(t, scripted(t, numbered()), nil)
	r.kept("the book", call{body: namedBook})
	if head, text := do(t, r.admin, http.MethodGet, "/cache/tags?prefix=Query.", ""); head.StatusCode != http.StatusOK || !strings.Contains(text, `"tag": "Query.book"`) {
		t.Errorf("%d %s", head.StatusCode, text)
	}
}
