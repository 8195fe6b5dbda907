package proxy

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
	"github.com/weirproxy/weir/proxy/internal/scope"
)

const (
	plainQuery = `{ x: plain }`
	bookOne    = `{ x: book(id: 1) { __typename id title } }`
)

// forUsers trusts a header to name the user.
func forUsers(f *config.File) {
	f.Policy.Scope.Header = &scope.Header{Name: "x-user", Class: "user", VouchedBy: &scope.Vouched{Networks: []string{"127.0.0.1"}}}
}

func missingCacheControl(t *testing.T) {
	s := scripted(t, numbered())
	before(t, s, nil).never(s, "neither the schema nor the origin allows it", call{body: operation(plainQuery)})
}

func maxAgeZero(t *testing.T) {
	s := scripted(t, numbered("Cache-Control", "public, max-age=0"))
	r := before(t, s, nil)
	r.never(s, "no hint", call{body: operation(plainQuery)})
	r.never(s, "a hint of 60 s", call{body: operation(bookOne)})
}

func ageIgnored(t *testing.T) {
	old := scripted(t, numbered("Cache-Control", "public, max-age=60", "Age", "60"))
	before(t, old, nil).never(old, "all its time was spent elsewhere", call{body: operation(plainQuery)})
	aged := scripted(t, numbered("Cache-Control", "public, max-age=60", "Age", "50"))
	g := before(t, aged, nil).kept("an answer of 50 s", call{body: operation(plainQuery)})
	var ttl int
	if _, err := fmt.Sscanf(g.header.Get("Cache-Status"), "weir; hit; ttl=%d", &ttl); err != nil || ttl > 10 {
		t.Errorf("Cache-Status %q, %v: 10 s are left", g.header.Get("Cache-Status"), err)
	}
}

func sharedMaxAge(t *testing.T) {
	for _, order := range []string{"s-maxage=0, max-age=60", "max-age=60, s-maxage=0"} {
		s := scripted(t, numbered("Cache-Control", "public, "+order))
		before(t, s, nil).never(s, order, call{body: operation(plainQuery)})
	}
	for _, order := range []string{"s-maxage=60, max-age=0", "max-age=0, s-maxage=60"} {
		s := scripted(t, numbered("Cache-Control", "public, "+order))
		before(t, s, nil).kept(order, call{body: operation(plainQuery)})
	}
}

func varyStar(t *testing.T) {
	for _, v := range []string{"*", "Accept-Encoding, *", "*, Accept"} {
		s := scripted(t, numbered("Vary", v))
		before(t, s, nil).never(s, v, call{body: operation(bookOne)})
	}
}

func setCookie(t *testing.T) {
	s := scripted(t, numbered("Set-Cookie", "session=1", "Cache-Control", "public, max-age=60"))
	before(t, s, nil).never(s, "a cookie", call{body: operation(bookOne)})
}

// longTagHeader: a list of more entities than a CDN reads tags of has a header within the CDN's limit, and a tag that finds it all the same.
func longTagHeader(t *testing.T) {
	s := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		tags := make([]string, 190)
		for i := range tags {
			tags[i] = fmt.Sprintf("shelf-%0120d", i)
		}
		w.Header().Set("Surrogate-Key", strings.Join(tags, " "))
		fmt.Fprint(w, goodBody)
	})
	r := before(t, s, func(f *config.File) { f.Policy.Cache.Outward.SurrogateKey.Enabled = true })
	g := r.kept("the shelf", call{body: operation(bookOne)})
	keys := strings.Fields(strings.Join(g.header.Values("Surrogate-Key"), " "))
	if n := len(strings.Join(keys, " ")); n == 0 || n > 16<<10 || !slices.Contains(keys, "weir-more") {
		t.Errorf("%d tags in %d bytes, the last %q", len(keys), n, keys[max(0, len(keys)-1):])
	}
}

// tooManyTags: by a tag that was left out an answer could not be found, so it is not kept.
func tooManyTags(t *testing.T) {
	for name, tags := range map[string]string{"too many": strings.Repeat("a%d ", 300), "too long": strings.Repeat("a", 300)} {
		var n int
		tags := regexp.MustCompile("%d").ReplaceAllStringFunc(tags, func(string) string { n++; return fmt.Sprint(n) })
		s := scripted(t, numbered("Surrogate-Key", tags))
		before(t, s, nil).never(s, name, call{body: operation(bookOne)})
	}
}

func subscriptionByPost(t *testing.T) {
	s := scripted(t, numbered("Cache-Control", "public, max-age=60"))
	before(t, s, nil).never(s, "a subscription that is answered like a query", call{body: operation(`subscription { x: changed { __typename id title } }`)})
}

func deferred(t *testing.T) {
	const query = `{ x: book(id: 1) { __typename id ... @defer { title } } }`
	s := scripted(t, numbered("Cache-Control", "public, max-age=60"))
	r := before(t, s, nil)
	r.never(s, "@defer", call{body: operation(query)})
	r.never(s, "@defer in parts", call{body: operation(query), lines: []string{"Accept", "multipart/mixed;deferSpec=20220824, application/json"}})
}

func mutationThroughGet(t *testing.T) {
	s := scripted(t, numbered("Cache-Control", "public, max-age=60"))
	r := before(t, s, nil)
	r.kept("the book", call{body: operation(bookOne)})
	get := call{method: http.MethodGet, path: byGet(`mutation { x: setBook(id: 1) { __typename id title } }`)}
	r.never(s, "a mutation by GET", get)
	was := s.asked()
	if g := r.fetch(call{body: operation(bookOne)}); g.hit() || s.asked() != was+1 {
		t.Errorf("the mutation by GET did not invalidate: %v", g.header)
	}
	get.method = http.MethodHead
	if g := r.fetch(get); g.hit() {
		t.Errorf("a mutation by HEAD: %v", g.header)
	}
}

func oneTextTwoOperations(t *testing.T) {
	const text = `query A { x: book(id: 1) { __typename id title } } query B { x: book(id: 1) { __typename id title } }`
	s := scripted(t, numbered())
	r := before(t, s, nil)
	r.apart(s, call{body: operation(text, "operationName", `"A"`)}, call{body: operation(text, "operationName", `"B"`)}, call{body: operation(bookOne)})
	r.never(s, "no name where one is needed", call{body: operation(text)})
	r.never(s, "a name that is not there", call{body: operation(text, "operationName", `"C"`)})
}

func defaultOrNull(t *testing.T) {
	const query = `query Q($n: Int = 2) { x: page(n: $n) { __typename id title } }`
	s := scripted(t, numbered())
	r := before(t, s, nil)
	r.apart(s, call{body: operation(query)}, call{body: operation(query, "variables", `{"n":null}`)}, call{body: operation(query, "variables", `{"n":1}`)})
	r.together(call{body: operation(query)}, call{body: operation(query, "variables", `{"n":2}`)}, call{body: operation(query, "variables", `{"n":2,"other":1}`)})
	const bare = `query Q($n: Int) { x: page(n: $n) { __typename id title } }`
	r.apart(s, call{body: operation(bare)}, call{body: operation(bare, "variables", `{"n":null}`)})
}

func numberOrText(t *testing.T) {
	s := scripted(t, numbered())
	r := before(t, s, nil)
	const opaque = `query Q($v: Any) { x: any(of: $v) { __typename id title } }`
	r.apart(s, call{body: operation(opaque, "variables", `{"v":1}`)}, call{body: operation(opaque, "variables", `{"v":"1"}`)}, call{body: operation(opaque, "variables", `{"v":[1]}`)},
		call{body: operation(opaque, "variables", `{"v":true}`)}, call{body: operation(opaque, "variables", `{"v":"true"}`)}, call{body: operation(opaque, "variables", `{"v":null}`)})
	const id = `query Q($v: ID!) { x: book(id: $v) { __typename id title } }` // an ID is text, however it is written
	r.together(call{body: operation(id, "variables", `{"v":1}`)}, call{body: operation(id, "variables", `{"v":"1"}`)})
}

func privateMember(t *testing.T) {
	const query = `{ x: paper { __typename ... on Book { id title } ... on Diary { id day } } }`
	s := scripted(t, numbered("Cache-Control", "public, max-age=60"))
	before(t, s, nil).never(s, "one of two members is private, though the answer held the other", call{body: operation(query)})
	r := before(t, s, forUsers)
	a, b := call{body: operation(query), lines: []string{"X-User", "ann"}}, call{body: operation(query), lines: []string{"X-User", "ben"}}
	r.apart(s, a, b)
	if r.kept("ann's", a).body == r.kept("ben's", b).body {
		t.Error("two users share an answer")
	}
	r.never(s, "nobody", call{body: operation(query)})
}

func headerWithoutVary(t *testing.T) {
	shown := func(vary string) func(w http.ResponseWriter, r *http.Request, body string) {
		return func(w http.ResponseWriter, r *http.Request, _ string) {
			if vary != "" {
				w.Header().Set("Vary", vary)
			}
			fmt.Fprintf(w, `{"data":{"x":{"__typename":"Book","id":"1","title":%q}}}`, r.Header.Get("X-Region"))
		}
	}
	regions := func(t *testing.T, r *rig) {
		t.Helper()
		for range 2 {
			for _, region := range []string{"north", "south", ""} {
				if g := r.fetch(call{body: operation(bookOne), lines: []string{"X-Region", region}}); !strings.Contains(g.body, `"title":"`+region+`"`) {
					t.Errorf("%q got %s %v", region, g.body, g.header)
				}
			}
		}
	}
	t.Run("the origin says Vary", func(t *testing.T) { regions(t, before(t, scripted(t, shown("X-Region")), nil)) })
	t.Run("policy says so where the origin does not", func(t *testing.T) {
		r := before(t, scripted(t, shown("")), func(f *config.File) { f.Policy.Cache.Vary = []string{"x-region"} })
		regions(t, r)
		r.kept("each region", call{body: operation(bookOne), lines: []string{"X-Region", "north"}})
	})
}

// persistedQueryNotFound: an answer that says no must not be kept, here or behind, or nobody ever registers the document.
func persistedQueryNotFound(t *testing.T) {
	s := scripted(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		w.Header().Set("Cache-Control", "public, max-age=60") // what it should not say
		if !strings.Contains(body, "title") {
			fmt.Fprint(w, `{"errors":[{"message":"PersistedQueryNotFound","extensions":{"code":"PERSISTED_QUERY_NOT_FOUND"}}]}`)
			return
		}
		fmt.Fprint(w, `{"data":{"x":{"__typename":"Book","id":"1","title":"a"}}}`)
	})
	r := before(t, s, nil)
	extensions := fmt.Sprintf(`{"persistedQuery":{"version":1,"sha256Hash":"%x"}}`, sha256.Sum256([]byte(bookOne)))
	hashOnly := call{body: `{"extensions":` + extensions + `}`}
	r.never(s, "not found", hashOnly)
	r.fetch(call{body: operation(bookOne, "extensions", extensions)})
	if g := r.kept("the registered document", hashOnly); !strings.Contains(g.body, `"title":"a"`) {
		t.Errorf("%s", g.body)
	}
}

// persistedQueryNotFoundBehind: where Weir speaks to a CDN, it tells it not to keep what the origin wrongly allows.
func persistedQueryNotFoundBehind(t *testing.T) {
	s := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		fmt.Fprint(w, `{"errors":[{"message":"PersistedQueryNotFound","extensions":{"code":"PERSISTED_QUERY_NOT_FOUND"}}]}`)
	})
	r := before(t, s, func(f *config.File) { f.Policy.Cache.Outward.CacheControl = true })
	c := call{body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("0", 64) + `"}}}`}
	for range 2 {
		if g := r.fetch(c); g.hit() || !strings.Contains(g.header.Get("Cache-Control"), "no-store") {
			t.Errorf("%v %s", g.header, g.body)
		}
	}
}
