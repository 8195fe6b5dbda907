package planner

import (
	"strings"
	"testing"
)

// queryTags returns the tags of a request without looking at a response.
func queryTags(t *testing.T, s *Schema, document, variables string) string {
	t.Helper()
	p := Build(s, document, "", Options{})
	var v Values
	var tags Tags
	if len(p.Errors()) > 0 {
		t.Fatal(document, p.Errors())
	}
	if errs := p.Coerce([]byte(variables), &v); errs != nil {
		t.Fatal(errs)
	}
	p.AppendQueryTags(&v, &tags)
	return list(&tags)
}

func TestQueryTags(t *testing.T) {
	s := world(t)
	for _, tc := range []struct{ document, variables, want string }{
		{"{ now }", "", "Query.now"},
		{"{ __typename me { id } }", "", "Query.me Person"},
		{"{ me { id } ...F } fragment F on Query { now ... { x: now } }", "", "Query.me Query.now Query.now Person"},
		{"mutation { removeCity(id: 1) }", "", ""},
	} {
		if got := queryTags(t, s, tc.document, tc.variables); got != tc.want {
			t.Errorf("%s: %s", tc.document, got)
		}
	}
	got := queryTags(t, s, `query ($id: ID!) { city(id: $id) { name country { name } } }`, `{"id":7}`)
	if !strings.HasPrefix(got, "Query.city Query.city(") || !strings.HasSuffix(got, ") city-7 City Country") {
		t.Error(got)
	}
}

// TestEqualArgumentsGiveEqualTags: literals, variables and defaults with the same value.
func TestEqualArgumentsGiveEqualTags(t *testing.T) {
	s := world(t)
	for _, group := range [][][2]string{
		{
			{`{ cities { id } }`, ``},
			{`{ cities(first: 10) { id } }`, ``},
			{`query ($n: Int) { cities(first: $n) { id } }`, `{}`},
			{`query ($n: Int) { cities(first: $n) { id } }`, `{"n":10}`},
			{`query ($n: Int = 10) { x: cities(first: $n) { name } }`, ``},
		},
		{
			{`{ cities(ids: [1, "b"], filter: {population: {max: 5}}) { id } }`, ``},
			{`query ($i: ID!) { cities(ids: [$i, "b"], filter: {population: {max: 5, min: 0}, units: [METRIC]}) { id } }`, `{"i":"1"}`},
			{`query ($f: CityFilter, $i: [ID!]) { cities(filter: $f, ids: $i, first: 10) { id } }`, `{"f":{"population":{"max":5}},"i":[1,"b"]}`},
			{`query ($r: Range, $name: String) { cities(filter: {population: $r, name: $name}, ids: ["1", "b"]) { id } }`, `{"r":{"max":5}}`},
			{`query ($u: [Unit!]) { cities(filter: {population: {max: 5}, units: $u}, ids: ["1", "b"]) { id } }`, `{}`},
		},
		{
			{`{ sum(a: 1, list: 3) }`, ``}, {`{ sum(a: 1, list: [3], b: 1.5) }`, ``}, {`query ($x: Int!) { sum(a: 1, list: [$x]) }`, `{"x":3}`}, {`query ($x: Int!) { sum(list: 3, a: $x) }`, `{"x":1}`},
		},
	} {
		var first string
		for i, request := range group {
			call := strings.Fields(queryTags(t, s, request[0], request[1]))[1]
			if i == 0 {
				first = call
			} else if call != first {
				t.Errorf("%s %s: %s, want %s as of %s", request[0], request[1], call, first, group[0][0])
			}
		}
	}
	if queryTags(t, s, `{ cities(first: 9) { id } }`, ``) == queryTags(t, s, `{ cities(first: 10) { id } }`, ``) {
		t.Error("other arguments, same tags")
	}
	if queryTags(t, s, `query ($n: Int) { cities(first: $n) { id } }`, `{"n":null}`) == queryTags(t, s, `{ cities { id } }`, ``) {
		t.Error("null and absent are the same")
	}
}

func TestManyRootFieldsShareATag(t *testing.T) {
	tags := queryTags(t, world(t), "{ "+strings.Repeat("now ", 500)+"}", "")
	if n := len(strings.Fields(tags)); n != maxRootFields+1 || !strings.HasSuffix(tags, restTag) {
		t.Errorf("%d tags", n)
	}
}

func TestTemplates(t *testing.T) {
	s, err := ParseSchema("s", `
		input In { id: ID n: Int f: Float b: Boolean l: [Int] }
		type Query { a(in: In, s: String): Int
			@cacheTag(format: "plain") @cacheTag(format: "{$args.in.id}/{$args.in.n}/{$args.in.f}/{$args.in.b}") @cacheTag(format: "s={$args.s}")
			@cacheTag(format: "list {$args.in.l}") @cacheTag(format: "key {$key.id}") @cacheTag(format: "open {$args.s") }`)
	if err != nil {
		t.Fatal(err)
	}
	tags := queryTags(t, s, `query ($in: In, $s: String) { a(in: $in, s: $s) }`, `{"in":{"id":4,"n":-5,"f":1.5,"b":true,"l":[1]},"s":"x y"}`)
	if !strings.HasSuffix(tags, ") plain 4/-5/1.5/true s=x y") {
		t.Error(tags)
	}
	tags = queryTags(t, s, `query ($s: String) { a(s: $s) }`, `{"s":"`+strings.Repeat("x", 300)+`"}`)
	if !strings.HasSuffix(tags, ") plain null/null/null/null list null") {
		t.Error(tags)
	}
}

// Whoever invalidates by the whole tag would not reach an entry that had only a part of it.
func TestTagThatIsTooLongToBeKeptIsTold(t *testing.T) {
	s, err := ParseSchema("s", `type Query { a(s: String): Int @cacheTag(format: "a-{$args.s}") }`)
	if err != nil {
		t.Fatal(err)
	}
	p := Build(s, `query ($s: String) { a(s: $s) }`, "", Options{})
	for value, want := range map[string]bool{`"x"`: true, `null`: true, `"` + strings.Repeat("x", 254) + `"`: true, `"` + strings.Repeat("x", 255) + `"`: false} {
		var v Values
		var tags Tags
		if errs := p.Coerce([]byte(`{"s":`+value+`}`), &v); errs != nil {
			t.Fatal(errs)
		}
		if got := p.AppendQueryTags(&v, &tags); got != want {
			t.Errorf("%.20s: %v", value, got)
		}
	}
}

func TestFormatsThatCannotBeFilledInPreventCaching(t *testing.T) {
	for format, usable := range map[string]bool{"plain": true, "{$args.s}": true, "{$args.t}": false, "{$key.id}": false, "open {$args.s": false} {
		s, err := ParseSchema("s", `type Query { a(s: String): Int @cacheControl(maxAge: 9) @cacheTag(format: "`+format+`") b(s: String): Int @cacheTag(format: "`+format+`") }`)
		if err != nil {
			t.Fatal(err)
		}
		if c := Build(s, "{ x: a(s: \"\") }", "", Options{}).Cache(); c.Cacheable != usable || !usable && (!strings.HasPrefix(c.Reason, "the tag "+format) || c.Path != "x") {
			t.Errorf("%s: %+v", format, c)
		}
		if c := Build(s, "{ b }", "", Options{}).Cache(); c.Hinted == usable { // what the upstream says must not count
			t.Errorf("%s, no hint: %+v", format, c)
		}
	}
}

func TestResponseAndQueryTagsTogether(t *testing.T) {
	p := Build(world(t), `query ($id: ID!) { city(id: $id) { id country { name } } }`, "", Options{})
	var v Values
	var tags Tags
	if errs := p.Coerce([]byte(`{"id":"5"}`), &v); errs != nil {
		t.Fatal(errs)
	}
	if f := p.Inspect([]byte(`{"data":{"city":{"id":"5","country":{"name":"x"}}}}`), &tags); !f.Readable || !f.HasData {
		t.Fatalf("%+v", f)
	}
	p.AppendQueryTags(&v, &tags)
	count := map[string]int{}
	for _, tag := range strings.Fields(list(&tags)) {
		count[tag]++
	}
	for _, want := range []string{"City", "City:5", "city-5", "Country", "Country:?", "Query.city"} {
		if count[want] != 1 {
			t.Errorf("%s: %d times in %s", want, count[want], list(&tags))
		}
	}
}

// TestEntitiesThatTheirTagCannotFindAreNotCached: city-5 must find every entry with city 5.
func TestEntitiesThatTheirTagCannotFindAreNotCached(t *testing.T) {
	s := world(t)
	for _, tc := range []struct{ document, reason, path string }{
		{"{ city(id: 1) { name } }", "type City has a tag with its key, and the key is not selected", "city"},
		{"{ node(id: 1) { ... on City { name } } }", "type City has a tag with its key, and the key is not selected", "node"},
		{"{ a: country(by: {id: 1}) { id c: capital { name } } }", "type City has a tag with its key, and the key is not selected", "a.c"},
		{"{ search(text: \"x\") { ... on Country { name } } }", "type City has a tag with its key, and the key is not selected", "search"},
		{"{ me { home { ... on Country { id } } } }", "type City has a tag with its key, and the key is not selected", "me.home"},
	} {
		p := Build(s, tc.document, "", Options{DefaultMaxAge: 10})
		if c := p.Cache(); c.Cacheable || c.MaxAge != 0 || !c.Hinted || c.Reason != tc.reason || c.Path != tc.path {
			t.Errorf("%s: %+v %v", tc.document, c, p.Errors())
		}
	}
	for document, body := range map[string]string{
		"query ($b: Boolean!) { city(id: 1) { name id @include(if: $b) } }": `{"data":{"city":{"name":"x"}}}`,
		"{ city(id: 1) { id } }":                        `{"data":{"city":{"id":"` + strings.Repeat("x", 300) + `"}}}`,
		"{ cities { id } }":                             `{"data":{"cities":[{"id":"1"},{"id":null}]}}`,
		"{ city(id: 1) { name } }":                      `{"data":{"city":{"name":"x"}},"errors":[{"message":"x"}]}`,
		"{ node(id: 1) { ... on Place { id: name } } }": `{"data":{"node":{"id":"x"}}}`,
	} {
		var tags Tags
		p := Build(s, document, "", Options{})
		if f := p.Inspect([]byte(body), &tags); f.Readable || f.HasErrors != strings.Contains(body, "errors") {
			t.Errorf("%s: %+v %s %v", document, f, list(&tags), p.Errors())
		}
	}
	own, err := ParseSchema("s", `type Query { a: A @cacheControl(maxAge: 5) } type A @cacheTag(format: "a-{$key.id}-{$key.n}") { id: ID n: Int }`)
	if err != nil {
		t.Fatal(err)
	}
	want := "the tag a-{$key.id}-{$key.n} of type A asks for more than the key that a response tells"
	if c := Build(own, "{ a { id n } }", "", Options{}).Cache(); c.Cacheable || c.Reason != want {
		t.Errorf("%+v", c)
	}
}

func TestMutationTags(t *testing.T) {
	s := world(t)
	var tags Tags
	p := Build(s, `mutation { renameCity(id: 5, name: "x") { id name } }`, "", Options{})
	p.InspectMutation([]byte(`{"data":{"renameCity":{"id":"5","name":"x"}}}`), &tags)
	if got := list(&tags); got != "City:5 City:? list:City" {
		t.Error(got)
	}
	tags.Reset()
	p.InspectMutation([]byte(`{"data":{"renameCity":`), &tags)
	if got := list(&tags); !strings.Contains(got, "City") {
		t.Errorf("unreadable: %q", got)
	}
	tags.Reset()
	p = Build(s, `mutation { renameCity(id: 5, name: "x") { id newField } }`, "", Options{})
	if len(p.Errors()) == 0 {
		t.Fatal("valid")
	}
	p.InspectMutation([]byte(`{"data":{"renameCity":{"id":"5"}}}`), &tags)
	if got := list(&tags); got != "City CityPage Country Person Robot" {
		t.Errorf("a mutation beyond the schema: %q", got)
	}
}
