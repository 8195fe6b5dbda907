package proxy

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/weirproxy/weir/proxy/internal/config"
)

// with is a POST of one query with variables as raw JSON.
func with(query, variables string) call { return call{body: operation(query, "variables", variables)} }

const (
	anyQuery  = `query Q($v: Any, $w: Any) { x: any(of: $v) { __typename id title } y: any(of: $w) { __typename id title } }`
	findQuery = `query Q($by: Filter) { x: find(by: $by) { __typename id title } }`
	textQuery = `query Q($s: String) { x: text(s: $s) { __typename id title } }`
	realQuery = `query Q($f: Float) { x: number(f: $f) { __typename id title } }`
)

// TestAttackKeyCollisions: requests made so that a careless key would be the same. Each has an entry of its own.
func TestAttackKeyCollisions(t *testing.T) {
	for _, c := range []struct {
		name  string
		calls []call
	}{
		{"a separator within a value", []call{
			with(anyQuery, `{"v":{"a":"1b:2"}}`), with(anyQuery, `{"v":{"a":"1","b":"2"}}`), with(anyQuery, `{"v":{"a":"1\",\"b\":\"2"}}`), with(anyQuery, `{"v":{"a":"1,b:2"}}`),
		}},
		{"where one value ends and the next begins", []call{
			with(anyQuery, `{"v":"ab","w":""}`), with(anyQuery, `{"v":"a","w":"b"}`), with(anyQuery, `{"v":"","w":"ab"}`), with(anyQuery, `{"v":"ab"}`), with(anyQuery, `{"w":"ab"}`),
			with(anyQuery, `{"v":"ab","w":null}`),
		}},
		{"nesting", []call{
			with(anyQuery, `{"v":["a","b"]}`), with(anyQuery, `{"v":["a",["b"]]}`), with(anyQuery, `{"v":[["a"],"b"]}`), with(anyQuery, `{"v":[["a","b"]]}`), with(anyQuery, `{"v":["a,b"]}`),
			with(anyQuery, `{"v":["ab"]}`), with(anyQuery, `{"v":[]}`), with(anyQuery, `{"v":{}}`), with(anyQuery, `{"v":[[]]}`), with(anyQuery, `{"v":[{}]}`), with(anyQuery, `{"v":""}`),
		}},
		{"text that looks like a length", []call{
			with(anyQuery, `{"v":"1:a"}`), with(anyQuery, `{"v":"a"}`), with(anyQuery, `{"v":"\u0001a"}`), with(anyQuery, `{"v":"\u0001\u0001a"}`), with(anyQuery, `{"v":"\u0000"}`),
			with(anyQuery, `{"v":"\u0000\u0000"}`),
		}},
		{"NUL", []call{
			with(textQuery, `{"s":"a\u0000b"}`), with(textQuery, `{"s":"a"}`), with(textQuery, `{"s":"ab"}`), with(textQuery, `{"s":"a\\u0000b"}`), with(textQuery, `{"s":"a\u0000"}`),
		}},
		{"forms of Unicode", []call{
			with(textQuery, `{"s":"é"}`), with(textQuery, `{"s":"e\u0301"}`), with(textQuery, `{"s":"e"}`), with(textQuery, `{"s":"É"}`), with(textQuery, `{"s":"ﬁ"}`),
			with(textQuery, `{"s":"fi"}`), with(textQuery, `{"s":"а"}`), with(textQuery, `{"s":"a"}`), with(textQuery, `{"s":"a\u200b"}`), with(textQuery, `{"s":"\ufeffa"}`),
		}},
		{"halves of a surrogate pair", []call{
			with(textQuery, `{"s":"\ud83d"}`), with(textQuery, `{"s":"\ude00"}`), with(textQuery, `{"s":"\ufffd"}`), with(textQuery, `{"s":"\ud83d\ude00"}`), with(textQuery, `{"s":"?"}`),
		}},
		{"forms of a number where the type is not known", []call{
			with(anyQuery, `{"v":1}`), with(anyQuery, `{"v":1.0}`), with(anyQuery, `{"v":1e0}`), with(anyQuery, `{"v":"1"}`), with(anyQuery, `{"v":"1.0"}`), with(anyQuery, `{"v":true}`),
			with(anyQuery, `{"v":-0}`), with(anyQuery, `{"v":0}`), with(anyQuery, `{"v":0.0}`),
		}},
		{"numbers beyond 2^53", []call{
			with(anyQuery, `{"v":9007199254740992}`), with(anyQuery, `{"v":9007199254740993}`), with(anyQuery, `{"v":1e400}`), with(anyQuery, `{"v":1e401}`),
			with(anyQuery, `{"v":123456789012345678901234567890}`), with(anyQuery, `{"v":123456789012345678901234567891}`),
		}},
		{"a member twice where the type is not known", []call{
			with(anyQuery, `{"v":{"a":1,"a":2}}`), with(anyQuery, `{"v":{"a":2,"a":1}}`), with(anyQuery, `{"v":{"a":1}}`), with(anyQuery, `{"v":{"a":2}}`), with(anyQuery, `{"v":{"a":2,"a":2}}`),
		}},
		{"an id is text", []call{
			with(`query Q($v: ID!) { x: book(id: $v) { __typename id title } }`, `{"v":"1"}`), with(`query Q($v: ID!) { x: book(id: $v) { __typename id title } }`, `{"v":"01"}`),
			with(`query Q($v: ID!) { x: book(id: $v) { __typename id title } }`, `{"v":"1.0"}`), with(`query Q($v: ID!) { x: book(id: $v) { __typename id title } }`, `{"v":" 1"}`),
			with(`query Q($v: ID!) { x: book(id: $v) { __typename id title } }`, `{"v":"+1"}`), with(`query Q($v: ID!) { x: book(id: $v) { __typename id title } }`, `{"v":""}`),
		}},
		{"members that are null, absent, or in another object", []call{
			with(findQuery, `{"by":{}}`), with(findQuery, `{"by":{"n":null}}`), with(findQuery, `{"by":null}`), with(findQuery, `{}`), with(findQuery, `{"by":{"s":"a"}}`),
			with(findQuery, `{"by":{"sub":{"s":"a"}}}`), with(findQuery, `{"by":{"sub":{"sub":{"s":"a"}}}}`), with(findQuery, `{"by":{"s":"a","sub":{}}}`), with(findQuery, `{"by":{"s":null}}`),
			with(findQuery, `{"by":{"list":[]}}`), with(findQuery, `{"by":{"list":null}}`), with(findQuery, `{"by":{"list":[1,2]}}`), with(findQuery, `{"by":{"list":[2,1]}}`), with(findQuery, `{"by":{"list":[12]}}`),
		}},
		{"aliases and arguments change places", []call{
			{body: operation(`{ a: page(n: 1) { id } b: page(n: 2) { id } }`)},
			{body: operation(`{ a: page(n: 2) { id } b: page(n: 1) { id } }`)},
			{body: operation(`{ b: page(n: 2) { id } a: page(n: 1) { id } }`)},
			{body: operation(`{ a: page(n: 1) { b: id } }`)},
			{body: operation(`{ b: page(n: 1) { a: id } }`)},
			{body: operation(`{ page(n: 1) { id } }`)},
			{body: operation(`{ a: page(n: 1) { id } }`)},
		}},
		{"literals of one spelling and another type", []call{
			{body: operation(`{ x: any(of: 1) { id } }`)},
			{body: operation(`{ x: any(of: "1") { id } }`)},
			{body: operation(`{ x: any(of: ONE) { id } }`)},
			{body: operation(`{ x: any(of: "ONE") { id } }`)},
			{body: operation(`{ x: any(of: null) { id } }`)},
			{body: operation(`{ x: any(of: "null") { id } }`)},
			{body: operation(`{ x: any { id } }`)},
			{body: operation(`{ x: any(of: [1]) { id } }`)},
			{body: operation(`{ x: any(of: {a: 1}) { id } }`)},
			{body: operation(`{ x: any(of: {a: "1"}) { id } }`)},
			{body: operation(`{ x: any(of: 1.0) { id } }`)},
		}},
		{"text that ends the text around it", []call{
			{body: operation(`{ x: text(s: "a\") { id } y: text(s: \"b") { id } }`)},
			{body: operation(`{ x: text(s: "a") { id } y: text(s: "b") { id } }`)},
			{body: operation(`{ x: text(s: "a # b") { id } }`)},
			{body: operation("{ x: text(s: \"\"\"a\n# b\"\"\") { id } }")},
			{body: operation(`{ x: text(s: "a") { id } # b` + "\n}")},
		}},
		{"conditions by variables", []call{
			with(`query Q($b: Boolean!) { x: page { id title @include(if: $b) } }`, `{"b":true}`), with(`query Q($b: Boolean!) { x: page { id title @include(if: $b) } }`, `{"b":false}`),
			with(`query Q($b: Boolean!) { x: page { id title @skip(if: $b) } }`, `{"b":true}`), with(`query Q($b: Boolean!) { x: page { id title @skip(if: $b) } }`, `{"b":false}`),
		}},
		{"names", []call{
			{body: operation(`query AB { x: page { id } }`)}, {body: operation(`query A { x: page { id } }`)}, {body: operation(`{ x: page { id } }`)}, {body: operation(`query Ab { x: page { id } }`)},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := scripted(t, numbered())
			before(t, s, nil).apart(s, c.calls...)
		})
	}
}

// TestAttackKeyLookalikes: what means the same shares an entry, however it is written; a key that told these apart would let a client
// fill the cache with copies.
func TestAttackKeyLookalikes(t *testing.T) {
	for name, calls := range map[string][]call{
		"escapes":           {with(textQuery, `{"s":"é/a"}`), with(textQuery, `{"s":"\u00e9\/\u0061"}`), with(textQuery, ` { "s" : "é/a" } `)},
		"a pair":            {with(textQuery, `{"s":"😀"}`), with(textQuery, `{"s":"\ud83d\ude00"}`)},
		"numbers of a type": {with(realQuery, `{"f":1}`), with(realQuery, `{"f":1.0}`), with(realQuery, `{"f":1e0}`), with(realQuery, `{"f":10e-1}`)},
		"order of members":  {with(findQuery, `{"by":{"s":"a","f":1}}`), with(findQuery, `{"by":{"f":1,"s":"a"}}`), with(findQuery, `{"by":{"n":1,"f":1,"s":"a"}}`)},
		"one for a list":    {with(findQuery, `{"by":{"list":1}}`), with(findQuery, `{"by":{"list":[1]}}`)},
		"members unknown":   {with(textQuery, `{"s":"a"}`), with(textQuery, `{"s":"a","pad":"1"}`), {body: operation(textQuery, "variables", `{"s":"a"}`, "pad", `[1,2]`)}},
		"spelling":          {{body: operation(bookOne)}, {body: operation("query{\n x :book( id:1,),{__typename,id # c\n title}}")}},
		"order of arguments": {
			{body: operation(`{ x: find(by: {s: "a", f: 1.5}) { id } }`)}, {body: operation(`{ x: find(by: {f: 1.5, s: "a"}) { id } }`)},
		},
	} {
		t.Run(name, func(t *testing.T) { before(t, scripted(t, numbered()), nil).together(calls...) })
	}
}

// TestAttackDuplicateMembers: servers differ about which of two members of one name counts, so no entry may answer or learn.
func TestAttackDuplicateMembers(t *testing.T) {
	q := func(query string) string { b := operation(query); return b[1 : len(b)-1] }
	one, two := q(`{ x: page(n: 1) { id } }`), q(`{ x: page(n: 2) { id } }`)
	for name, body := range map[string]string{
		"query":          `{` + one + `,` + two + `}`,
		"query, escaped": `{` + one + `,` + strings.Replace(two, "query", `qu\u0065ry`, 1) + `}`,
		"variables":      `{` + q(textQuery) + `,"variables":{"s":"a"},"variables":{"s":"b"}}`,
		"operationName":  `{"query":"query A { x: page { id } } query B { x: page { title } }","operationName":"A","operationName":"B"}`,
		"a variable":     `{` + q(textQuery) + `,"variables":{"s":"a","s":"b"}}`,
		"an escaped one": `{` + q(textQuery) + `,"variables":{"s":"a","\u0073":"b"}}`,
		"of an input":    `{` + q(findQuery) + `,"variables":{"by":{"s":"a","s":"b"}}}`,
		"of a deep one":  `{` + q(findQuery) + `,"variables":{"by":{"sub":{"s":"a","s":"b"}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, numbered())
			r := before(t, s, nil)
			for _, clean := range []call{{body: `{` + one + `}`}, {body: `{` + two + `}`}, with(textQuery, `{"s":"a"}`), with(textQuery, `{"s":"b"}`), with(findQuery, `{"by":{"s":"b"}}`)} {
				r.kept("the clean one", clean)
			}
			r.never(s, name, call{body: body})
		})
	}
}

// TestAttackPartsOfTheKey: what stands in one part of a request does not count as another part of it.
func TestAttackPartsOfTheKey(t *testing.T) {
	s := scripted(t, numbered())
	r := before(t, s, func(f *config.File) {
		f.Policy.Cache.Vary = []string{"x-a", "x-b"}
		f.Policy.Paths = []string{"/graphql", "/graphql/a=b"}
	})
	book := operation(bookOne)
	r.apart(s,
		call{body: book}, call{body: book, path: "/graphql?a=b"}, call{body: book, path: "/graphql/a=b"}, call{body: book, path: "/graphql?&a=b"},
		call{body: book, path: "/graphql?a"}, call{body: book, path: "/graphql?a=%62"}, call{body: book, path: "/graphql?A=b"}, call{body: book, path: "/graphql?a=b&a=b"},
		call{body: book, lines: []string{"X-A", "1"}}, call{body: book, lines: []string{"X-B", "1"}}, call{body: book, lines: []string{"X-A", "1", "X-B", "1"}}, call{body: book, lines: []string{"X-A", "11"}},
		call{body: book, lines: []string{"X-A", "1, 1"}}, call{body: book, lines: []string{"Accept", "application/graphql-response+json"}},
	)
	r.never(s, "a header of the key twice", call{body: book, lines: []string{"X-A", "1", "X-A", "2"}})
	// By GET: GraphQL's own parameters are not foreign ones, and no foreign one becomes GraphQL's.
	get := func(more string) call {
		return call{method: http.MethodGet, path: byGet(textQuery) + "&variables=" + url.QueryEscape(`{"s":"a"}`) + more}
	}
	r.apart(s, get(""), get("&x=1"), get("&variable="), call{method: http.MethodGet, path: byGet(textQuery) + "&variables=" + url.QueryEscape(`{"s":"b"}`)})
	for _, more := range []string{"&variables=%7B%7D", "&Variables=%7B%7D", "&variables[]=1", "&query=x", "&%71uery=x", "&operationName.a=1"} {
		r.never(s, more, get(more))
	}
}

// TestAttackManyVariants: an attacker who writes one query in a thousand ways gets as many answers and takes no more room than there is.
func TestAttackManyVariants(t *testing.T) {
	s := scripted(t, numbered())
	r := before(t, s, func(f *config.File) {
		f.CacheMemory = "1MiB"
		f.Policy.Unseen = config.Unseen{PerSecond: 1_000_000, Burst: 1_000_000, Plans: 100}
	})
	for i := range 1000 {
		if g := r.fetch(call{body: operation(fmt.Sprintf(`{ x: page(n: %d) { id a%d: title } }`, i%7, i))}); g.status != http.StatusOK {
			t.Fatalf("%d %s", g.status, g.body)
		}
	}
	if used, bound := r.metric("weir_cache_bytes"), r.metric("weir_cache_max_bytes"); used > bound {
		t.Errorf("%v bytes of %v", used, bound)
	}
	if plans := r.metric("weir_plans"); plans > 100 {
		t.Errorf("%v plans of 100", plans)
	}
	r.kept("what others ask", call{body: operation(bookOne)})
}
